//! Processes in the system's shell.

use std::io;
use std::process::Stdio;

use async_trait::async_trait;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use zeroize::Zeroizing;

use crate::seam::{ProcessLimits, ProcessOutput, Processes};

/// Runs command lines with `sh -c`, on Windows with `cmd.exe /C`, as AWS's SDKs do.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemProcesses;

#[async_trait]
impl Processes for SystemProcesses {
    async fn run(&self, command_line: &str, limits: ProcessLimits) -> io::Result<ProcessOutput> {
        // `kill_on_drop` is what ends the process when the time limit drops the run.
        match tokio::time::timeout(limits.timeout, run(command_line, limits.max_stdout)).await {
            Ok(output) => output,
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("it did not end within {} seconds", limits.timeout.as_secs()),
            )),
        }
    }
}

async fn run(command_line: &str, max_stdout: u64) -> io::Result<ProcessOutput> {
    let mut command = shell(command_line);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn()?;
    let mut stdout = Zeroizing::new(Vec::with_capacity(8 * 1024));
    if let Some(pipe) = child.stdout.take() {
        pipe.take(max_stdout.saturating_add(1)).read_to_end(&mut stdout).await?;
    }
    if stdout.len() as u64 > max_stdout {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it printed more than {max_stdout} bytes")));
    }
    let status = child.wait().await?;
    Ok(ProcessOutput { exit_code: status.code(), stdout })
}

#[cfg(not(windows))]
fn shell(command_line: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(command_line);
    command
}

#[cfg(windows)]
fn shell(command_line: &str) -> Command {
    let mut command = Command::new("cmd.exe");
    // `cmd` has its own quoting rules: the line is handed over as it is written.
    command.arg("/C").raw_arg(command_line);
    command
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::ErrorKind;
    use std::time::Duration;

    use super::SystemProcesses;
    use crate::seam::{ProcessLimits, Processes};

    const LIMITS: ProcessLimits = ProcessLimits { timeout: Duration::from_secs(60), max_stdout: 1024 };

    #[tokio::test]
    async fn gives_output_and_exit_code() {
        let output = SystemProcesses.run("printf '%s' \"a b\"; echo hidden >&2; exit 3", LIMITS).await.unwrap();
        assert_eq!(**output.stdout, *b"a b");
        assert_eq!(output.exit_code, Some(3));
        assert!(!format!("{output:?}").contains("a b"));
    }

    #[tokio::test]
    async fn a_process_that_hangs_is_ended() {
        let limits = ProcessLimits { timeout: Duration::ZERO, ..LIMITS };
        let error = SystemProcesses.run("exec sleep 600", limits).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_process_that_prints_without_end_is_ended() {
        let error = SystemProcesses.run("exec yes", LIMITS).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    }
}
