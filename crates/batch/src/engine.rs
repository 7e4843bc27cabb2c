//! What answers lines.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use sagewire_types::Error;

use crate::Line;

/// How often a line is asked whose failure may pass.
pub const MOST_TRIES: u32 = 5;

/// Answers one line at a time; many are asked at the same time.
#[async_trait]
pub trait Engine: fmt::Debug + Send + Sync {
    /// Answers a line. Dropping the future ends the call.
    async fn answer(&self, line: &Line) -> Outcome;
}

/// What became of a line.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// An answer, good or bad. With a status from 200 to 299 it goes to the output file, else to
    /// the error file.
    Answered(Response),
    /// There is no answer, and will be none.
    Failed {
        /// What kind of failure it is.
        code: String,
        /// What happened.
        message: String,
    },
    /// What would answer is busy: the line is asked again, and no other one before this time.
    Later(Duration),
    /// The answer is a failure that may pass: the line is asked again, at most
    /// [`MOST_TRIES`](crate::MOST_TRIES) times, and then this is its answer.
    Retry {
        /// No other line is asked before this time.
        after: Duration,
        /// The answer.
        otherwise: Response,
    },
    /// No line can be answered: the work ends, and can be gone on with.
    Stop(Error),
}

/// An answer to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status that a live request would have had.
    pub status: u16,
    /// The id of the request in logs.
    pub request_id: String,
    /// The body. What is not JSON becomes a JSON string.
    pub body: Bytes,
}
