//! The emulator over HTTP, called by clients that share nothing with it.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod client;
mod connections;
mod control;
mod faults;
mod identity;
mod runtime;
mod scripts;
