#![doc = include_str!("../README.md")]
//!
//! # Where things are
//! `signer` holds [`Signer`]; `params` what goes in; `error` what comes back; `input` checks;
//! `canonical` writes the texts; `header_signature` and `query_signature` put the result into the
//! request; `key` and `cache` hold the signing keys; `trace` explains.

pub use error::SigningError;
pub use params::{Payload, SessionTokenMode, SigningParams, SigningSettings, UNSIGNED_HEADERS};
pub use signer::Signer;
pub use trace::SigningTrace;

mod cache;
mod canonical;
mod date;
mod error;
mod header_signature;
mod hex;
mod input;
mod key;
mod params;
mod query_signature;
mod signer;
mod trace;
