//! The commands of every day as a person runs them, over the emulator: chat, embed, batch, doctor,
//! completions and man.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod batch;
mod chat;
mod doctor;
mod embed;
mod init;
mod pages;
mod process;
#[cfg(unix)]
mod pty;
#[cfg(unix)]
mod terminal;
