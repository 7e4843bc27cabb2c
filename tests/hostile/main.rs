//! Callers who mean harm: the real proxy over real sockets, with the emulator behind it, which
//! tells what reached AWS.
//!
//! Every refusal is shown with its status and OpenAI's error object. What HTTP itself forbids ends
//! with a bare status, as it is refused before there is a request.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod bombs;
mod headers;
mod keys;
mod names;
mod query;
mod redirects;
mod settings;
mod setup;
mod smuggling;
mod uploads;
