//! Processes in the system's shell.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};
use zeroize::Zeroizing;

use crate::seam::{ProcessLimits, ProcessOutput, Processes};

/// How long the output may stay open after the process has ended. Everything that it printed is in
/// the pipe by then; a child that it left running may keep the pipe open for as long as it lives.
const OUTPUT_GRACE: Duration = Duration::from_secs(1);

/// Runs command lines with `sh -c`, on Windows with `cmd.exe /C`, as AWS's Rust SDK does.
///
/// The command has an empty standard input and, on Unix, a process group of its own: when a limit
/// is exceeded or the call is dropped, the shell is killed together with the processes that it
/// started. On Windows only `cmd.exe` is.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemProcesses;

#[async_trait]
impl Processes for SystemProcesses {
    async fn run(&self, command_line: &str, limits: ProcessLimits) -> io::Result<ProcessOutput> {
        match tokio::time::timeout(limits.timeout, run(command_line, limits.max_stdout)).await {
            Ok(output) => output,
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the process did not end within {} seconds", limits.timeout.as_secs()),
            )),
        }
    }
}

async fn run(command_line: &str, max_stdout: u64) -> io::Result<ProcessOutput> {
    let mut command = shell(command_line);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let group = Group::of(&child);
    let mut stdout = Zeroizing::new(Vec::with_capacity(8 * 1024));
    let pipe = child.stdout.take();
    let ended = {
        let reading = read(pipe, max_stdout, &mut stdout);
        tokio::pin!(reading);
        tokio::select! {
            read = &mut reading => {
                read?;
                None
            }
            status = child.wait() => {
                if let Ok(read) = tokio::time::timeout(OUTPUT_GRACE, &mut reading).await {
                    read?;
                }
                Some(status?)
            }
        }
    };
    let status = match ended {
        Some(status) => status,
        None => child.wait().await?,
    };
    group.release();
    Ok(ProcessOutput { exit_code: status.code(), stdout })
}

/// Reads all output into `stdout`.
async fn read(pipe: Option<ChildStdout>, limit: u64, stdout: &mut Vec<u8>) -> io::Result<()> {
    let Some(pipe) = pipe else { return Ok(()) };
    pipe.take(limit.saturating_add(1)).read_to_end(stdout).await?;
    if stdout.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("the process printed more than {limit} bytes"),
        ));
    }
    Ok(())
}

/// The process group of a command, which is killed on drop unless it is released.
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    #[cfg(unix)]
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self { leader: id.and_then(rustix::process::Pid::from_raw) }
    }

    #[cfg(not(unix))]
    fn of(_: &Child) -> Self {
        Self {}
    }

    /// Leaves the processes of a command that has ended in time alone: a helper may start an agent.
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there is nothing to release"))]
    fn release(mut self) {
        #[cfg(unix)]
        {
            self.leader = None;
        }
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            // An error means that the group has ended.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(unix)]
fn shell(command_line: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(command_line).process_group(0);
    command
}

#[cfg(windows)]
fn shell(command_line: &str) -> Command {
    let mut command = Command::new("cmd.exe");
    // `cmd` has its own quoting rules, so the line is passed on as it is written.
    command.arg("/C").raw_arg(command_line);
    command
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::ErrorKind;
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process};

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

    #[tokio::test]
    async fn the_children_of_a_process_are_ended_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        // The shell and its children hold the pipe open for writing, so that it ends when the last
        // of them does.
        let line = format!("exec 3> '{}'; sleep 600 & yes; true", path.display());
        let end = tokio::task::spawn_blocking(move || std::fs::read(path));
        let error = SystemProcesses.run(&line, LIMITS).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        assert_eq!(end.await.unwrap().unwrap(), b"");
    }

    #[tokio::test]
    async fn a_child_that_keeps_the_output_open_is_not_waited_for() {
        let output = SystemProcesses.run("echo keys; sleep 600 & echo $!", LIMITS).await.unwrap();
        let text = String::from_utf8(output.stdout.to_vec()).unwrap();
        let (keys, child) = text.split_once('\n').unwrap();
        assert_eq!((keys, output.exit_code), ("keys", Some(0)));
        let child = Pid::from_raw(child.trim().parse().unwrap()).unwrap();
        kill_process(child, Signal::KILL).unwrap();
    }

    #[tokio::test]
    async fn the_standard_input_is_empty() {
        let output = SystemProcesses.run("cat; echo end", LIMITS).await.unwrap();
        assert_eq!(**output.stdout, *b"end\n");
    }
}
