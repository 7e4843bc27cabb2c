//! What the tests of this crate share: an emulated endpoint with a client for it, transports that
//! follow a script, captured logs, canaries, connections through memory, and the places of recorded
//! vectors.
//!
//! Owns no test. Tests are in `end_to_end`, `reliability`, `secrets` and `frame_vectors`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what only tests use may stop at the first surprise"
)]

pub mod canary;
pub mod deployment;
pub mod endpoint;
#[cfg(doctest)]
pub mod guide;
pub mod logs;
pub mod memory;
pub mod observed;
pub mod odd;
pub mod page;
pub mod properties;
pub mod replies;
pub mod transport;
pub mod vectors;
