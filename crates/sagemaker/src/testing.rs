//! What the workspace's conformance tests and fuzz targets reach into, behind the feature
//! `testing`. No part of the public interface: it may change with any version.
//!
//! Owns the reach alone: every function here calls what the provider itself calls.

pub use frames::{Frames, ReadFrame};

mod frames;
