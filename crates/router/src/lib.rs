#![doc = include_str!("../README.md")]

pub use builder::{BuildError, RouterBuilder};
pub use deployment::Deployment;
pub use failure::LastAttempt;
pub use names::ModelNames;
pub use policy::{FailurePolicy, FailureSort};
pub use router::{DeploymentStatus, Router};
pub use settings::{ModelGroupAlias, RouterSettings};
pub use shared_responses::{SharedResponses, StoreError};
pub use state::{
    Admission, Circuit, CooldownPolicy, DeploymentState, Latencies, Latency, Limits, Measure, MemoryState, Outcome,
    Refusal, RouterState, Terms, Timing,
};
pub use strategy::{Strategy, UnknownStrategy};

#[cfg(feature = "cache")]
pub mod cache;
pub mod decision;
pub mod ledger;
pub mod names;
pub mod seconds;
#[cfg(feature = "testing")]
pub mod testing;

mod answer;
mod backoff;
mod bounds;
mod builder;
mod call;
mod deployment;
mod failure;
mod groups;
mod lease;
mod policy;
mod router;
mod settings;
mod shared_responses;
mod state;
mod strategy;
mod verdict;
