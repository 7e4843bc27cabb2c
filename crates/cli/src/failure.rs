//! How a subcommand fails: a sentence on standard error, its causes, a hint, and an exit code.
//!
//! Owns the exit codes: 1 if the work failed, 2 if arguments, settings or input are wrong, 130
//! after Ctrl-C.

use std::{error::Error as StdError, io, process::ExitCode};

use sagewire::{Error, ErrorKind};

use crate::{
    interrupt,
    terminal::{Colour, note},
};

/// A failed subcommand.
#[derive(Debug)]
pub(crate) struct Failure {
    /// `None` if everything has been printed already.
    error: Option<Box<dyn StdError + Send + Sync>>,
    /// What the error is about, if it does not say so itself.
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

    /// The input is wrong, and was told why.
    pub(crate) fn input_refused() -> Self {
        Self { error: None, subject: None, hint: None, exit_code: 2 }
    }

    /// Ctrl-C ended the work.
    pub(crate) fn interrupted() -> Self {
        Self { error: None, subject: None, hint: None, exit_code: interrupt::EXIT_CODE }
    }

    /// Output that could not be written. A reader that has ended (`| head`) has what it wanted:
    /// that is not a failure.
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

    /// Adds what to try, unless something more fitting is said already.
    pub(crate) fn with_hint_if_none(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// Prints the error with its causes and the hint, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        self.print();
        ExitCode::from(self.exit_code)
    }

    /// Prints the error with its causes and the hint.
    pub(crate) fn print(&self) {
        let mut sentences = self.sentences().into_iter();
        if let Some(sentence) = sentences.next() {
            note(Some((Colour::Red, "error:")), sentence);
        }
        for cause in sentences {
            note(None, format_args!("  because: {cause}"));
        }
        if let Some(hint) = &self.hint {
            note(Some((Colour::Yellow, "hint:")), hint);
        }
    }

    /// Logs the error with its causes and the hint in place of printing them.
    pub(crate) fn logged(self) -> Self {
        if self.error.is_some() {
            tracing::error!(target: "sagewire", hint = self.hint, "{}", self.sentences().join(": "));
        }
        Self { error: None, subject: None, hint: None, exit_code: self.exit_code }
    }

    /// What failed, and what each cause adds to that.
    fn sentences(&self) -> Vec<String> {
        let Some(error) = &self.error else { return Vec::new() };
        let subject = self.subject.as_ref().map(|subject| format!("{subject}: ")).unwrap_or_default();
        let mut sentences = vec![format!("{subject}{error}")];
        let mut shown = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // A cause whose text the sentence above quotes adds nothing.
            if !shown.contains(&text) {
                sentences.push(news(&shown, &text).to_owned());
                shown = text;
            }
            cause = error.source();
        }
        sentences
    }
}

/// What a cause adds: without its beginning, if the sentence above ends with that.
fn news<'a>(said: &str, text: &'a str) -> &'a str {
    let mut ends = text.char_indices().rev().map(|(end, _)| end);
    let repeated = ends.find(|end| text.get(..*end).is_some_and(|beginning| said.ends_with(beginning)));
    let rest = repeated.and_then(|end| text.get(end..)).unwrap_or(text).trim_start();
    if rest.starts_with(char::is_uppercase) { rest } else { text }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let hint = hint(&error);
        // What was never sent is a mistake of the arguments; what a container refused is a failure of the
        // work.
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
        // The error of a configuration that has no such model lists those it has.
        ErrorKind::NotFound if error.upstream().is_none() => return None,
        ErrorKind::Authentication | ErrorKind::Permission | ErrorKind::NotFound | ErrorKind::Connection => {
            "run `sagewire doctor <MODEL>`: it checks every step and names the one that fails"
        }
        ErrorKind::Configuration => "run `sagewire doctor <MODEL>`: it shows where each setting comes from",
        ErrorKind::ModelNotReady => "add `-p wait_for_capacity=600` to wait up to ten minutes for the endpoint",
        ErrorKind::Decode | ErrorKind::ModelFailed => {
            "run `sagewire doctor <MODEL>`: it finds out which dialect the container speaks"
        }
        ErrorKind::Unsupported => "add `-p drop_params=true` to leave out what the container does not support",
        ErrorKind::InvalidRequest if error.param() == Some("model") => {
            "use `sagemaker/<endpoint>` or `sagemaker_chat/<endpoint>`, or with `--config` a `model_name` of the file"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_shown_without_what_the_sentence_above_ends_with() {
        let said = "no credentials: None are configured. Set some.";
        assert_eq!(news(said, "None are configured. Set some. Tried: A; B."), "Tried: A; B.");
        assert_eq!(news(said, "Something else."), "Something else.");
        // A few letters in common are no repetition.
        assert_eq!(news("it is set", "set: no"), "set: no");
        assert_eq!(news("", "Whole."), "Whole.");
    }
}
