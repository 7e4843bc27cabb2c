//! The commands of every day as a person runs them, over the emulator: chat, embed, batch, doctor,
//! completions and man.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod account;
mod batch;
mod chat;
mod doctor;
mod embed;
mod http;
mod init;
mod objects;
mod pages;
mod process;
#[cfg(unix)]
mod pty;
#[cfg(unix)]
mod terminal;
