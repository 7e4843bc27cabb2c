//! What became of a program that a test needs. Owns when a test is ignored and when it fails.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::{Failed, Trial};

/// A program that a test needs, or why the test cannot use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prepared<T> {
    /// No variable names it: tests that need it are ignored.
    NotNamed,
    /// It is named and cannot be used: tests that need it fail with this sentence.
    Unusable(String),
    /// It is named and was tried.
    Ready(T),
}

impl Prepared<PathBuf> {
    /// The file or folder that a variable names.
    pub(crate) fn named(variable: &str, value: Option<PathBuf>) -> Self {
        let Some(path) = value else { return Self::NotNamed };
        // A name alone would be looked up on `PATH`, and a relative path means another file in each crate.
        if !path.is_absolute() {
            return Self::Unusable(format!("`{variable}`: {} is not an absolute path", path.display()));
        }
        if path.exists() {
            Self::Ready(path)
        } else {
            Self::Unusable(format!("`{variable}`: {} does not exist", path.display()))
        }
    }
}

impl<T> Prepared<T> {
    /// The program, if a test can use it.
    #[must_use]
    pub fn ready(&self) -> Option<&T> {
        if let Self::Ready(program) = self { Some(program) } else { None }
    }

    /// Makes something else of the program.
    #[must_use]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Prepared<U> {
        self.and_then(|program| Ok(change(program)))
    }

    /// Makes something else of the program, or says why it cannot be used.
    #[must_use]
    pub fn and_then<U>(self, next: impl FnOnce(T) -> Result<U, String>) -> Prepared<U> {
        match self {
            Self::NotNamed => Prepared::NotNamed,
            Self::Unusable(why) => Prepared::Unusable(why),
            Self::Ready(program) => next(program).map_or_else(Prepared::Unusable, Prepared::Ready),
        }
    }

    /// Both, for a test that needs two programs. Naming only one of them is a mistake.
    #[must_use]
    pub fn and<U>(self, other: Prepared<U>) -> Prepared<(T, U)> {
        match (self, other) {
            (Self::NotNamed, Prepared::NotNamed) => Prepared::NotNamed,
            (Self::Ready(one), Prepared::Ready(other)) => Prepared::Ready((one, other)),
            (Self::Unusable(why), _) | (_, Prepared::Unusable(why)) => Prepared::Unusable(why),
            (Self::NotNamed, Prepared::Ready(_)) | (Self::Ready(_), Prepared::NotNamed) => {
                Prepared::Unusable("only one of two variables is set: see docs/environment-variables.md".to_owned())
            }
        }
    }
}

impl<T: Clone + Send + 'static> Prepared<T> {
    /// A test that is ignored, fails or runs by what became of the program.
    pub fn trial(
        &self,
        name: impl Into<String>,
        test: impl FnOnce(&T) -> Result<(), Failed> + Send + 'static,
    ) -> Trial {
        let prepared = self.clone();
        let is_ignored = matches!(self, Self::NotNamed);
        let run = move || match prepared {
            Self::Ready(program) => test(&program),
            Self::Unusable(why) => Err(why.into()),
            // Only `--include-ignored` comes here.
            Self::NotNamed => {
                Err("the variable that names this test's program is not set: see docs/environment-variables.md".into())
            }
        };
        Trial::test(name, run).with_ignored_flag(is_ignored)
    }
}

/// What a program prints, or a sentence that says why it does not work.
pub(crate) fn output(variable: &str, program: &Path, arguments: &[&str]) -> Result<String, String> {
    let shown = program.display();
    let output =
        Command::new(program).args(arguments).output().map_err(|error| format!("`{variable}`: {shown}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.trim().lines().last().unwrap_or_default();
    Err(format!("`{variable}`: {shown} does not work ({}): {last}", output.status))
}
