//! Log lines on their way to standard error.
//!
//! Owns that no line waits for another one and none is torn. What is in a line, and whether there is one, is `logs`'s.
//!
//! Rust's own standard error has a lock that is held while the line is written: a thread that loses its processor meanwhile makes all others
//! wait, once for each request.

use std::{
    fs::File,
    io::{self, Write},
    sync::{PoisonError, RwLock},
};

use tracing_subscriber::fmt::MakeWriter;

/// A write of so many bytes reaches a pipe in one piece, by POSIX's least [`PIPE_BUF`](https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/limits.h.html).
const WHOLE: usize = 512;

/// Where lines go, each by a write of its own.
#[derive(Debug)]
pub(super) struct Lines(RwLock<Target>);

#[derive(Debug)]
enum Target {
    File(File),
    /// Where the process's standard error cannot be had as a file.
    StandardError,
}

impl Lines {
    pub(super) fn to_standard_error() -> Self {
        Self(RwLock::new(standard_error().map_or(Target::StandardError, Target::File)))
    }

    #[cfg(all(test, unix))]
    fn to(file: File) -> Self {
        Self(RwLock::new(Target::File(file)))
    }
}

#[cfg(unix)]
fn standard_error() -> Option<File> {
    use std::os::fd::AsFd;
    io::stderr().as_fd().try_clone_to_owned().ok().map(File::from)
}

#[cfg(not(unix))]
fn standard_error() -> Option<File> {
    None
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.write_all(line)?;
        Ok(line.len())
    }

    /// A line that the system takes in one piece is written beside others; a longer one alone.
    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        if line.len() <= WHOLE {
            self.0.read().unwrap_or_else(PoisonError::into_inner).write(line)
        } else {
            self.0.write().unwrap_or_else(PoisonError::into_inner).write(line)
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Target {
    fn write(&self, line: &[u8]) -> io::Result<()> {
        match self {
            Self::File(file) => (&*file).write_all(line),
            Self::StandardError => io::stderr().write_all(line),
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

// Standard error is a file, and a pipe one's end, on Unix.
#[cfg(all(test, unix))]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        sync::Arc,
    };

    use super::*;

    #[test]
    fn lines_of_many_threads_come_whole_through_a_pipe() {
        let (reader, writer) = io::pipe().unwrap();
        let lines = Arc::new(Lines::to(File::from(std::os::fd::OwnedFd::from(writer))));
        // Longer ones than the pipe holds, too: they are written in many pieces.
        let lengths = [10, WHOLE - 1, WHOLE, WHOLE + 1, 5000, 200_000];
        let threads: Vec<_> = lengths
            .into_iter()
            .zip(b'a'..)
            .map(|(length, letter)| {
                let lines = Arc::clone(&lines);
                std::thread::spawn(move || {
                    for _ in 0..20 {
                        let mut line = vec![letter; length];
                        line.push(b'\n');
                        (&*lines).write_all(&line).unwrap();
                    }
                })
            })
            .collect();
        drop(lines);
        let mut counts = [0; 6];
        for line in BufReader::new(reader).lines() {
            let line = line.unwrap();
            let letter = line.bytes().next().unwrap();
            let place = usize::from(letter - b'a');
            assert_eq!(line.len(), lengths[place]);
            assert!(line.bytes().all(|other| other == letter), "a line of `{}` is torn", char::from(letter));
            counts[place] += 1;
        }
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(counts, [20; 6]);
    }
}
