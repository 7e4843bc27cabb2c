//! A reply that comes in pieces: bytes to frames to payload to chunks.

pub(crate) mod frames;
pub(crate) mod pieces;
pub(crate) mod reading;
pub(crate) mod simulated;
