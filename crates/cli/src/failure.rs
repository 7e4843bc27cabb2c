//! How a subcommand fails: a sentence on standard error, its causes, a hint, and an exit code.
//!
//! Owns the exit codes: 1 where the work failed, 2 where arguments, settings or input are wrong, 130 after Ctrl-C.

use std::{error::Error as StdError, io, process::ExitCode};

use sagewire::{Error, ErrorKind};

use crate::{
    interrupt,
    terminal::{Colour, Style},
};

/// A failed subcommand.
#[derive(Debug)]
pub(crate) struct Failure {
    /// `None` where everything has been said already.
    error: Option<Box<dyn StdError + Send + Sync>>,
    /// What the error is about, where it does not say itself.
    subject: Option<String>,
    hint: Option<String>,
    exit_code: u8,
}

impl Failure {
    /// Arguments, settings or input are wrong.
    pub(crate) fn usage(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { error: Some(error.into()), subject: None, hint: None, exit_code: 2 }
    }

    /// The work itself failed.
    pub(crate) fn work(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { error: Some(error.into()), subject: None, hint: None, exit_code: 1 }
    }

    /// The work failed, and the output says why.
    pub(crate) fn told() -> Self {
        Self { error: None, subject: None, hint: None, exit_code: 1 }
    }

    /// Ctrl-C ended the work.
    pub(crate) fn interrupted() -> Self {
        Self { error: None, subject: None, hint: None, exit_code: interrupt::EXIT_CODE }
    }

    /// Output that could not be written. A reader who has gone (`| head`) has what it wanted: that is no failure to speak of.
    pub(crate) fn output(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self { error: None, subject: None, hint: None, exit_code: 0 },
            _ => Self::work(error),
        }
    }

    /// Says what the error is about.
    pub(crate) fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Adds what to try.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Prints the error with its causes and the hint, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        self.print();
        ExitCode::from(self.exit_code)
    }

    /// Prints the error with its causes and the hint.
    pub(crate) fn print(&self) {
        let style = Style::of_stderr();
        if let Some(error) = &self.error {
            let subject = self.subject.as_ref().map(|subject| format!("{subject}: ")).unwrap_or_default();
            eprintln!("{} {subject}{error}", style.paint(Colour::Red, "error:"));
            let mut shown = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                let text = error.to_string();
                // A cause whose text the sentence above quotes adds nothing.
                if !shown.contains(&text) {
                    eprintln!("  because: {}", news(&shown, &text));
                    shown = text;
                }
                cause = error.source();
            }
        }
        if let Some(hint) = &self.hint {
            eprintln!("{} {hint}", style.paint(Colour::Yellow, "hint:"));
        }
    }
}

/// What a cause says that has not been said: without its beginning, where that is how the sentence above ends.
fn news<'a>(said: &str, text: &'a str) -> &'a str {
    let mut ends = text.char_indices().rev().map(|(end, _)| end);
    let repeated = ends.find(|end| text.get(..*end).is_some_and(|beginning| said.ends_with(beginning)));
    let rest = repeated.and_then(|end| text.get(end..)).unwrap_or(text).trim_start();
    if rest.starts_with(char::is_uppercase) { rest } else { text }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let hint = hint(&error);
        // What was never sent is a mistake of the arguments; what a container refused is a failure of the work.
        let failure = match error.kind() {
            ErrorKind::InvalidRequest | ErrorKind::Unsupported | ErrorKind::Configuration | ErrorKind::NotFound
                if error.upstream().is_none() =>
            {
                Self::usage(error)
            }
            _ => Self::work(error),
        };
        match hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

/// What to try after a failed call.
fn hint(error: &Error) -> Option<String> {
    let hint = match error.kind() {
        // A configuration that has no such model lists those it has.
        ErrorKind::NotFound if error.upstream().is_none() => return None,
        ErrorKind::Authentication | ErrorKind::Permission | ErrorKind::NotFound | ErrorKind::Connection => {
            "`sagewire doctor <MODEL>` goes through every step and names the one that fails"
        }
        ErrorKind::Configuration => "`sagewire doctor <MODEL>` shows where each setting comes from",
        ErrorKind::ModelNotReady => "`-p wait_for_capacity=600` waits up to ten minutes for the endpoint",
        ErrorKind::Decode | ErrorKind::ModelFailed => {
            "`sagewire doctor <MODEL>` finds out which dialect the container speaks"
        }
        ErrorKind::Unsupported => "`-p drop_params=true` leaves out what the container cannot take",
        ErrorKind::InvalidRequest if error.param() == Some("model") => {
            "a model is written `sagemaker/<endpoint>` or `sagemaker_chat/<endpoint>`; with `--config` it is a `model_name` of the file"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_does_not_begin_with_what_has_been_said() {
        let said = "no credentials: None are configured. Set some.";
        assert_eq!(news(said, "None are configured. Set some. Tried: A; B."), "Tried: A; B.");
        assert_eq!(news(said, "Something else."), "Something else.");
        // A few letters in common are no repetition.
        assert_eq!(news("it is set", "set: no"), "set: no");
        assert_eq!(news("", "Whole."), "Whole.");
    }
}
