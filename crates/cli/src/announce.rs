//! Lines on standard output.
//!
//! Owns that a reader who has gone (`sagewire serve | head -1`) does not end the command with a panic.

use std::io::Write;

/// Prints a line, if anyone still reads.
pub(crate) fn line(text: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Like `println!`, if anyone still reads.
macro_rules! say {
    ($($text:tt)+) => {
        $crate::announce::line(format_args!($($text)+))
    };
}

pub(crate) use say;
