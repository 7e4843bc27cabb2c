//! How a subcommand fails: a sentence on standard error, its causes, and an exit code.
//!
//! Owns the exit codes: 1 where the work failed, 2 where the arguments or settings are wrong.

use std::{error::Error as StdError, process::ExitCode};

use sagewire::{Error, ErrorKind};

/// A failed subcommand.
#[derive(Debug)]
pub(crate) struct Failure {
    error: Box<dyn StdError + Send + Sync>,
    exit_code: u8,
}

impl Failure {
    /// Arguments or settings are wrong.
    pub(crate) fn usage(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { error: error.into(), exit_code: 2 }
    }

    /// The work itself failed.
    pub(crate) fn work(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { error: error.into(), exit_code: 1 }
    }

    /// Prints the error with its causes and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("error: {}", self.error);
        let mut shown = self.error.to_string();
        let mut cause = self.error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // A cause whose text the sentence above quotes adds nothing.
            if !shown.contains(&text) {
                eprintln!("  because: {text}");
                shown = text;
            }
            cause = error.source();
        }
        ExitCode::from(self.exit_code)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidRequest | ErrorKind::Unsupported | ErrorKind::Configuration => Self::usage(error),
            _ => Self::work(error),
        }
    }
}
