//! The command in an environment of the test's own.

use std::{
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator};
use tempfile::TempDir;

/// A home folder, and variables that lead to the emulator.
pub(crate) struct Home {
    pub(crate) folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a command printed, and its exit code.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

impl Home {
    /// Without any AWS setting.
    pub(crate) fn empty() -> Self {
        let variables = vec![("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned())];
        Self { folder: tempfile::tempdir().unwrap(), variables }
    }

    /// With the emulator's keys, region and URL.
    pub(crate) fn of(emulator: &Emulator) -> Self {
        Self::empty()
            .with("AWS_ENDPOINT_URL", &emulator.url())
            .with("AWS_REGION", "us-east-1")
            .with("AWS_ACCESS_KEY_ID", EXAMPLE_ACCESS_KEY_ID)
            .with("AWS_SECRET_ACCESS_KEY", EXAMPLE_SECRET_ACCESS_KEY)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(variable, _)| variable != name);
        self
    }

    /// Writes a file below the home folder.
    pub(crate) fn file(&self, path: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sagewire"));
        command.args(arguments).env_clear().env("HOME", self.folder.path()).env("TERM", "xterm-256color");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Printed {
        Printed::from(self.command(arguments).output().unwrap())
    }

    pub(crate) fn run_with_input<A: AsRef<OsStr>>(&self, arguments: &[A], input: &str) -> Printed {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // A command that refuses its arguments reads nothing.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Printed::from(child.wait_with_output().unwrap())
    }
}

impl From<Output> for Printed {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { out: text(&output.stdout), err: text(&output.stderr), code: output.status.code() }
    }
}
