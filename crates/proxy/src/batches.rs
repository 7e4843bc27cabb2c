//! Batches on the app.
//!
//! Owns that a line is judged as a live request of its owner: it goes through the same routes, with
//! the same rights, limits, metrics and logs.

pub use engine::BatchEngine;
pub(crate) use engine::Sender;

mod engine;
