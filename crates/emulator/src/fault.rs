//! Faults: what may go wrong between a good answer and the client.
//!
//! Owns the list of faults. Seeded schedules of them are in `chaos`, any values for them in `any`;
//! how each changes an answer is in `apply`, `surgery` and `gzip`, and, for what happens below
//! HTTP, in `socket`.

mod any;
mod apply;
mod chaos;
mod gzip;
mod name;
mod surgery;

pub(crate) use self::name::MOST_SKEW;
pub use self::{
    chaos::Chaos,
    name::{FaultName, FaultNameError},
};

use std::time::Duration;

use crate::{aws_error::AwsError, frame::Frame};

/// One fault, on one answer.
///
/// Byte offsets count the body of the HTTP answer, frames and all; frames count from 0. A fault
/// that names a frame or a byte that the answer does not have changes nothing. What happens inside
/// headers and to connections is meant for HTTP/1.1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// AWS answers this error instead; throttling, for one.
    Error(AwsError),
    /// The connection is reset without an answer, and new ones are refused for so long.
    RefuseConnections(Duration),
    /// The credentials that signed this request expire now: it and every later one with them is
    /// answered with `ExpiredTokenException`.
    ExpireCredentials,
    /// The credentials that signed this request are revoked now: it and every later one with them
    /// is answered with `UnrecognizedClientException`.
    RevokeCredentials,
    /// The emulator's clock goes ahead by so many seconds, or back where negative, and judges this
    /// request and every later one by that.
    ClockSkew(i64),
    /// The connection is reset before any byte of the answer.
    ResetBeforeHeaders,
    /// The connection is reset after so many bytes of the answer's head.
    ResetInHeaders(usize),
    /// The connection is reset after the head, before the body.
    ResetAfterHeaders,
    /// The head comes in pieces of 16 bytes, with such a wait before each.
    SlowHeaders(Duration),
    /// After so many bytes of the body, nothing comes for so long.
    Stall {
        /// How many bytes come before.
        at: usize,
        /// How long nothing comes.
        time: Duration,
    },
    /// Before this frame, nothing comes for so long.
    StallBefore {
        /// Before which frame.
        frame: usize,
        /// How long nothing comes.
        time: Duration,
    },
    /// The body comes in pieces of so many bytes.
    Pieces(usize),
    /// The connection is closed after so many bytes of the body.
    CutAt(usize),
    /// The body ends after so many bytes as if that were all.
    EndAt(usize),
    /// This frame's prelude has the wrong CRC.
    CorruptPrelude(usize),
    /// This frame has the wrong message CRC.
    CorruptMessage(usize),
    /// This frame claims another total length. Its prelude's CRC is right, so that nothing but the
    /// length can be found wrong.
    TotalLength {
        /// Which frame.
        frame: usize,
        /// The length it claims; up to 4 GiB.
        length: u32,
    },
    /// This frame claims another length of its headers, with the prelude's CRC right.
    HeadersLength {
        /// Which frame.
        frame: usize,
        /// The length it claims.
        length: u32,
    },
    /// One more frame comes before this one: an event of an unknown type, an `initial-response`.
    Insert {
        /// Before which frame.
        before: usize,
        /// What is inserted.
        frame: Frame,
    },
    /// Before this frame comes one that really is so long: an event of an unknown type, full of
    /// zeros.
    HugeFrame {
        /// Before which frame.
        before: usize,
        /// How many bytes of payload it has.
        length: usize,
    },
    /// Instead of this frame and all after it comes another one, such as an exception.
    Instead {
        /// Which frame is the first that does not come.
        of: usize,
        /// What comes.
        frame: Frame,
    },
    /// This frame's payload ends with a byte that no UTF-8 text has.
    InvalidUtf8(usize),
    /// An empty payload part comes before every frame.
    EmptyParts,
    /// The answer has another `Content-Type`.
    ContentType(String),
    /// The answer is a redirect (307) to this address.
    Redirect(String),
    /// The body is a few bytes of gzip that become this many zeros.
    GzipBomb(usize),
    /// The answer is JSON, nested so deep: the whole body, or, as an event, the first payload part
    /// of a stream.
    JsonBomb(usize),
    /// The connection is closed right after the answer, though nothing announced it.
    CloseAfterAnswer,
    /// The connection stays open after the answer, and is closed when the next request arrives on
    /// it.
    CloseOnReuse,
}

impl Fault {
    /// One of each kind, with middling values: what a [`Chaos`] draws from unless it is told
    /// otherwise.
    #[must_use]
    pub fn catalog() -> Vec<Self> {
        let short = Duration::from_millis(5);
        let errors = AwsError::catalog().into_iter().map(Self::Error);
        let others = [
            Self::RefuseConnections(short),
            Self::ExpireCredentials,
            Self::RevokeCredentials,
            Self::ClockSkew(900),
            Self::ClockSkew(-900),
            Self::ResetBeforeHeaders,
            Self::ResetInHeaders(20),
            Self::ResetAfterHeaders,
            Self::SlowHeaders(short),
            Self::Stall { at: 30, time: short },
            Self::StallBefore { frame: 1, time: short },
            Self::Pieces(7),
            Self::CutAt(40),
            Self::EndAt(40),
            Self::CorruptPrelude(0),
            Self::CorruptMessage(1),
            Self::TotalLength { frame: 0, length: 15 },
            Self::TotalLength { frame: 1, length: u32::MAX },
            Self::HeadersLength { frame: 0, length: u32::MAX },
            Self::Insert { before: 0, frame: Frame::initial_response() },
            Self::Insert { before: 1, frame: Frame::event("Surprise", "application/json", "{}") },
            Self::HugeFrame { before: 1, length: 32 * 1024 * 1024 },
            Self::Instead { of: 1, frame: Frame::error("InternalError", "The stream failed.") },
            Self::Instead {
                of: 1,
                frame: Frame::exception("ModelStreamError", Some("StreamBroken"), "The model's stream broke."),
            },
            Self::Instead { of: 1, frame: Frame::exception("InternalStreamFailure", None, "The stream failed.") },
            Self::InvalidUtf8(0),
            Self::EmptyParts,
            Self::ContentType("text/html".to_owned()),
            Self::Redirect("http://127.0.0.1:9/".to_owned()),
            Self::GzipBomb(64 * 1024 * 1024),
            Self::JsonBomb(100_000),
            Self::CloseAfterAnswer,
            Self::CloseOnReuse,
        ];
        errors.chain(others).collect()
    }
}
