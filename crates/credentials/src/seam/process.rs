//! The process seam: run one command line, take what it prints. What it prints is read elsewhere.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use zeroize::Zeroizing;

/// What bounds a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessLimits {
    /// The process is killed when it runs longer.
    pub timeout: Duration,
    /// The process is killed when it prints more bytes to its standard output.
    pub max_stdout: u64,
}

/// How a process ended and what it printed to its standard output. Its standard error is thrown away: it may hold secrets.
#[derive(Clone)]
pub struct ProcessOutput {
    /// Its exit code; `None` when a signal ended it.
    pub exit_code: Option<i32>,
    /// What it printed, wiped from memory when dropped.
    pub stdout: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for ProcessOutput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessOutput").field("exit_code", &self.exit_code).finish_non_exhaustive()
    }
}

/// Whatever can run a command line.
#[async_trait]
pub trait Processes: Send + Sync + std::fmt::Debug {
    /// Runs `command_line` in the system's shell and waits for its end. Implementations never log the command line or its output.
    ///
    /// # Errors
    /// The system's own; [`io::ErrorKind::TimedOut`] where the run took too long and [`io::ErrorKind::FileTooLarge`] where it printed too much.
    async fn run(&self, command_line: &str, limits: ProcessLimits) -> io::Result<ProcessOutput>;
}

/// No processes: every run is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProcesses;

#[async_trait]
impl Processes for NoProcesses {
    async fn run(&self, _: &str, _: ProcessLimits) -> io::Result<ProcessOutput> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this program may not run processes"))
    }
}
