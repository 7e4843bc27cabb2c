//! The environment seam: variables by name. The callers interpret them.

use std::collections::HashMap;

/// Where environment variables come from.
pub trait Env: Send + Sync + std::fmt::Debug {
    /// The value of the variable `name`, if it is set and is Unicode. An empty value is a value.
    fn var(&self, name: &str) -> Option<String>;
}

/// The process's own environment.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnv;

impl Env for ProcessEnv {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the process's environment")]
    fn var(&self, name: &str) -> Option<String> {
        match std::env::var_os(name)?.into_string() {
            Ok(value) => Some(value),
            Err(_) => {
                tracing::warn!(variable = name, "the variable is not Unicode and is taken as unset");
                None
            }
        }
    }
}

/// An environment of given variables, for tests and for programs with other settings.
///
/// ```
/// use sagewire_credentials::seam::{Env, MapEnv};
///
/// let env = MapEnv::from([("AWS_REGION", "eu-west-1")]);
/// assert_eq!(env.var("AWS_REGION").as_deref(), Some("eu-west-1"));
/// ```
#[derive(Clone, Default)]
pub struct MapEnv(HashMap<String, String>);

impl MapEnv {
    /// An environment without variables.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same environment with `name` set to `value`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }
}

impl std::fmt::Debug for MapEnv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut names: Vec<_> = self.0.keys().collect();
        names.sort();
        f.debug_tuple("MapEnv").field(&names).finish()
    }
}

impl Env for MapEnv {
    fn var(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for MapEnv {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<K: Into<String>, V: Into<String>, const N: usize> From<[(K, V); N]> for MapEnv {
    fn from(variables: [(K, V); N]) -> Self {
        variables.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::MapEnv;

    #[test]
    fn debug_names_variables_without_their_values() {
        let env = MapEnv::new().with("AWS_SECRET_ACCESS_KEY", "hidden");
        assert!(!format!("{env:?} {env:#?}").contains("hidden"));
    }
}
