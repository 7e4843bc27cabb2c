//! Calls through the whole library, over real HTTP to the emulator, and over scripted transports
//! where time matters.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod asynchronous;
mod bad_input;
mod cancellation;
mod capacity;
mod details;
mod doors;
mod echoes;
mod embeddings;
mod errors;
mod facade;
mod forward;
mod invocation;
mod litellm_page;
mod prompts;
mod resigning;
mod retries;
mod signatures;
mod splits;
mod stop_texts;
mod time_limits;
mod tools;
mod truncation;
mod usage;
