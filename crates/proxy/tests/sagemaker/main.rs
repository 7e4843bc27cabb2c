//! The proxy as a configuration makes it, in front of an emulated SageMaker that checks every
//! signature.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod answer_cache;
mod audio;
mod batches;
mod calls;
mod disclosure;
mod discovery;
mod doors;
mod forwarded;
mod native;
mod numbers;
mod reload;
mod rerank;
mod setup;
mod soak;
mod usage;
mod wiring;
