//! A Redis server on a free port. Dropping it ends it.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

pub(crate) struct Redis {
    program: PathBuf,
    pub(crate) port: u16,
    process: Child,
}

impl Redis {
    pub(crate) fn start(program: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { program: program.to_owned(), port, process: run(program, port) }
    }

    /// Ends it at once, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it anew, empty.
    pub(crate) fn start_again(&mut self) {
        self.process = run(&self.program, self.port);
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection(TcpStream::connect(("127.0.0.1", self.port)).await.unwrap())
    }

    /// Stops its clock, or lets it go on.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.process), signal).unwrap();
    }
}

/// A connection of the test's own.
pub(crate) struct Connection(TcpStream);

impl Connection {
    /// Sends a command and waits until it is answered.
    pub(crate) async fn command(&mut self, words: &[&str]) {
        let answer = self.ask(words).await;
        assert!(answer.starts_with("+OK"), "{answer}");
    }

    /// Whether there are keys of this pattern.
    pub(crate) async fn has_keys(&mut self, pattern: &str) -> bool {
        let answer = self.ask(&["KEYS", pattern]).await;
        assert!(answer.starts_with('*'), "{answer}");
        !answer.starts_with("*0")
    }

    /// The beginning of what a command is answered.
    async fn ask(&mut self, words: &[&str]) -> String {
        let written: String = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
        self.0.write_all(format!("*{}\r\n{written}", words.len()).as_bytes()).await.unwrap();
        let mut answer = [0; 4096];
        let read = self.0.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a server and waits until it accepts connections.
fn run(program: &Path, port: u16) -> Child {
    let mut process = Command::new(program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--dir", env!("CARGO_TARGET_TMPDIR")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    if !lines.any(|line| line.contains("Ready to accept connections")) {
        let ended = process.wait().unwrap();
        panic!("the server ended with {ended}");
    }
    process
}
