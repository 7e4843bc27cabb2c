//! The command on a terminal.
#![expect(clippy::panic, reason = "a test that waits in vain shows what it saw")]

use std::{
    fs::File,
    io::{Read, Write},
    process::{Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use ptyprocess::{PtyProcess, WaitStatus};

/// How long a test waits for what never comes before it fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process whose standard input, output and error are one terminal.
pub(crate) struct Terminal {
    process: PtyProcess,
    keys: File,
    shown: mpsc::Receiver<Vec<u8>>,
    /// What has been shown and not yet been expected.
    unread: String,
    all: String,
}

impl Terminal {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
        let process = PtyProcess::spawn(command).unwrap();
        let keys = process.get_raw_handle().unwrap();
        let mut screen = process.get_raw_handle().unwrap();
        let (sender, shown) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Linux ends a terminal whose process has gone with an error.
            while let Ok(length @ 1..) = screen.read(&mut bytes) {
                if sender.send(bytes[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { process, keys, shown, unread: String::new(), all: String::new() }
    }

    /// Presses these keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until this is shown.
    pub(crate) fn expect(&mut self, text: &str) {
        loop {
            if let Some(place) = self.unread.find(text) {
                self.unread.drain(..place + text.len());
                return;
            }
            match self.shown.recv_timeout(PATIENCE) {
                Ok(bytes) => self.take(&bytes),
                Err(why) => panic!("`{text}` is not shown ({why}): {:?}", self.all),
            }
        }
    }

    /// Waits for the end, and gives everything that was shown and the exit code.
    pub(crate) fn end(mut self) -> (String, i32) {
        loop {
            match self.shown.recv_timeout(PATIENCE) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(why) => panic!("it does not end ({why}): {:?}", self.all),
            }
        }
        match self.process.wait().unwrap() {
            WaitStatus::Exited(_, code) => (self.all.clone(), code),
            other => panic!("{other:?}: {:?}", self.all),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        self.unread.push_str(&text);
        self.all.push_str(&text);
    }
}
