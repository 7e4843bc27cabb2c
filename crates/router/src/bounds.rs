//! How long a call may wait in the router: in a queue, or before the same deployment is asked
//! again.
//!
//! Owns the end of those waits: the caller's deadline or the router's own time limit, whichever is
//! first. An attempt itself is ended by its provider, which is told these limits.

use std::future::Future;

use sagewire_types::CallContext;
use tokio::time::{Instant, timeout_at};

/// The end of one call.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// The caller's deadline, for the whole call with its stream.
    pub(crate) caller: Option<Instant>,
    /// When the caller wants an answer to have begun.
    pub(crate) answer_by: Option<Instant>,
    /// When the router's own limit ends; for a stream, until its first chunk.
    pub(crate) own: Option<Instant>,
}

/// What ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// A limit that holds for one step alone.
    Step,
    /// The call's time is over.
    Deadline,
}

impl Bounds {
    pub(crate) fn new(context: &CallContext, own: Option<Instant>) -> Self {
        Self {
            caller: context.deadline.map(Instant::from_std),
            answer_by: context.answer_by.map(Instant::from_std),
            own,
        }
    }

    /// When the call must have ended.
    pub(crate) fn end(&self) -> Option<Instant> {
        [self.caller, self.answer_by, self.own].into_iter().flatten().min()
    }

    /// Whether the call may still go on.
    pub(crate) fn check(&self) -> Result<(), Cut> {
        match self.end() {
            Some(end) if end <= Instant::now() => Err(Cut::Deadline),
            _ => Ok(()),
        }
    }

    /// Runs a step of the call, unless the call, or the step's own time, ends first.
    pub(crate) async fn within<F: Future>(&self, step: F, step_end: Option<Instant>) -> Result<F::Output, Cut> {
        let end = self.end();
        let (at, cut) = match (step_end, end) {
            (Some(step), Some(end)) if step >= end => (Some(end), Cut::Deadline),
            (Some(step), _) => (Some(step), Cut::Step),
            (None, end) => (end, Cut::Deadline),
        };
        match at {
            // A step that is ready wins over an end that comes at the same time.
            Some(at) => timeout_at(at, step).await.map_err(|_| cut),
            None => Ok(step.await),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_end_cuts_and_says_which_it_was() {
        let now = Instant::now();
        let context = CallContext::new().with_deadline((now + seconds(10)).into_std());
        let bounds = Bounds::new(&context, Some(now + seconds(20)));
        assert_eq!(bounds.end(), Some(now + seconds(10)));
        assert_eq!(bounds.within(pending::<()>(), Some(now + seconds(1))).await, Err(Cut::Step));
        assert_eq!(bounds.check(), Ok(()));
        assert_eq!(bounds.within(pending::<()>(), Some(now + seconds(15))).await, Err(Cut::Deadline));
        assert_eq!(bounds.check(), Err(Cut::Deadline));
        assert_eq!(now.elapsed(), seconds(10));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_wins() {
        let bounds = Bounds::new(&CallContext::new().with_deadline(Instant::now().into_std()), None);
        assert_eq!(bounds.within(async { 7 }, None).await, Ok(7));
        assert_eq!(Bounds::new(&CallContext::new(), None).within(async { 7 }, None).await, Ok(7));
    }
}
