//! What comes back: the facts in a reply's headers, failures, and tokens that no container counted.

pub(crate) mod failure;
pub(crate) mod meta;
pub(crate) mod scrub;
pub(crate) mod secrets;
pub(crate) mod usage;
