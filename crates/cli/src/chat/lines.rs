//! The lines that a user types: edited in place, with those before at the arrow keys.
//!
//! Owns the editor and its thread. The lines are kept in memory alone: what people ask a model
//! belongs in no file.

use std::sync::mpsc;

use rustyline::{Behavior, Config, DefaultEditor, error::ReadlineError};
use tokio::sync::mpsc as async_mpsc;

use crate::Failure;

/// What the user did at a prompt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Line(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D, or the end of the input.
    Ended,
}

/// A line editor on a thread of its own, as it blocks while it waits.
#[derive(Debug)]
pub(super) struct Lines {
    prompts: mpsc::Sender<String>,
    typed: async_mpsc::Receiver<Result<Typed, ReadlineError>>,
}

impl Lines {
    pub(super) fn new(shows_prompt: bool) -> Result<Self, Failure> {
        // With the answers going to a file, the prompt goes to the terminal itself.
        let behavior = if shows_prompt { Behavior::Stdio } else { Behavior::PreferTerm };
        let config = Config::builder().behavior(behavior).auto_add_history(true).build();
        let mut editor = DefaultEditor::with_config(config).map_err(Failure::work)?;
        let (prompts, asked) = mpsc::channel::<String>();
        let (answers, typed) = async_mpsc::channel(1);
        std::thread::spawn(move || {
            for prompt in asked {
                let typed = match editor.readline(&prompt) {
                    Ok(line) => Ok(Typed::Line(line)),
                    Err(ReadlineError::Interrupted) => Ok(Typed::Interrupted),
                    Err(ReadlineError::Eof) => Ok(Typed::Ended),
                    Err(error) => Err(error),
                };
                if answers.blocking_send(typed).is_err() {
                    break;
                }
            }
        });
        Ok(Self { prompts, typed })
    }

    /// The next line, after a prompt.
    pub(super) async fn read(&mut self, prompt: &str) -> Result<Typed, Failure> {
        if self.prompts.send(prompt.to_owned()).is_err() {
            return Ok(Typed::Ended);
        }
        self.typed.recv().await.unwrap_or(Ok(Typed::Ended)).map_err(Failure::work)
    }
}
