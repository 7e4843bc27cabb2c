//! What only the part behind the provider knows.

use crate::telemetry::Gauge;

/// Looks behind the provider, for `/metrics` and `/health`: a router knows which deployments rest, a credential cache how old
/// its credentials are.
pub trait Insight: std::fmt::Debug + Send + Sync {
    /// Numbers for `/metrics`.
    fn gauges(&self) -> Vec<Gauge> {
        Vec::new()
    }

    /// The ids of deployments that rest after failures.
    fn resting(&self) -> Vec<String> {
        Vec::new()
    }
}
