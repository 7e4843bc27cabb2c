//! Text containers: one prompt in, its continuation out.
//!
//! Owns the bodies of these dialects, one file each.

pub(crate) mod inputs;
pub(crate) mod jumpstart;
pub(crate) mod lmi;
mod temperature;
pub(crate) mod tgi;
