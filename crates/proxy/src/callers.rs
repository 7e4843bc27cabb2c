//! Who calls, and what they may.
//!
//! Owns keys, their comparison and their limits. Every decision here is made from a request's head, before its body is read.

pub use key_digest::KeyDigest;
pub use ledger::{Ledger, MemoryLedger, Refusal};
pub use parameters::CallerParameters;

pub(crate) use self::{
    admission::{Admission, Permit},
    key_in_url::refuse_key_in_url,
    keyring::{Caller, Keyring},
};

mod admission;
mod key_digest;
mod key_in_url;
mod keyring;
mod ledger;
mod parameters;
