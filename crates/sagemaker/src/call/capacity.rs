//! Waiting for an endpoint that is scaled to zero.
//!
//! Owns the wait: one probe for each endpoint and component, behind which all other calls queue,
//! bounded by the time that the caller grants. Only AWS's own words about missing capacity begin
//! it; what a container says never does.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html>

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sagewire_types::Error;
use tokio::{
    sync::OwnedMutexGuard,
    time::{Instant, sleep_until, timeout_at},
};

use crate::reply::failure::has_no_capacity;

const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The endpoints that somebody waits for.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<HashMap<String, Arc<Gate>>>);

/// One endpoint's queue.
#[derive(Debug, Default)]
struct Gate {
    probing: Arc<tokio::sync::Mutex<()>>,
    /// How often capacity has been found: a queued call that sees it change need not probe.
    found: AtomicU64,
}

/// One call's wait.
#[derive(Debug)]
pub(crate) struct Wait {
    gate: Arc<Gate>,
    target: String,
    end: Instant,
    /// Held by the call that probes for all of them.
    probing: Option<OwnedMutexGuard<()>>,
    pause: Duration,
}

impl Wait {
    /// A wait for this endpoint and component, until `end`.
    pub(crate) fn new(waiting: &Waiting, target: String, end: Instant) -> Self {
        Self { gate: waiting.gate(&target), target, end, probing: None, pause: FIRST_WAIT }
    }

    /// Waits until the call may be made again; `false` where the time is over first.
    pub(crate) async fn next(&mut self) -> bool {
        if self.probing.is_none() {
            let found = self.gate.found.load(Ordering::Acquire);
            let queued = timeout_at(self.end, Arc::clone(&self.gate.probing).lock_owned()).await;
            let Ok(turn) = queued else { return false };
            if self.gate.found.load(Ordering::Acquire) != found {
                return true;
            }
            self.probing = Some(turn);
        }
        let next = Instant::now() + self.pause;
        if next >= self.end {
            return false;
        }
        tracing::info!(target: "sagewire::capacity", endpoint = self.target, wait_s = self.pause.as_secs(), "the endpoint has no capacity yet: waiting");
        sleep_until(next).await;
        self.pause = (self.pause * 2).min(LONGEST_WAIT);
        true
    }

    /// Capacity is there, whatever else the call met: those behind this one need not probe.
    pub(crate) fn found(self) {
        if self.probing.is_some() {
            self.gate.found.fetch_add(1, Ordering::Release);
        }
    }
}

/// Whether AWS says that there is no capacity.
pub(crate) fn is_lacking(error: &Error) -> bool {
    error.upstream().is_some_and(|upstream| {
        upstream.code.as_deref() != Some("ModelError") && upstream.message.as_deref().is_some_and(has_no_capacity)
    })
}

impl Waiting {
    fn gate(&self, target: &str) -> Arc<Gate> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Gates that nobody holds have done their work.
        gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        Arc::clone(gates.entry(target.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use sagewire_types::{ErrorKind, Upstream};

    use super::*;

    /// A call as the provider makes it: as often as the wait lets it.
    async fn wait_for<Fut: Future<Output = Result<(), Error>>>(
        waiting: &Waiting,
        patience: Option<Duration>,
        call: impl Fn() -> Fut,
    ) -> Result<(), Error> {
        let mut wait: Option<Wait> = None;
        loop {
            match (call().await, patience) {
                (Err(error), Some(patience)) if is_lacking(&error) => {
                    let new = || Wait::new(waiting, "endpoint".to_owned(), Instant::now() + patience);
                    if !wait.get_or_insert_with(new).next().await {
                        return Err(error);
                    }
                }
                (result, _) => {
                    if let Some(wait) = wait {
                        wait.found();
                    }
                    return result;
                }
            }
        }
    }

    fn no_capacity(code: &str) -> Error {
        let mut upstream = Upstream::default();
        upstream.code = Some(code.to_owned());
        upstream.message = Some("Inference Component has no capacity to process this request.".to_owned());
        Error::new(ErrorKind::ModelNotReady, "no capacity").with_upstream(upstream)
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_probes_and_all_others_wait_behind_it() {
        let waiting = Waiting::default();
        let calls = AtomicUsize::new(0);
        let ready_at = Instant::now() + Duration::from_secs(60);
        let one = || {
            wait_for(&waiting, Some(Duration::from_secs(600)), || async {
                calls.fetch_add(1, Ordering::Relaxed);
                if Instant::now() < ready_at { Err(no_capacity("ValidationError")) } else { Ok(()) }
            })
        };
        let results = futures_util::future::join_all((0..50).map(|_| one())).await;
        assert!(results.iter().all(Result::is_ok));
        // Each asked once before the wait and once after it; one of them probed: after 2, 6, 14, 30 and 60
        // seconds.
        assert_eq!(calls.load(Ordering::Relaxed), 50 + 5 + 49);
        assert!(waiting.gate("other").found.load(Ordering::Relaxed) == 0);
        assert_eq!(waiting.0.lock().unwrap().len(), 1, "the endpoint's gate is gone");
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_ends_with_patience() {
        let waiting = Waiting::default();
        for patience in [Some(10), None] {
            let begun = Instant::now();
            let call = || async { Err(no_capacity("ValidationError")) };
            let result = wait_for(&waiting, patience.map(Duration::from_secs), call).await;
            assert_eq!(result.unwrap_err().kind(), ErrorKind::ModelNotReady);
            assert!(begun.elapsed() <= Duration::from_secs(10));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_containers_echo_of_the_words_begins_no_wait() {
        let begun = Instant::now();
        let call = || async { Err(no_capacity("ModelError")) };
        assert!(wait_for(&Waiting::default(), Some(Duration::from_secs(600)), call).await.is_err());
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
