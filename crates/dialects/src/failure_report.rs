//! What a container's own report of a failure means.
//!
//! Owns the reading of container texts and statuses, in replies, streams and inside AWS's `ModelError` alike. AWS's own errors are
//! read elsewhere.

use sagewire_types::{Error, ErrorKind, Upstream};
use serde::Deserialize;
use serde_json::Value;

/// Texts by which containers say that prompt and answer exceed the model's context, in lower case.
const CONTEXT_TOO_LONG: &[&str] = &[
    "must be <= ",
    "maximum context length",
    "maximum input length",
    "cannot be greater than max_model_len",
    "exceeds the model's max",
    "longer than the maximum model length",
    "input is too long",
    "too many tokens",
    "decoder prompt (length",
];

/// The parts of [`CONTEXT_TOO_LONG`] that say so only beside a word about length.
const LENGTH_WORDS: &[&str] = &["token", "length", "max_model_len"];

/// The kind of a container's failure, by its status where there is one, and by what it says.
#[must_use]
pub fn container_kind(status: Option<u16>, message: &str, error_type: Option<&str>) -> ErrorKind {
    let text = message.to_ascii_lowercase();
    if CONTEXT_TOO_LONG.iter().any(|mark| text.contains(mark)) && LENGTH_WORDS.iter().any(|word| text.contains(word)) {
        return ErrorKind::ContextTooLong;
    }
    match error_type {
        Some("overloaded") => return ErrorKind::Overloaded,
        Some("validation" | "template_error" | "tool_error" | "BadRequestError" | "invalid_request_error") => {
            return ErrorKind::InvalidRequest;
        }
        Some("NotFoundError") => return ErrorKind::NotFound,
        _ => {}
    }
    match status {
        Some(400 | 413 | 415 | 422) => ErrorKind::InvalidRequest,
        Some(404) => ErrorKind::NotFound,
        Some(429 | 503 | 529) => ErrorKind::Overloaded,
        // SageMaker reports a container that did not answer in time with the status 0.
        Some(0 | 408 | 504) => ErrorKind::Timeout,
        _ => ErrorKind::ModelFailed,
    }
}

/// The forms in which containers report failures: TGI's and DJL's flat one, OpenAI's nested one, and vLLM's older one.
#[derive(Debug, Deserialize)]
struct Report {
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    error_type: Option<String>,
    #[serde(default)]
    object: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    code: Option<Value>,
}

/// What a container said, out of its report; `None` where the text is no report of a failure.
#[derive(Debug, PartialEq, Eq)]
pub struct ContainerReport {
    /// The reason in words.
    pub message: String,
    /// The type or name that the container gives the failure.
    pub error_type: Option<String>,
    /// The status that the report itself names.
    pub status: Option<u16>,
}

/// Reads a container's report of a failure.
#[must_use]
pub fn read_report(text: &[u8]) -> Option<ContainerReport> {
    // A list is no report, though `serde` would read a struct from one.
    let report: Report = serde_json::from_slice(text).ok().filter(|_| text.trim_ascii_start().starts_with(b"{"))?;
    let status = |code: Option<&Value>| {
        let code = code?;
        code.as_u64().or_else(|| code.as_str()?.parse().ok()).and_then(|code| u16::try_from(code).ok())
    };
    match report.error {
        Some(Value::Object(error)) => Some(ContainerReport {
            message: error
                .get("message")
                .and_then(Value::as_str)
                .map_or_else(|| Value::Object(error.clone()).to_string(), str::to_owned),
            error_type: error.get("type").and_then(Value::as_str).map(str::to_owned),
            status: status(error.get("code")),
        }),
        Some(Value::Null) | None => {
            let is_report = report.object.as_deref() == Some("error") || report.code.is_some();
            let message = report.message.filter(|_| is_report)?;
            Some(ContainerReport { message, error_type: report.kind, status: status(report.code.as_ref()) })
        }
        Some(Value::String(error)) => Some(ContainerReport {
            message: match report.message {
                Some(message) if message != error => format!("{message}: {error}"),
                _ => error,
            },
            error_type: report.error_type,
            status: status(report.code.as_ref()),
        }),
        Some(other) => {
            Some(ContainerReport { message: other.to_string(), error_type: report.error_type, status: None })
        }
    }
}

/// The error for a container's report inside a reply or a stream that AWS itself calls a success.
pub(crate) fn reported_error(report: &ContainerReport) -> Error {
    let kind = container_kind(report.status, &report.message, report.error_type.as_deref());
    let upstream = upstream_of(report);
    Error::new(kind, format!("the container reports a failure: {}", excerpt(&report.message))).with_upstream(upstream)
}

/// The error for an answer that the container ended with an error and no reason.
pub(crate) fn failed_generation() -> Error {
    Error::new(
        ErrorKind::ModelFailed,
        "the container ended the answer with an error and gave no reason: see the endpoint's log",
    )
}

/// The error for a stream that ended without saying that its answer is whole.
pub(crate) fn unfinished() -> Error {
    Error::new(
        ErrorKind::StreamBroken,
        "the stream ended without its end mark: the answer so far is not whole. Ask again; if it happens every time, see the endpoint's log",
    )
}

/// The error for a stream that ended before anything was answered.
pub(crate) fn no_answer() -> Error {
    Error::new(
        ErrorKind::StreamBroken,
        "the stream ended before an answer began. Ask again; if it happens every time, see the endpoint's log",
    )
}

/// The error for a stream that ended inside a record.
pub(crate) fn cut_record(error: &serde_json::Error) -> Error {
    Error::new(
        ErrorKind::StreamBroken,
        "the stream ended inside a record: the answer so far is not whole. Ask again; if it happens every time, see the endpoint's log",
    )
    .with_source(NotJson::from(error))
}

/// Where a container's text stops being JSON. `serde_json`'s own error may quote the text, which is the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no valid JSON at line {line}, column {column}")]
pub(crate) struct NotJson {
    line: usize,
    column: usize,
}

impl From<&serde_json::Error> for NotJson {
    fn from(error: &serde_json::Error) -> Self {
        Self { line: error.line(), column: error.column() }
    }
}

fn upstream_of(report: &ContainerReport) -> Upstream {
    let mut upstream = Upstream::default();
    upstream.code.clone_from(&report.error_type);
    upstream.original_status = report.status;
    upstream.original_message = Some(report.message.clone());
    upstream
}

/// A container's text, cut to a length that a message can carry.
#[must_use]
pub fn excerpt(text: &str) -> String {
    const LONGEST: usize = 600;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The shape of a JSON value, without any of its texts and numbers: what an error may show of an unknown reply.
pub(crate) fn shape(value: &Value) -> String {
    fn write(value: &Value, depth: usize, out: &mut String) {
        match value {
            Value::Null => out.push_str("null"),
            Value::Bool(_) => out.push_str("boolean"),
            Value::Number(_) => out.push_str("number"),
            Value::String(_) => out.push_str("string"),
            Value::Array(items) => {
                out.push('[');
                match items.first() {
                    Some(first) if depth > 0 => write(first, depth - 1, out),
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
                for (place, (key, value)) in object.iter().take(8).enumerate() {
                    if place > 0 {
                        out.push_str(", ");
                    }
                    out.push_str(&format!("{:?}: ", excerpt(key)));
                    if depth > 0 { write(value, depth - 1, out) } else { out.push_str("...") }
                }
                if object.len() > 8 {
                    out.push_str(", ...");
                }
                out.push('}');
            }
        }
    }
    let mut out = String::new();
    write(value, 3, &mut out);
    out
}

/// The error for a reply that is JSON of a shape nobody knows, or no JSON at all. `advice` says how to choose another reader.
pub(crate) fn unknown_reply(reply: &[u8], advice: &str) -> Error {
    match serde_json::from_slice::<Value>(reply) {
        Ok(value) => Error::new(
            ErrorKind::Decode,
            format!("the container's reply has a shape that is not known: {}. {advice}", shape(&value)),
        ),
        Err(error) => Error::new(
            ErrorKind::Decode,
            format!(
                "the container's reply is no JSON ({} bytes): check that the endpoint hosts the model you mean and answers \
                 `application/json`",
                reply.len()
            ),
        )
        .with_source(NotJson::from(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_report_is_read() {
        let cases: &[(&str, &str, Option<&str>, Option<u16>)] = &[
            (
                r#"{"error":"Model is overloaded","error_type":"overloaded"}"#,
                "Model is overloaded",
                Some("overloaded"),
                None,
            ),
            (r#"{"error":"boom","code":424}"#, "boom", None, Some(424)),
            (
                r#"{"code":424,"message":"invoke handler failure","error":"x"}"#,
                "invoke handler failure: x",
                None,
                Some(424),
            ),
            (
                r#"{"error":{"message":"no","type":"BadRequestError","param":null,"code":400}}"#,
                "no",
                Some("BadRequestError"),
                Some(400),
            ),
            (
                r#"{"object":"error","message":"no","type":"NotFoundError","param":null,"code":404}"#,
                "no",
                Some("NotFoundError"),
                Some(404),
            ),
            (r#"{"code":400,"type":"TranslateException","message":"m"}"#, "m", Some("TranslateException"), Some(400)),
        ];
        for (text, message, error_type, status) in cases {
            let report = read_report(text.as_bytes()).unwrap();
            assert_eq!(
                (report.message.as_str(), report.error_type.as_deref(), report.status),
                (*message, *error_type, *status)
            );
        }
        for text in [r#"{"generated_text":"hi"}"#, r#"{"error":null,"message":"hi"}"#, "[]", r#"["boom"]"#, "no json"] {
            assert_eq!(read_report(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_context_that_is_too_long_is_told_from_other_refusals() {
        for text in [
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3000",
            "This model's maximum context length is 128 tokens. However, you requested 4000 tokens",
            "max_tokens=4000 cannot be greater than max_model_len=128. Please request fewer output tokens.",
        ] {
            assert_eq!(container_kind(Some(422), text, Some("validation")), ErrorKind::ContextTooLong, "{text}");
        }
        let text = "Input validation error: `best_of` must be > 0 and <= 2. Given: 3";
        assert_eq!(container_kind(Some(422), text, Some("validation")), ErrorKind::InvalidRequest);
    }

    #[test]
    fn a_shape_shows_no_text_and_no_number() {
        let value = serde_json::json!({"predictions": [{"secret": "text", "n": 5}, 2], "deep": {"a": {"b": {"c": 1}}}});
        assert_eq!(
            shape(&value),
            r#"{"predictions": [{"secret": string, "n": number}, ... 2 in all], "deep": {"a": {"b": {"c": ...}}}}"#
        );
    }
}
