//! The commands of every day as a person runs them, over the emulator: chat, embed, doctor,
//! completions and man.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

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
