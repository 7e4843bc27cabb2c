//! How many tokens an answer of a model will probably have.
//!
//! Owns the recent average of each model, which says what a call reserves: `max_tokens` alone would
//! reserve far too much, since agents ask for tens of thousands each time.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// What an answer is expected to have until one has come.
const UNKNOWN: u64 = 512;

/// The answers that the average goes back to, about.
const WINDOW: u64 = 16;

/// What is expected of one model.
#[derive(Debug, Default)]
pub(crate) struct ExpectedOutput {
    /// The average, times [`WINDOW`]; 0 until an answer has come.
    sum: AtomicU64,
}

impl ExpectedOutput {
    /// The tokens that an answer will probably have.
    pub(crate) fn tokens(&self) -> u64 {
        match self.sum.load(Relaxed) {
            0 => UNKNOWN,
            sum => (sum / WINDOW).max(1),
        }
    }

    /// An answer had so many tokens.
    pub(crate) fn learn(&self, tokens: u64) {
        // A count that comes between is lost, which an average can bear.
        let tokens = tokens.clamp(1, u64::MAX / WINDOW / 2);
        let sum = match self.sum.load(Relaxed) {
            0 => tokens * WINDOW,
            sum => (sum - sum / WINDOW).saturating_add(tokens),
        };
        self.sum.store(sum, Relaxed);
    }
}

/// What is expected of each model, by its name. It outlives a reload.
#[derive(Debug, Default)]
pub(crate) struct ExpectedOutputs(Mutex<HashMap<String, Arc<ExpectedOutput>>>);

impl ExpectedOutputs {
    pub(crate) fn of_model(&self, model: &str) -> Arc<ExpectedOutput> {
        let mut models = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(models.entry(model.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_follows_what_comes() {
        let models = ExpectedOutputs::default();
        let expected = models.of_model("m");
        assert_eq!(expected.tokens(), 512);
        expected.learn(20);
        assert_eq!(models.of_model("m").tokens(), 20);
        for _ in 0..100 {
            expected.learn(100);
        }
        assert!((95..=100).contains(&models.of_model("m").tokens()), "{expected:?}");
        expected.learn(u64::MAX);
        expected.learn(u64::MAX);
        assert_eq!(models.of_model("other").tokens(), 512);
    }
}
