//! From payload bytes, cut anywhere, to whole records.
//!
//! Owns the split into lines and the two forms of a record in them. It works on bytes: a cut inside a character, a JSON text or
//! an event changes nothing.

pub(crate) use records::{Record, RecordFramer};

mod records;
