//! What only the part behind the provider knows.

use std::time::Duration;

use async_trait::async_trait;

use crate::telemetry::Gauge;

/// Looks behind the provider, for `/metrics` and `/health`: a router knows which deployments rest,
/// a credential cache how old its credentials are.
#[async_trait]
pub trait Insight: std::fmt::Debug + Send + Sync {
    /// Numbers for `/metrics`.
    async fn gauges(&self) -> Vec<Gauge> {
        Vec::new()
    }

    /// Whether what replicas share can be reached; `None` if they share nothing.
    fn shared_state_is_reachable(&self) -> Option<bool> {
        None
    }

    /// The deployments that rest after failures.
    async fn resting(&self) -> Vec<Resting> {
        Vec::new()
    }
}

/// A deployment that gets no requests for a while, because it failed too often.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resting {
    /// The deployment's id.
    pub id: String,
    /// How long it still rests.
    pub ends_in: Duration,
}

impl Resting {
    /// The deployment with this id, which still rests for so long.
    #[must_use]
    pub fn new(id: impl Into<String>, ends_in: Duration) -> Self {
        Self { id: id.into(), ends_in }
    }
}
