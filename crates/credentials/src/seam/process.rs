//! The process seam: runs one command line and returns its output.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use zeroize::Zeroizing;

/// The limits of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessLimits {
    /// The process, with those that it started, is killed if it runs longer.
    pub timeout: Duration,
    /// The process, with those that it started, is killed if it prints more bytes to its standard
    /// output.
    pub max_stdout: u64,
}

/// The exit code and the standard output of a process. The standard error is discarded, since it
/// may contain secrets.
#[derive(Clone)]
pub struct ProcessOutput {
    /// The exit code. `None` if a signal ended the process.
    pub exit_code: Option<i32>,
    /// The output, which is wiped from memory on drop.
    pub stdout: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for ProcessOutput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessOutput").field("exit_code", &self.exit_code).finish_non_exhaustive()
    }
}

/// Runs command lines.
#[async_trait]
pub trait Processes: Send + Sync + std::fmt::Debug {
    /// Runs `command_line` in the system's shell and waits for its end. Implementations never log
    /// the command line or its output.
    ///
    /// # Errors
    /// The system's own, [`io::ErrorKind::TimedOut`] if the run took too long, and
    /// [`io::ErrorKind::FileTooLarge`] if it printed too much.
    async fn run(&self, command_line: &str, limits: ProcessLimits) -> io::Result<ProcessOutput>;
}

/// Runs no processes: every run is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProcesses;

#[async_trait]
impl Processes for NoProcesses {
    async fn run(&self, _: &str, _: ProcessLimits) -> io::Result<ProcessOutput> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this program does not run processes"))
    }
}
