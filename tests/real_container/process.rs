//! A model server in a process of its own.
//!
//! Owns its port, the wait until it answers, what it printed if it does not, and its end with
//! everything that it started.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use http::Method;
use libtest_mimic::Failed;
use sagewire_tests::deployment::send;
use tempfile::TempDir;

/// How long a server may take to start. A machine that compiles beside it needs minutes.
const START: Duration = Duration::from_secs(1800);
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(250);

/// A running server.
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Process {
    /// Starts a server that listens on this port of `127.0.0.1`. Its folder is removed with it.
    pub(crate) fn start(mut command: Command, port: u16, folder: TempDir) -> Self {
        let log = File::create(folder.path().join("log")).unwrap();
        command
            .current_dir(folder.path())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Self { child: command.spawn().unwrap(), address: ([127, 0, 0, 1], port).into(), folder }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until the server answers `GET path` with 200.
    pub(crate) async fn ready(&mut self, path: &str) -> Result<(), Failed> {
        for _ in 0..START.as_millis() / BETWEEN_QUESTIONS.as_millis() {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server ended ({status}):\n{}", self.last_words()).into());
            }
            let listens = tokio::net::TcpStream::connect(self.address).await.is_ok();
            if listens && send(self.address, Method::GET, path, "", "").await.is_some_and(|(status, ..)| status == 200)
            {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN_QUESTIONS).await;
        }
        Err(format!("the server did not start within {} seconds:\n{}", START.as_secs(), self.last_words()).into())
    }

    fn last_words(&self) -> String {
        let log = fs::read(self.folder.path().join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its group: the server and its workers.
        #[cfg(unix)]
        {
            let group = rustix::process::Pid::from_child(&self.child);
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder for a server's files.
pub(crate) fn folder() -> TempDir {
    tempfile::Builder::new().prefix("sagewire").tempdir().unwrap()
}

/// A port that is free just now, and another one each time. AWS's model server takes none above
/// 32767.
pub(crate) fn free_port() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let mut ports = std::iter::repeat_with(|| start + TRIED.fetch_add(1, Ordering::Relaxed));
    ports.find(|port| *port > 32_000 || TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// Makes a tiny model with a tokenizer of its own in a new folder `tiny`: real formats, and
/// nonsense for words.
pub(crate) fn tiny_model(python: &Path, folder: &Path, options: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("real_container/tiny_model.py");
    let output = Command::new(python).arg(script).arg(folder.join("tiny")).args(options).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
