//! Who calls, and what they may.

pub use digest::KeyDigest;

mod digest;
