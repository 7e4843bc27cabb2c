//! What is wrong with a configuration, and what is merely odd.
//!
//! Owns the error, the warnings, and the list they are gathered in; never a value of the file,
//! which may be a secret.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::node::Place;

/// Something in the file that has no effect or may be a mistake. The proxy starts all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// The file; `None` if the configuration was read from a text.
    pub file: Option<PathBuf>,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// The key, with its path: `general_settings.database_url`.
    pub key: String,
    /// What is odd about it.
    pub message: String,
    /// Whether the environment or a file of the machine that serves may settle it, so that it means
    /// nothing elsewhere.
    pub depends_on_machine: bool,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, self.file.as_deref(), self.line, self.column)?;
        f.write_str(&self.message)
    }
}

/// `config.yaml:3:5: `, as compilers write it, so that editors find the place.
fn write_place(f: &mut fmt::Formatter<'_>, file: Option<&Path>, line: u64, column: u64) -> fmt::Result {
    match (file, line) {
        (Some(file), 0) => write!(f, "{}: ", file.display()),
        (Some(file), _) => write!(f, "{}:{line}:{column}: ", file.display()),
        (None, 0) => Ok(()),
        (None, _) => write!(f, "line {line}, column {column}: "),
    }
}

/// One thing that must be fixed before the proxy can start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The file; `None` if the configuration was read from a text.
    pub file: Option<PathBuf>,
    /// The line, from 1; 0 where the problem is of the file as a whole.
    pub line: u64,
    /// The column, from 1; 0 where the problem is of the file as a whole.
    pub column: u64,
    /// What is wrong, and what to do.
    pub message: String,
    /// Whether it is about a file of the machine that serves, so that it means nothing elsewhere.
    pub depends_on_machine: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, self.file.as_deref(), self.line, self.column)?;
        f.write_str(&self.message)
    }
}

/// A place in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    file: Option<PathBuf>,
    line: u64,
    column: u64,
}

impl Position {
    pub(super) fn problem(&self, message: String) -> Problem {
        Problem { file: self.file.clone(), line: self.line, column: self.column, message, depends_on_machine: false }
    }

    pub(super) fn warning(&self, key: &str, message: String) -> Warning {
        Warning {
            file: self.file.clone(),
            line: self.line,
            column: self.column,
            key: key.to_owned(),
            message,
            depends_on_machine: false,
        }
    }
}

/// Why a configuration cannot be used. It lists every problem, not the first alone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read: check the path and its permissions", path.display())]
    Read {
        /// The path as it was given.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The text is not YAML.
    #[error("{}", one_per_line(&self.problems()))]
    Yaml {
        /// The file; `None` if the configuration was read from a text.
        file: Option<PathBuf>,
        /// The line, from 1; 0 where unknown.
        line: u64,
        /// The column, from 1; 0 where unknown.
        column: u64,
        /// What the parser says. It names no value of the file.
        reason: String,
    },
    /// The text is YAML, and something in it is wrong.
    #[error("{}", one_per_line(.0))]
    Invalid(Vec<Problem>),
}

impl ConfigError {
    /// The problems, each with its place.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Read { .. } => vec![Position::default().problem(self.to_string())],
            Self::Yaml { file, line, column, reason } => {
                let position = Position { file: file.clone(), line: *line, column: *column };
                vec![position.problem(format!("invalid YAML: {reason}"))]
            }
            Self::Invalid(problems) => problems.clone(),
        }
    }
}

/// Puts warnings into the order of the file.
pub(super) fn sort_warnings(warnings: &mut [Warning]) {
    warnings.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
}

/// Puts problems into the order of the file.
pub(super) fn sort_problems(problems: &mut [Problem]) {
    problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
}

fn one_per_line(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Where the sections put what they find.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// The files that were read, the configuration itself first.
    pub(super) files: Vec<PathBuf>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
}

impl Report {
    pub(super) fn problem(&mut self, place: Place, message: impl Into<String>) {
        self.problems.push(self.position(place).problem(message.into()));
    }

    pub(super) fn warning(&mut self, place: Place, key: impl Into<String>, message: impl Into<String>) {
        self.warnings.push(self.position(place).warning(&key.into(), message.into()));
    }

    fn file(&self, place: Place) -> Option<PathBuf> {
        self.files.get(place.file).cloned()
    }

    /// A place for problems that are found later.
    pub(super) fn position(&self, place: Place) -> Position {
        Position { file: self.file(place), line: place.line, column: place.column }
    }
}
