//! What only the part behind the provider knows.

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

    /// The ids of deployments that rest after failures.
    async fn resting(&self) -> Vec<String> {
        Vec::new()
    }
}
