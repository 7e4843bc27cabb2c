//! The proxy's `config.yaml`.

use sagewire_proxy::Config;

use super::Bound;

/// Stands for the value of every environment variable.
const FROM_ENVIRONMENT: &str = "canary-environment-5a1f77";

/// The most bytes that `Debug` may need for each byte of the file: aliases may repeat a part of it,
/// but not without end.
const GROWTH: usize = 4096;

/// A node of YAML takes some hundred bytes, and the least of them two in the file. The number of
/// nodes is bounded.
pub const BOUND: Bound = Bound { peak_per_byte: 400, bytes_per_byte: 4_000, free: 16 << 20 };

/// Reads the file.
pub fn read(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        let _ = Config::from_yaml(text, &|_| Some(FROM_ENVIRONMENT.to_owned()));
    }
}

/// No panic; reading ends with settings or with problems that each name a place; what the
/// environment held is shown nowhere; and what comes out is bounded by what went in.
///
/// # Panics
/// Where this is not so.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let shown = match Config::from_yaml(text, &|_| Some(FROM_ENVIRONMENT.to_owned())) {
        Ok((config, warnings)) => {
            let shown = format!("{config:?} {warnings:?}");
            let bound = (text.len() + 64) * GROWTH;
            assert!(shown.len() <= bound, "{} bytes came out of {}", shown.len(), text.len());
            shown
        }
        Err(error) => {
            let sentence = error.to_string();
            assert!(!sentence.is_empty());
            format!("{sentence} {error:?}")
        }
    };
    // A variable's value may be a model's name or a number's text, but a secret is never shown.
    if ["api_key", "secret", "token", "master_key"].iter().any(|name| text.contains(name)) && !text.contains("model") {
        assert!(!shown.contains(FROM_ENVIRONMENT), "a value of the environment is shown: {shown}");
    }
}
