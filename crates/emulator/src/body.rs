//! The body of an answer, played step by step.
//!
//! Owns when bytes go out and how a body breaks off. Which steps there are is decided by `scripted`
//! and `runtime`.

use std::{convert::Infallible, pin::Pin, time::Duration};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::{StreamExt as _, stream};
use http_body::Frame as BodyFrame;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};

use crate::socket::Ending;

/// Any answer's body.
pub(crate) type Body = UnsyncBoxBody<Bytes, BrokenOff>;

/// The answer ends here on purpose: the server closes the connection when it sees this.
#[derive(Debug, thiserror::Error)]
#[error("the script breaks the answer off here")]
pub(crate) struct BrokenOff;

/// What happens next in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Send(Bytes),
    /// By tokio's clock, so a test may pause it.
    Wait(Duration),
    /// Close the connection without the body's proper end.
    BreakOff,
    /// The same, with a TCP reset.
    Reset,
    /// Close the connection after the body's proper end, which must come next.
    CloseAtEnd,
}

pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// A body of these steps.
pub(crate) fn played(steps: impl Stream<Item = Step> + Send + 'static, ending: Ending) -> Body {
    let start = Play { steps: Box::pin(steps), flushes: ending.flushes(), ending };
    StreamBody::new(stream::unfold(start, Play::next)).boxed_unsync()
}

struct Play {
    steps: Pin<Box<dyn Stream<Item = Step> + Send>>,
    ending: Ending,
    /// The connection's count of flushes when the last bytes left the script.
    flushes: u64,
}

impl Play {
    async fn next(mut self) -> Option<(Result<BodyFrame<Bytes>, BrokenOff>, Self)> {
        loop {
            match self.steps.next().await? {
                Step::Send(bytes) => {
                    self.flushes = self.ending.flushes();
                    return Some((Ok(BodyFrame::data(bytes)), self));
                }
                Step::Wait(time) => tokio::time::sleep(time).await,
                Step::CloseAtEnd => self.ending.close_after_flush(),
                Step::BreakOff => {
                    self.ending.flushed_since(self.flushes).await;
                    return Some((Err(BrokenOff), self));
                }
                Step::Reset => {
                    self.ending.flushed_since(self.flushes).await;
                    self.ending.reset();
                    return Some((Err(BrokenOff), self));
                }
            }
        }
    }
}
