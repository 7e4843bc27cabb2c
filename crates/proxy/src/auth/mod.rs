//! Who calls, and what they may.
//!
//! Owns keys, their comparison and their limits. Every decision here is made from a request's head, before its body is read.

pub use digest::KeyDigest;
pub use ledger::{Ledger, MemoryLedger, Refusal};

pub(crate) use self::{
    keyring::{Caller, Keyring},
    url::refuse_key_in_url,
};

mod digest;
mod keyring;
mod ledger;
mod url;
