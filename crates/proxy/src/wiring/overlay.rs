//! The file's `environment_variables`, before the process's own.

use std::sync::Arc;

use sagewire::credentials::seam::Env;

use crate::config::EnvironmentVariables;

/// An environment with another over it.
#[derive(Debug)]
pub(super) struct Overlay {
    own: EnvironmentVariables,
    below: Arc<dyn Env>,
}

impl Overlay {
    pub(super) fn new(own: EnvironmentVariables, below: Arc<dyn Env>) -> Self {
        Self { own, below }
    }
}

impl Env for Overlay {
    fn var(&self, name: &str) -> Option<String> {
        self.own.get(name).map(str::to_owned).or_else(|| self.below.var(name))
    }
}
