//! What is wrong with a configuration, and what is merely odd.
//!
//! Owns the error, the warnings, and the list they are gathered in; never a value of the file, which may be a secret.

use std::{fmt, path::PathBuf};

use super::node::Place;

/// Something in the file that has no effect or may be a mistake. The proxy starts all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
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
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// One thing that must be mended before the proxy can start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The line, from 1; 0 where the problem is of the file as a whole.
    pub line: u64,
    /// The column, from 1; 0 where the problem is of the file as a whole.
    pub column: u64,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
    #[error("line {line}, column {column}: the file is not valid YAML: {reason}")]
    Yaml {
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
            Self::Read { .. } => vec![Problem { line: 0, column: 0, message: self.to_string() }],
            Self::Yaml { line, column, reason } => {
                vec![Problem { line: *line, column: *column, message: format!("the file is not valid YAML: {reason}") }]
            }
            Self::Invalid(problems) => problems.clone(),
        }
    }
}

fn one_per_line(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Where the sections put what they find.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
}

impl Report {
    pub(super) fn problem(&mut self, place: Place, message: impl Into<String>) {
        self.problems.push(Problem { line: place.line, column: place.column, message: message.into() });
    }

    pub(super) fn warning(&mut self, place: Place, key: impl Into<String>, message: impl Into<String>) {
        self.warnings.push(Warning {
            line: place.line,
            column: place.column,
            key: key.into(),
            message: message.into(),
        });
    }

    /// The warnings, or every problem, in the order of the file.
    pub(super) fn finish(mut self) -> Result<Vec<Warning>, ConfigError> {
        self.warnings.sort_by_key(|warning| (warning.line, warning.column));
        if self.problems.is_empty() {
            return Ok(self.warnings);
        }
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        Err(ConfigError::Invalid(self.problems))
    }
}
