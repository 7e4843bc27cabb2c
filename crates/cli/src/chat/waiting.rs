//! What a terminal shows until an answer begins: a spinner, and what is waited for.

use std::{
    sync::{Mutex, Once, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use tracing::{
    Event, Metadata, Subscriber,
    span::{Attributes, Id, Record},
    subscriber,
};

/// The spinner that is shown, if there is one.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// A spinner on standard error, until it is dropped.
#[derive(Debug)]
pub(super) struct Waiting(Option<ProgressBar>);

impl Waiting {
    pub(super) fn new(is_shown: bool) -> Self {
        if !is_shown {
            return Self(None);
        }
        static LISTENS: Once = Once::new();
        // If something else listens already, the spinner does not say that the endpoint is woken.
        LISTENS.call_once(|| drop(subscriber::set_global_default(CapacityListener)));
        let spinner = ProgressBar::new_spinner().with_message("waiting for the model");
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg:.dim} {elapsed:.dim}") {
            spinner.set_style(style);
        }
        spinner.enable_steady_tick(Duration::from_millis(100));
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(spinner.clone());
        Self(Some(spinner))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(spinner) = &self.0 {
            SHOWN.lock().unwrap_or_else(PoisonError::into_inner).take();
            spinner.finish_and_clear();
        }
    }
}

/// Hears of the library that a call waits for an endpoint to start.
#[derive(Debug)]
struct CapacityListener;

impl Subscriber for CapacityListener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sagewire::capacity"
    }

    fn event(&self, _: &Event<'_>) {
        if let Some(spinner) = &*SHOWN.lock().unwrap_or_else(PoisonError::into_inner) {
            spinner.set_message("waking the endpoint");
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
