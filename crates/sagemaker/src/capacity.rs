//! Waiting for an endpoint that is scaled to zero.
//!
//! Owns the wait: one probe for each endpoint and component, behind which all other calls queue, bounded by the time that the caller
//! grants. Only AWS's own words about missing capacity begin it; what a container says never does.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html>

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sagewire_types::Error;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::response::has_no_capacity;

const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The endpoints that somebody waits for.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<HashMap<String, Arc<Gate>>>);

/// One endpoint's queue.
#[derive(Debug, Default)]
struct Gate {
    probing: tokio::sync::Mutex<()>,
    /// How often capacity has been found: a queued call that sees it change need not probe.
    found: AtomicU64,
}

/// Makes the call; where the endpoint has no capacity, waits at most `patience` and the deadline for it.
///
/// # Errors
/// That of the call; its "no capacity" once the time is over.
pub(crate) async fn wait_for<T, F, Fut>(
    waiting: &Waiting,
    target: &str,
    patience: Option<Duration>,
    deadline: Option<Instant>,
    call: F,
) -> Result<T, Error>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, Error>>,
{
    let mut error = match call().await {
        Err(error) if is_no_capacity(&error) => error,
        result => return result,
    };
    let Some(patience) = patience else { return Err(error) };
    let granted = Instant::now() + patience;
    let end = deadline.map_or(granted, |deadline| deadline.min(granted));
    let gate = waiting.gate(target);
    loop {
        let found = gate.found.load(Ordering::Acquire);
        let Ok(probing) = timeout_at(end, gate.probing.lock()).await else { return Err(error) };
        if gate.found.load(Ordering::Acquire) == found {
            return probe(&gate, target, end, error, &call).await;
        }
        drop(probing);
        match call().await {
            Err(again) if is_no_capacity(&again) => error = again,
            result => return result,
        }
    }
}

async fn probe<T, F, Fut>(gate: &Gate, target: &str, end: Instant, mut error: Error, call: &F) -> Result<T, Error>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, Error>>,
{
    let mut wait = FIRST_WAIT;
    loop {
        let next = Instant::now() + wait;
        if next >= end {
            return Err(error);
        }
        tracing::info!(target: "sagewire::capacity", endpoint = target, wait_s = wait.as_secs(), "the endpoint has no capacity yet: waiting");
        sleep_until(next).await;
        match call().await {
            Err(again) if is_no_capacity(&again) => error = again,
            result => {
                // Capacity is there, whatever else the call met.
                gate.found.fetch_add(1, Ordering::Release);
                return result;
            }
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

fn is_no_capacity(error: &Error) -> bool {
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
            wait_for(&waiting, "endpoint", Some(Duration::from_secs(600)), None, || async {
                calls.fetch_add(1, Ordering::Relaxed);
                if Instant::now() < ready_at { Err(no_capacity("ValidationError")) } else { Ok(()) }
            })
        };
        let results = futures_util::future::join_all((0..50).map(|_| one())).await;
        assert!(results.iter().all(Result::is_ok));
        // Each asked once before the wait and once after it; one of them probed: after 2, 6, 14, 30 and 60 seconds.
        assert_eq!(calls.load(Ordering::Relaxed), 50 + 5 + 49);
        assert!(waiting.gate("other").found.load(Ordering::Relaxed) == 0);
        assert_eq!(waiting.0.lock().unwrap().len(), 1, "the endpoint's gate is gone");
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_ends_with_patience_or_deadline() {
        let waiting = Waiting::default();
        for (patience, deadline) in [(Some(10), None), (Some(600), Some(10)), (None, None)] {
            let begun = Instant::now();
            let result: Result<(), Error> = wait_for(
                &waiting,
                "endpoint",
                patience.map(Duration::from_secs),
                deadline.map(|seconds| begun + Duration::from_secs(seconds)),
                || async { Err(no_capacity("ValidationError")) },
            )
            .await;
            assert_eq!(result.unwrap_err().kind(), ErrorKind::ModelNotReady);
            assert!(begun.elapsed() <= Duration::from_secs(10));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_containers_echo_of_the_words_begins_no_wait() {
        let begun = Instant::now();
        let result: Result<(), Error> =
            wait_for(&Waiting::default(), "endpoint", Some(Duration::from_secs(600)), None, || async {
                Err(no_capacity("ModelError"))
            })
            .await;
        assert!(result.is_err());
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
