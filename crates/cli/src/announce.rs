//! Lines on standard output.
//!
//! Owns that a reader who has gone (`sagewire serve | head -1`) does not end the command with a
//! panic, and that a closed standard output is noticed.

use std::io::Write;

use crate::{Failure, terminal::for_stdout};

/// Prints a line, if anyone still reads.
pub(crate) fn line(text: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    let text = text.to_string();
    let _ = writeln!(out, "{}", for_stdout(&text)).and_then(|()| out.flush());
}

/// Fails if standard output was closed (`>&-`) when the command began: what it costs to get a
/// result would be lost.
///
/// Rust's runtime puts `/dev/null` in the place of a stream that is closed, open for reading and
/// writing; a shell's `> /dev/null` is open for writing alone.
#[cfg(unix)]
pub(crate) fn require() -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;

    use rustix::fs::{OFlags, fcntl_getfl, fstat};

    let out = std::io::stdout();
    let reads_and_writes = fcntl_getfl(&out).is_ok_and(|flags| flags & OFlags::ACCMODE == OFlags::RDWR);
    let null = std::fs::metadata("/dev/null").map(|null| null.rdev());
    let is_null = null.is_ok_and(|null| fstat(&out).is_ok_and(|out| out.st_rdev == null));
    if reads_and_writes && is_null {
        return Err(Failure::usage("standard output is closed").with_hint("redirect it to a file"));
    }
    Ok(())
}

/// Windows has no such redirection.
#[cfg(not(unix))]
pub(crate) fn require() -> Result<(), Failure> {
    Ok(())
}

/// Like `println!`, if anyone still reads.
macro_rules! say {
    ($($text:tt)+) => {
        $crate::announce::line(format_args!($($text)+))
    };
}

pub(crate) use say;
