//! How many requests are worked on at once.
//!
//! Owns the count and the queue. The limits are passed in, so that a reload can change them under
//! way.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed, Ordering::SeqCst},
};

use tokio::sync::Notify;

use crate::{http::error::ApiError, limits::Limits};

/// Counts the requests at work and those that wait.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    at_work: AtomicUsize,
    waiting: AtomicUsize,
    freed: Notify,
}

/// A place at work; dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Admission>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.at_work.fetch_sub(1, SeqCst);
        if self.0.waiting.load(SeqCst) > 0 {
            self.0.freed.notify_one();
        }
    }
}

/// A place in the queue, left when dropped.
struct QueuePlace<'a>(&'a AtomicUsize);

impl Drop for QueuePlace<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Admission {
    /// Takes a place at once, or waits for one in the queue.
    pub(crate) async fn enter(self: &Arc<Self>, limits: &Limits) -> Result<Permit, ApiError> {
        if let Some(permit) = self.try_enter(limits.concurrent) {
            return Ok(permit);
        }
        let queue =
            self.waiting.fetch_update(SeqCst, SeqCst, |waiting| (waiting < limits.queued).then_some(waiting + 1));
        if queue.is_err() {
            return Err(busy(limits));
        }
        let _waiting = QueuePlace(&self.waiting);
        let turn = async {
            loop {
                let freed = self.freed.notified();
                if let Some(permit) = self.try_enter(limits.concurrent) {
                    return permit;
                }
                freed.await;
            }
        };
        tokio::time::timeout(limits.queue_timeout, turn).await.map_err(|_| busy(limits))
    }

    fn try_enter(self: &Arc<Self>, limit: usize) -> Option<Permit> {
        self.at_work
            .fetch_update(SeqCst, SeqCst, |at_work| (at_work < limit).then_some(at_work + 1))
            .is_ok()
            .then(|| Permit(Arc::clone(self)))
    }

    pub(crate) fn at_work(&self) -> usize {
        self.at_work.load(Relaxed)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }
}

fn busy(limits: &Limits) -> ApiError {
    ApiError::busy(
        format!("the proxy is busy with {} requests, its limit: retry in a moment", limits.concurrent),
        std::time::Duration::from_secs(1),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;

    fn limits(concurrent: usize, queued: usize) -> Limits {
        Limits { concurrent, queued, queue_timeout: Duration::from_secs(5), ..Limits::default() }
    }

    #[tokio::test]
    async fn more_than_the_limit_is_refused_until_a_place_is_free() {
        let admission = Arc::new(Admission::default());
        let first = admission.enter(&limits(1, 0)).await.unwrap();
        assert_eq!(admission.enter(&limits(1, 0)).await.unwrap_err().status(), 503);
        drop(first);
        let _second = admission.enter(&limits(1, 0)).await.unwrap();
        assert_eq!(admission.at_work(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_moves_on_and_ends() {
        let admission = Arc::new(Admission::default());
        let first = admission.enter(&limits(1, 1)).await.unwrap();
        let waiter = tokio::spawn({
            let admission = Arc::clone(&admission);
            async move { admission.enter(&limits(1, 1)).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(admission.waiting(), 1);
        assert_eq!(admission.enter(&limits(1, 1)).await.unwrap_err().status(), 503, "the queue is full");
        drop(first);
        let second = waiter.await.unwrap().unwrap();
        assert_eq!((admission.waiting(), admission.at_work()), (0, 1));
        assert_eq!(admission.enter(&limits(1, 1)).await.unwrap_err().status(), 503, "the wait is over");
        drop(second);
        assert_eq!((admission.waiting(), admission.at_work()), (0, 0));
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_waiting_leaves_the_queue() {
        let admission = Arc::new(Admission::default());
        let _first = admission.enter(&limits(1, 1)).await.unwrap();
        {
            let limits = limits(1, 1);
            let mut waiting = Box::pin(admission.enter(&limits));
            assert!(waiting.as_mut().now_or_never().is_none());
            assert_eq!(admission.waiting(), 1);
        }
        assert_eq!(admission.waiting(), 0);
    }
}
