//! What a router remembers about its deployments between calls.
//!
//! Owns the trait behind which the memory lives, and the words it is told in. The rules themselves
//! stand beside their subjects: limits in [`limits`], cooldowns in [`cooldown`]; keeping them in
//! this process is [`memory`]'s.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

pub use cooldown::{Circuit, CooldownPolicy};
pub use latency::{Latencies, Latency, Measure, Timing};
pub use limits::{Limits, Refusal, Terms};
pub use memory::MemoryState;

mod cooldown;
mod latency;
mod limits;
mod memory;
mod window;

/// Counters and cooldowns of deployments, by their ids.
///
/// [`MemoryState`] keeps them in this process. An implementation over a shared store lets several
/// replicas of a router act as one; no strategy changes for it. A state that cannot reach its store
/// must not fail calls: it answers as if nothing had been counted.
///
/// The methods that end something are not asynchronous, so that dropping a call can use them.
/// They must not block: a shared state sends what they say in the background. What was begun and
/// never released, because its process died, must expire there.
#[async_trait]
pub trait RouterState: fmt::Debug + Send + Sync {
    /// How these deployments are doing, in the same order. A deployment nobody has heard of is at
    /// rest.
    async fn read(&self, deployments: &[Arc<str>]) -> Vec<DeploymentState>;

    /// The same for choosing among them, without waiting: what is not known, or too old to refuse a
    /// request by, refuses none. [`begin`](Self::begin) decides.
    async fn glance(&self, deployments: &[Arc<str>]) -> Vec<DeploymentState> {
        self.read(deployments).await
    }

    /// Counts a request in and holds its place until [`release`](Self::release), unless these terms
    /// refuse it. Checking and counting are one step: two callers never take the last place
    /// both.
    ///
    /// # Errors
    /// The [`Refusal`] that [`Terms::refusal`] finds; nothing is counted then.
    async fn begin(&self, deployment: &Arc<str>, terms: &Terms) -> Result<Admission, Refusal>;

    /// Notes how an attempt went. May come more than once for one attempt: a stream is answered at
    /// its first chunk and may break later. The `trial` of an [`Admission`] is over with its
    /// first report.
    fn report(&self, deployment: &Arc<str>, outcome: Outcome);

    /// Gives the place of a request back and counts its tokens. This or
    /// [`withdraw`](Self::withdraw) comes once for every admission.
    fn release(&self, deployment: &Arc<str>, admission: Admission, tokens: u64);

    /// Gives the place of a request back that was not sent to its deployment. A state that is asked
    /// over a network does not count it either; others may.
    fn withdraw(&self, deployment: &Arc<str>, admission: Admission) {
        self.release(deployment, admission, 0);
    }

    /// Waits until one of these deployments may have a place again, at most this long. May come
    /// back early.
    async fn wait(&self, deployments: &[Arc<str>], at_most: Duration) {
        let _ = deployments;
        tokio::time::sleep(at_most.min(POLL)).await;
    }
}

/// How often a state that cannot tell when a place is given back is asked again.
const POLL: Duration = Duration::from_millis(50);

/// How one deployment is doing.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeploymentState {
    /// Requests that hold a place now, streams included.
    pub in_flight: u32,
    /// Requests begun within the last minute.
    pub requests: u64,
    /// Tokens counted within the last minute.
    pub tokens: u64,
    /// Tokens that requests in flight are expected to take.
    pub reserved_tokens: u64,
    /// How soon the oldest of what `requests` and `tokens` count is a minute old.
    pub room_in: Duration,
    /// Failures in a row, none older than a minute.
    pub failures: u32,
    /// Whether it may be asked.
    pub circuit: Circuit,
    /// How long it takes to answer.
    pub latencies: Latencies,
}

/// A place that a request holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// What the state calls the place; 0 if it needs no name.
    pub id: u64,
    /// Whether the circuit was not closed: this request's outcome decides whether the deployment is
    /// well again.
    pub trial: bool,
    /// The tokens expected, counted until the request's own count takes their place.
    pub reserved_tokens: u64,
}

/// How an attempt went, as far as it says anything about the deployment.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It answered.
    Answered {
        /// The admission's.
        trial: bool,
        /// How long the answer took, where that was measured.
        timing: Option<Timing>,
    },
    /// It failed, and not because of the request.
    Failed {
        /// The admission's.
        trial: bool,
        /// When failures start a cooldown.
        policy: CooldownPolicy,
        /// How long the service asked to be left alone: a cooldown of that time, at once.
        retry_after: Option<Duration>,
    },
}
