//! What can be known to fail before anything is sent.
//!
//! Owns the checks of a request's own content. Which of its parameters are the operator's is the
//! table's to say.

use std::fmt::Write as _;

use sagewire_types::{ChatRequest, EmbedRequest, Error, ErrorKind, ReplyMeta, RerankRequest, TranscribeRequest};
use serde_json::{Map, Value};

use crate::settings::operator_only;

/// A chat request that could be answered.
///
/// # Errors
/// `InvalidRequest` without messages, and for a parameter of the operator's.
pub(crate) fn chat(request: &mut ChatRequest) -> Result<(), Error> {
    if request.messages.is_empty() {
        return Err(Error::invalid("messages", "`messages` is empty: add at least one, such as a user's"));
    }
    operator_only::take_out(&mut request.extra)
}

/// An embedding request that could be answered.
///
/// # Errors
/// `InvalidRequest` without input, and for a parameter of the operator's.
pub(crate) fn embed(request: &mut EmbedRequest) -> Result<(), Error> {
    if request.input.is_empty() {
        return Err(Error::invalid("input", "`input` is empty: add at least one text"));
    }
    operator_only::take_out(&mut request.extra)
}

/// A rerank request that could be answered.
///
/// # Errors
/// `InvalidRequest` without documents, and for a parameter of the operator's.
pub(crate) fn rerank(request: &mut RerankRequest) -> Result<(), Error> {
    if request.documents.is_empty() {
        return Err(Error::invalid("documents", "`documents` is empty: add at least one"));
    }
    if request.top_n == Some(0) {
        return Err(Error::invalid("top_n", "`top_n` must be at least 1"));
    }
    operator_only::take_out(&mut request.extra)
}

/// A recording whose parameters could be sent.
///
/// # Errors
/// `InvalidRequest` for a parameter of the operator's.
pub(crate) fn transcription(request: &TranscribeRequest) -> Result<(), Error> {
    let mut names: Map<String, Value> =
        request.form.fields().iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    operator_only::take_out(&mut names)
}

/// An id for an answer whose container gives none.
pub(crate) fn new_id(prefix: &str) -> String {
    let mut id = String::with_capacity(prefix.len() + 32);
    // Writing to a String cannot fail.
    let _ = write!(id, "{prefix}{:032x}", fastrand::u128(..));
    id
}

/// An error in reading a reply, with what is known of the reply.
pub(crate) fn answered(error: Error, meta: &ReplyMeta) -> Error {
    let error = error.with_attempts(meta.attempts);
    match &meta.request_id {
        Some(request_id) => error.with_request_id(request_id),
        None => error,
    }
}

/// A setting that names nothing we know.
pub(crate) fn unknown_setting(setting: &str, value: &str, known: &[&str]) -> Error {
    Error::new(
        ErrorKind::Configuration,
        format!("unknown `{setting}` `{value}`: expected one of `{}`", known.join("`, `")),
    )
    .with_param(setting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_answer_is_refused() {
        assert_eq!(chat(&mut ChatRequest::new("m", [])).unwrap_err().param(), Some("messages"));
        let mut request = EmbedRequest::new("m", Vec::<String>::new());
        assert_eq!(embed(&mut request).unwrap_err().param(), Some("input"));
        let mut request = RerankRequest::new("m", "q", Vec::<String>::new());
        assert_eq!(rerank(&mut request).unwrap_err().param(), Some("documents"));
        let mut request = RerankRequest::new("m", "q", ["a"]).with_top_n(0);
        assert_eq!(rerank(&mut request).unwrap_err().param(), Some("top_n"));
    }
}
