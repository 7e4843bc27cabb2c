//! Batches on the app.
//!
//! Owns that a line is judged as a live request of its owner: it goes through the same routes, with
//! the same rights, limits, metrics and logs.

pub(crate) use self::{
    engine::Sender,
    runner::BatchRunner,
    service::{Batches, owner},
};
pub use engine::BatchEngine;

mod engine;
mod runner;
mod service;
