//! The errors for replies and streams that are no answer and no report.
//!
//! Owns their sentences. A reply's texts may be the model's and thus the caller's: an error shows a
//! reply's shape and never its texts. Only what is not JSON at all is kept for the operator, beside
//! the sentence.

use sagewire_types::{Error, ErrorKind, Upstream, json};
use serde_json::Value;

use super::{excerpt, is_html};

/// The error for an answer that the container ended with an error and no reason.
pub(crate) fn failed_generation() -> Error {
    Error::new(
        ErrorKind::ModelFailed,
        "the container ended the answer with an error and gave no reason; see the endpoint's log",
    )
}

/// The error for a stream that ended without saying that its answer is whole.
pub(crate) fn unfinished() -> Error {
    Error::new(
        ErrorKind::StreamBroken,
        "the stream ended without its end mark, so the answer so far is not whole; retry, and if it happens every time, see the endpoint's log",
    )
}

/// The error for a stream that ended before anything was answered.
pub(crate) fn no_answer() -> Error {
    Error::new(
        ErrorKind::StreamBroken,
        "the stream ended before an answer began; retry, and if it happens every time, see the endpoint's log",
    )
}

/// The error for a stream that ended inside a record.
pub(crate) fn cut_record(error: &serde_json::Error) -> Error {
    Error::new(
        ErrorKind::StreamBroken,
        "the stream ended inside a record, so the answer so far is not whole; retry, and if it happens every time, see the endpoint's log",
    )
    .with_source(NotJson::from(error))
}

/// Where a container's text stops being JSON. `serde_json`'s own error may quote the text, which is
/// the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid JSON at line {line}, column {column}")]
pub(crate) struct NotJson {
    line: usize,
    column: usize,
}

impl From<&serde_json::Error> for NotJson {
    fn from(error: &serde_json::Error) -> Self {
        Self { line: error.line(), column: error.column() }
    }
}

/// The error for a reply of an unknown shape, or that is not JSON. `advice` says how to choose
/// another reader.
pub(crate) fn unknown_reply(reply: &[u8], advice: &str) -> Error {
    let error = match json::from_reply::<Value>(reply) {
        Ok(value) => {
            return Error::new(
                ErrorKind::Decode,
                format!("the container's reply has an unknown shape: {}. {advice}", shape(&value)),
            );
        }
        Err(error) => error,
    };
    let text = reply.trim_ascii();
    // In what is cut short, and in a stream where a whole reply was expected, there may be an answer.
    let may_be_an_answer = matches!(text.first(), None | Some(b'{' | b'[' | b'"'))
        || [&b"data:"[..], b"event:", b"id:", b":"].iter().any(|field| text.starts_with(field));
    let (kind, message) = if may_be_an_answer {
        (ErrorKind::Decode, "the container's reply is invalid JSON")
    } else if is_html(text) {
        (ErrorKind::Decode, "a web page came back where the container should have answered")
    } else if std::str::from_utf8(text).is_err() {
        (ErrorKind::Decode, "the container's reply is not text")
    } else {
        (ErrorKind::ModelFailed, "the container wrote plain text where it should have answered JSON")
    };
    let error = Error::new(
        kind,
        format!(
            "{message} ({} bytes); check that the endpoint hosts the model you mean and answers `application/json`, and see its log",
            reply.len()
        ),
    )
    .with_source(NotJson::from(&error));
    if may_be_an_answer {
        return error;
    }
    let mut upstream = Upstream::default();
    upstream.original_message = Some(excerpt(&String::from_utf8_lossy(text)));
    error.with_upstream(upstream)
}

/// The shape of a JSON value, without any of its texts and numbers: what an error may show of an
/// unknown reply.
fn shape(value: &Value) -> String {
    let mut out = String::new();
    write_shape(value, 3, &mut out);
    out
}

fn write_shape(value: &Value, depth: usize, out: &mut String) {
    const MOST_KEYS: usize = 8;
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(_) => out.push_str("boolean"),
        Value::Number(_) => out.push_str("number"),
        Value::String(_) => out.push_str("string"),
        Value::Array(items) => {
            out.push('[');
            match items.first() {
                Some(first) if depth > 0 => write_shape(first, depth - 1, out),
                Some(_) => out.push_str("..."),
                None => {}
            }
            if items.len() > 1 {
                out.push_str(&format!(", ... {} in all", items.len()));
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            for (place, (key, value)) in object.iter().take(MOST_KEYS).enumerate() {
                if place > 0 {
                    out.push_str(", ");
                }
                out.push_str(&format!("{:?}: ", excerpt(key)));
                if depth > 0 { write_shape(value, depth - 1, out) } else { out.push_str("...") }
            }
            if object.len() > MOST_KEYS {
                out.push_str(", ...");
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_shows_no_text_and_no_number() {
        let value = serde_json::json!({"predictions": [{"secret": "text", "n": 5}, 2], "deep": {"a": {"b": {"c": 1}}}});
        assert_eq!(
            shape(&value),
            r#"{"predictions": [{"secret": string, "n": number}, ... 2 in all], "deep": {"a": {"b": {"c": ...}}}}"#
        );
    }

    #[test]
    fn what_is_no_json_is_told_apart_and_kept_for_the_operator() {
        for (text, kind, said) in [
            ("CUDA out of memory. Tried to allocate 20 MiB", ErrorKind::ModelFailed, Some("CUDA out of memory")),
            ("<!DOCTYPE html><html>proxy</html>", ErrorKind::Decode, Some("proxy")),
            ("{\"generated_text\": \"secret", ErrorKind::Decode, None),
            ("data: {\"token\": \"secret\"}", ErrorKind::Decode, None),
            ("", ErrorKind::Decode, None),
        ] {
            let error = unknown_reply(text.as_bytes(), "");
            let kept = error.upstream().and_then(|upstream| upstream.original_message.as_deref());
            assert_eq!(error.kind(), kind, "{text}");
            assert!(kept.unwrap_or_default().contains(said.unwrap_or_default()) && kept.is_some() == said.is_some());
            assert!(!error.to_string().contains("CUDA") && !error.to_string().contains("secret"), "{error}");
        }
    }
}
