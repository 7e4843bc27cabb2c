//! A server that a script starts for a test.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// A server written in Python. Its script prints the server's URL as a line, and ends with its
/// standard input, which is when this is dropped.
#[derive(Debug)]
pub struct Served {
    server: Child,
    url: String,
}

impl Served {
    /// Starts a script with these arguments, and waits for its URL.
    ///
    /// # Errors
    /// A sentence that says why the server did not start.
    pub fn start(python: &Path, script: &Path, arguments: &[&str]) -> Result<Self, String> {
        let mut command = Command::new(python);
        command.arg(script).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().map_err(|error| error.to_string())?;
        let mut url = String::new();
        if let Some(output) = server.stdout.take() {
            BufReader::new(output).read_line(&mut url).map_err(|error| error.to_string())?;
        }
        if url.is_empty() {
            let status = server.wait().map_err(|error| error.to_string())?;
            return Err(format!("{} did not start: {status}", script.display()));
        }
        Ok(Self { server, url: url.trim().to_owned() })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        drop(self.server.wait());
    }
}
