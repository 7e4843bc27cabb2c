//! What becomes of a deployment's place once it has answered.
//!
//! Owns counting the tokens: of a whole answer at once, of a stream when it ends or is dropped.

use std::time::Duration;

use sagewire_types::{Answer, Error, ErrorKind, StreamObserver, Tally};
use tokio::time::Instant;

use crate::{
    lease::Lease,
    state::{Measure, Timing},
};

/// Notes how the attempt went and gives the place back, at once or when the stream ends. `deadline`
/// is the caller's.
pub(crate) fn settle(
    answer: &mut Answer,
    mut lease: Lease,
    measure: Measure,
    took: Duration,
    deadline: Option<Instant>,
) {
    if let Some(tally) = answer.tally() {
        lease.answered(timing(measure, took, tally.generated()));
        lease.used(tokens(tally.total(), tally, &lease));
    } else {
        // A stream is there when its first chunk is, so the deployment is well enough to answer.
        lease.answered(timing(measure, took, 0));
        answer.observe(Observed { lease, reported: None, text_bytes: 0, deadline });
    }
}

fn timing(measure: Measure, took: Duration, generated: u64) -> Option<Timing> {
    let time = match measure {
        Measure::FirstChunk | Measure::Whole => took,
        Measure::PerToken => took / u32::try_from(generated).ok().filter(|tokens| *tokens > 0)?,
    };
    Some(Timing { measure, time })
}

/// The tokens of a call: as reported, else its request's estimate with what was generated.
fn tokens(reported: Option<u64>, tally: Tally<'_>, lease: &Lease) -> u64 {
    reported.unwrap_or_else(|| lease.estimated_tokens().saturating_add(tally.generated()))
}

/// A stream on its way to the caller: it holds the deployment's place until it ends.
struct Observed {
    lease: Lease,
    /// The tokens that the model last reported.
    reported: Option<u64>,
    /// How much text came, for models that report none.
    text_bytes: usize,
    deadline: Option<Instant>,
}

impl StreamObserver for Observed {
    fn piece(&mut self, tally: Tally<'_>) {
        self.reported = tally.total().or(self.reported);
        self.text_bytes = self.text_bytes.saturating_add(tally.text_bytes);
    }

    fn failed(&mut self, error: &Error) {
        let out_of_time = self.deadline.is_some_and(|deadline| deadline <= Instant::now());
        if !(error.kind() == ErrorKind::Timeout && out_of_time) {
            self.lease.failed(error);
        }
        let deployment = self.lease.deployment();
        tracing::debug!(target: "sagewire::router", deployment, kind = %error.kind(), "a stream broke after its first chunk");
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        let tokens = tokens(self.reported, Tally::new(None, self.text_bytes), &self.lease);
        self.lease.used(tokens);
    }
}
