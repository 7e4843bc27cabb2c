//! The places of the shared files and the selected profile, from the environment.
//!
//! It is pure: the environment is a function that is passed in, and no file is read. The rules are
//! those of the [file location
//! page](https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html).

use super::set::DEFAULT;
use crate::env_vars::{
    AWS_CONFIG_FILE, AWS_DEFAULT_PROFILE, AWS_PROFILE, AWS_SHARED_CREDENTIALS_FILE, HOME, HOMEDRIVE, HOMEPATH,
    USERPROFILE,
};

/// The platform whose rules for paths and the home folder apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Every system but Windows. The home folder is `HOME`.
    Unix,
    /// Windows. The home folder is `HOME`, else `USERPROFILE`, else `HOMEDRIVE` and `HOMEPATH`
    /// together.
    Windows,
}

impl Platform {
    /// The platform that this program was built for.
    #[must_use]
    pub const fn current() -> Self {
        if cfg!(windows) { Self::Windows } else { Self::Unix }
    }

    const fn separator(self) -> char {
        match self {
            Self::Unix => '/',
            Self::Windows => '\\',
        }
    }

    /// The home folder. A blank variable counts as unset.
    #[must_use]
    pub fn home(self, env: impl Fn(&str) -> Option<String>) -> Option<String> {
        let home = set(&env, HOME);
        match self {
            Self::Unix => home,
            Self::Windows => home.or_else(|| set(&env, USERPROFILE)).or_else(|| {
                let (drive, path) = (set(&env, HOMEDRIVE)?, set(&env, HOMEPATH)?);
                Some(drive + &path)
            }),
        }
    }
}

/// The places of both files, and the profile to use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileLocations {
    /// The config file: `AWS_CONFIG_FILE`, else `~/.aws/config`.
    pub config: FileLocation,
    /// The credentials file: `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`.
    pub credentials: FileLocation,
    /// The profile: `AWS_PROFILE`, else `AWS_DEFAULT_PROFILE`, else `default`.
    pub profile: SelectedProfile,
}

impl FileLocations {
    /// Finds both files and the profile. A leading `~` is the home folder; no other part of a path
    /// is expanded.
    #[must_use]
    pub fn resolve(env: impl Fn(&str) -> Option<String>, platform: Platform) -> Self {
        let home = platform.home(&env);
        let locate = |variable: &'static str, file: &str| match set(&env, variable) {
            Some(path) => FileLocation { path: expand(&path, home.as_deref(), platform), variable: Some(variable) },
            None => {
                let separator = platform.separator();
                let path = home.as_ref().map(|home| {
                    let home = home.trim_end_matches(separator);
                    format!("{home}{separator}.aws{separator}{file}")
                });
                FileLocation { path, variable: None }
            }
        };
        Self {
            config: locate(AWS_CONFIG_FILE, "config"),
            credentials: locate(AWS_SHARED_CREDENTIALS_FILE, "credentials"),
            profile: SelectedProfile::resolve(&env),
        }
    }
}

/// The place of one file, and the variable that sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLocation {
    path: Option<String>,
    variable: Option<&'static str>,
}

impl FileLocation {
    /// The path. `None` if it begins with the home folder, which the environment does not name.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// The variable that names the file. `None` for the usual place, where a missing file is no
    /// mistake.
    #[must_use]
    pub fn variable(&self) -> Option<&'static str> {
        self.variable
    }
}

/// The name of the selected profile, and what selected it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedProfile {
    name: String,
    choice: ProfileChoice,
}

/// What selected a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileChoice {
    /// The program or its configuration.
    Explicit,
    /// This environment variable.
    Variable(&'static str),
    /// Nothing: it is the profile `default`.
    Default,
}

impl SelectedProfile {
    /// A profile that the program names.
    #[must_use]
    pub fn explicit(name: impl Into<String>) -> Self {
        Self { name: name.into(), choice: ProfileChoice::Explicit }
    }

    /// The profile that the environment names, else `default`. A blank variable counts as unset.
    #[must_use]
    pub fn resolve(env: impl Fn(&str) -> Option<String>) -> Self {
        let variables = [AWS_PROFILE, AWS_DEFAULT_PROFILE];
        let named = variables.into_iter().find_map(|variable| Some((set(&env, variable)?, variable)));
        match named {
            Some((name, variable)) => Self { name, choice: ProfileChoice::Variable(variable) },
            None => Self::default(),
        }
    }

    /// The profile's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What selected it.
    #[must_use]
    pub fn choice(&self) -> ProfileChoice {
        self.choice
    }
}

impl Default for SelectedProfile {
    fn default() -> Self {
        Self { name: DEFAULT.to_owned(), choice: ProfileChoice::Default }
    }
}

fn set(env: impl Fn(&str) -> Option<String>, variable: &str) -> Option<String> {
    env(variable).filter(|value| !value.trim().is_empty())
}

/// Replaces a leading `~` by the home folder. `~name`, the home of another user, is unchanged.
fn expand(path: &str, home: Option<&str>, platform: Platform) -> Option<String> {
    let Some(rest) = path.strip_prefix('~') else { return Some(path.to_owned()) };
    let is_separator = |first: char| first == '/' || first == platform.separator();
    if !rest.is_empty() && !rest.starts_with(is_separator) {
        return Some(path.to_owned());
    }
    let home = home?.trim_end_matches(platform.separator());
    Some(format!("{home}{rest}"))
}

#[cfg(test)]
mod tests;
