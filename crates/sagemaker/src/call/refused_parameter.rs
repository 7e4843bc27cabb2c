//! A container's refusal of a parameter that we added to a request.
//!
//! Owns how such a refusal is told from other failures, whatever words the container uses.

use sagewire_types::{Error, ErrorKind};

/// Words that speak of a parameter. "For details, see the log" has none of them.
const OF_A_PARAMETER: &[&str] = &[
    "argument",
    "extra",
    "field",
    "key",
    "kwarg",
    "not permitted",
    "not supported",
    "parameter",
    "property",
    "properties",
    "unexpected",
    "unknown",
    "unrecognized",
    "unsupported",
];

/// What a container said of a request that it refused, in lower case; `None` for another failure.
pub(crate) fn message(error: &Error) -> Option<String> {
    let upstream = error.upstream()?;
    let refused = matches!(error.kind(), ErrorKind::InvalidRequest | ErrorKind::ModelFailed)
        && upstream.original_status.is_some_and(|status| (400..600).contains(&status));
    upstream.original_message.as_deref().filter(|_| refused).map(str::to_ascii_lowercase)
}

/// Whether a failure says that the container does not know one of these parameters.
pub(crate) fn is_named(error: &Error, names: &[&str]) -> bool {
    let Some(text) = message(error) else { return false };
    let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.any(|word| names.contains(&word)) && OF_A_PARAMETER.iter().any(|word| text.contains(word))
}
