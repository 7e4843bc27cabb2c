//! What is wrong with a configuration, and what is merely odd.
//!
//! Owns the error, the warnings, and the list they are gathered in; never a value of the file, which may be a secret.

use std::{fmt, path::PathBuf};

use super::node::Place;

/// Something in the file that has no effect or may be a mistake. The proxy starts all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// The included file; `None` for the configuration itself.
    pub file: Option<PathBuf>,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// The key, with its path: `general_settings.database_url`.
    pub key: String,
    /// What is odd about it.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        file_of(self.file.as_ref(), f)?;
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

fn file_of(file: Option<&PathBuf>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match file {
        Some(file) => write!(f, "{}: ", file.display()),
        None => Ok(()),
    }
}

/// One thing that must be mended before the proxy can start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The included file; `None` for the configuration itself.
    pub file: Option<PathBuf>,
    /// The line, from 1; 0 where the problem is of the file as a whole.
    pub line: u64,
    /// The column, from 1; 0 where the problem is of the file as a whole.
    pub column: u64,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        file_of(self.file.as_ref(), f)?;
        if self.line == 0 {
            f.write_str(&self.message)
        } else {
            write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
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
    #[error("{}line {line}, column {column}: the file is not valid YAML: {reason}", before(.file.as_ref()))]
    Yaml {
        /// The included file; `None` for the configuration itself.
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
            Self::Read { .. } => vec![Problem { file: None, line: 0, column: 0, message: self.to_string() }],
            Self::Yaml { file, line, column, reason } => vec![Problem {
                file: file.clone(),
                line: *line,
                column: *column,
                message: format!("the file is not valid YAML: {reason}"),
            }],
            Self::Invalid(problems) => problems.clone(),
        }
    }
}

fn before(file: Option<&PathBuf>) -> String {
    file.map_or_else(String::new, |file| format!("{}: ", file.display()))
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
        let file = self.included(place);
        self.problems.push(Problem { file, line: place.line, column: place.column, message: message.into() });
    }

    pub(super) fn warning(&mut self, place: Place, key: impl Into<String>, message: impl Into<String>) {
        let file = self.included(place);
        self.warnings.push(Warning {
            file,
            line: place.line,
            column: place.column,
            key: key.into(),
            message: message.into(),
        });
    }

    fn included(&self, place: Place) -> Option<PathBuf> {
        self.files.get(place.file).filter(|_| place.file > 0).cloned()
    }

    /// The warnings, or every problem, in the order of the file.
    pub(super) fn finish(mut self) -> Result<Vec<Warning>, ConfigError> {
        self.warnings.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        if self.problems.is_empty() {
            return Ok(self.warnings);
        }
        self.problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        Err(ConfigError::Invalid(self.problems))
    }
}
