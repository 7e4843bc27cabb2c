//! What the workspace's conformance tests and fuzz targets reach into, behind the feature `testing`. No part of the public
//! interface: it may change with any version.
//!
//! Owns the reach alone: every function here calls what the provider itself calls.

pub use decoders::{Asked, Streamed, decode_chat, decode_completion, decode_embedding, stream_chat, stream_completion};
pub use frames::{Frames, ReadFrame};
pub use records::records;

mod decoders;
mod frames;
mod records;

/// The names of all dialects.
#[must_use]
pub fn dialects() -> Vec<&'static str> {
    crate::dialect::DIALECTS.iter().map(|dialect| dialect.name()).collect()
}

/// The names of all embedding families.
#[must_use]
pub fn embedding_families() -> Vec<&'static str> {
    crate::embedding::FAMILIES.iter().map(|family| family.name()).collect()
}
