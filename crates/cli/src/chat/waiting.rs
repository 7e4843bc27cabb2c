//! What a terminal shows until an answer begins: a spinner.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A spinner on standard error, until it is dropped.
#[derive(Debug)]
pub(super) struct Waiting(Option<ProgressBar>);

impl Waiting {
    pub(super) fn new(is_shown: bool) -> Self {
        Self(is_shown.then(|| {
            let spinner = ProgressBar::new_spinner().with_message("waiting for the model");
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg:.dim} {elapsed:.dim}") {
                spinner.set_style(style);
            }
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        }))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(spinner) = &self.0 {
            spinner.finish_and_clear();
        }
    }
}
