//! What tells whether results that were begun still belong to the model, its parameters and the
//! input.
//!
//! Owns the hash: of the model, its parameters and the text. It protects against mistakes, not
//! against attackers.

use std::fmt::Write;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The bytes of the hash that are kept: enough for billions of lines.
const LENGTH: usize = 8;

/// Hashes texts for one model and its parameters.
#[derive(Clone, Debug)]
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    pub(crate) fn new(model: &str, parameters: &Map<String, Value>) -> Self {
        let mut hasher = Sha256::new();
        // In an order of its own, so that the order of the arguments does not matter.
        let mut sorted: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        sorted.sort();
        for part in std::iter::once(model).chain(sorted.iter().map(String::as_str)) {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        Self(hasher)
    }

    /// The hash of a text, in hexadecimal.
    pub(crate) fn of(&self, text: &str) -> String {
        let mut hasher = self.0.clone();
        hasher.update(text.as_bytes());
        hasher.finalize().iter().take(LENGTH).fold(String::with_capacity(2 * LENGTH), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Fingerprint;

    #[test]
    fn model_parameters_and_text_all_count_and_their_order_does_not() {
        let of = |model: &str, parameters: serde_json::Value, text: &str| {
            Fingerprint::new(model, parameters.as_object().unwrap()).of(text)
        };
        let first = of("m", json!({"a": 1, "b": 2}), "x");
        assert_eq!(first.len(), 16);
        assert_eq!(first, of("m", json!({"b": 2, "a": 1}), "x"));
        for other in [
            of("n", json!({"a": 1, "b": 2}), "x"),
            of("m", json!({"a": 1}), "x"),
            of("m", json!({"a": 1, "b": 2}), "y"),
        ] {
            assert_ne!(first, other);
        }
    }
}
