//! Lines for whoever started a server.
//!
//! Owns that a reader who has gone (`sagewire serve | head -1`) does not end it.

use std::io::Write;

/// Prints a line, if anyone still reads.
pub(crate) fn line(text: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
