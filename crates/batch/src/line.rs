//! One line of an input: a request, in [OpenAI's form](https://platform.openai.com/docs/api-reference/batch/request-input).
//!
//! Owns what a line must have, and what is said of one that has it not. No message quotes the line.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::Endpoint;

/// The longest `custom_id` in bytes.
const LONGEST_ID: usize = 512;

/// One request of a batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Line {
    /// The caller's name for the request, unique within its batch.
    pub custom_id: String,
    /// The route that it asks.
    pub endpoint: Endpoint,
    /// The body, a JSON object, as it was written.
    pub body: Box<RawValue>,
}

/// What is wrong with a line, or with a whole input: an entry of a batch's `errors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Problem {
    /// What kind of mistake it is, such as `invalid_json_line`.
    pub code: String,
    /// What is wrong and what to do.
    pub message: String,
    /// The key at fault.
    #[serde(default)]
    pub param: Option<String>,
    /// The line, from 1.
    #[serde(default)]
    pub line: Option<u64>,
}

impl Problem {
    pub(crate) fn new(code: &str, param: Option<&str>, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), param: param.map(str::to_owned), line: None }
    }

    /// Says which line it is about, by its number from 0.
    pub(crate) fn at(mut self, number: u64) -> Self {
        self.line = Some(number + 1);
        self
    }
}

/// The line as it is written. What has another type than expected is told apart from what is
/// missing.
#[derive(Deserialize)]
struct LineForm<'a> {
    custom_id: Option<Value>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    url: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// The text of a JSON string; nothing for other values.
fn text_of(value: &RawValue) -> Option<Cow<'_, str>> {
    let written = value.get();
    let plain = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match plain.filter(|text| !text.contains('\\')) {
        Some(text) => Some(Cow::Borrowed(text)),
        None => serde_json::from_str(written).ok().map(Cow::Owned),
    }
}

impl Line {
    /// Reads a line, which must ask `endpoint` if one is given.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &[u8], endpoint: Option<Endpoint>) -> Result<Self, Problem> {
        let written: LineForm<'_> = serde_json::from_slice(text).map_err(|error| {
            // The error's own text may quote the line.
            let message = format!("invalid JSON object (column {}); write one request on each line", error.column());
            Problem::new("invalid_json_line", None, message)
        })?;
        let Some(custom_id) = written.custom_id else { return Err(missing("custom_id", "a string")) };
        let Value::String(custom_id) = custom_id else { return Err(invalid("custom_id", "expected a string")) };
        if custom_id.is_empty() || custom_id.len() > LONGEST_ID {
            return Err(invalid("custom_id", &format!("expected 1 to {LONGEST_ID} bytes")));
        }
        match written.method {
            None => return Err(missing("method", "`POST`")),
            Some(method) if text_of(method).is_some_and(|method| method == "POST") => {}
            Some(_) => return Err(Problem::new("invalid_method", Some("method"), "invalid `method`: expected `POST`")),
        }
        let Some(url) = written.url else { return Err(missing("url", "the path of the request")) };
        let asked = text_of(url).and_then(|url| url.parse::<Endpoint>().ok());
        let endpoint = match (asked, endpoint) {
            (None, _) => {
                let message = format!("invalid `url`: {}", crate::endpoint::UnknownEndpoint);
                return Err(Problem::new("invalid_url", Some("url"), message));
            }
            (Some(asked), Some(endpoint)) if asked != endpoint => {
                let message =
                    format!("`url` is `{asked}`, and the batch's `endpoint` is `{endpoint}`; they must be equal");
                return Err(Problem::new("mismatched_url", Some("url"), message));
            }
            (Some(asked), _) => asked,
        };
        match written.body {
            None => Err(missing("body", "a JSON object")),
            Some(body) if !body.get().starts_with('{') => Err(invalid("body", "expected a JSON object")),
            Some(body) => Ok(Self { custom_id, endpoint, body: body.to_owned() }),
        }
    }
}

fn missing(param: &str, expected: &str) -> Problem {
    Problem::new("missing_required_parameter", Some(param), format!("missing `{param}`; add {expected}"))
}

fn invalid(param: &str, expected: &str) -> Problem {
    Problem::new("invalid_value", Some(param), format!("invalid `{param}`: {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_openais_example_is_read_and_its_body_stays_as_it_is() {
        let text = br#"{"custom_id": "request-1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "seed": 12345678901234567890123}}"#;
        let line = Line::parse(text, Some(Endpoint::ChatCompletions)).unwrap();
        assert_eq!((line.custom_id.as_str(), line.endpoint), ("request-1", Endpoint::ChatCompletions));
        assert_eq!(line.body.get(), r#"{"model": "m", "seed": 12345678901234567890123}"#);
    }

    #[test]
    fn each_mistake_is_named_and_the_line_is_not_shown() {
        let long = format!(r#"{{"custom_id":"{}"}}"#, "x".repeat(513));
        for (text, code, param) in [
            ("{secret", "invalid_json_line", None),
            (r#""secret""#, "invalid_json_line", None),
            ("[1]", "invalid_json_line", None),
            ("{}", "missing_required_parameter", Some("custom_id")),
            (r#"{"custom_id":7}"#, "invalid_value", Some("custom_id")),
            (r#"{"custom_id":""}"#, "invalid_value", Some("custom_id")),
            (&long, "invalid_value", Some("custom_id")),
            (r#"{"custom_id":"a"}"#, "missing_required_parameter", Some("method")),
            (r#"{"custom_id":"a","method":"GET"}"#, "invalid_method", Some("method")),
            (r#"{"custom_id":"a","method":"POST"}"#, "missing_required_parameter", Some("url")),
            (r#"{"custom_id":"a","method":"POST","url":"/secret"}"#, "invalid_url", Some("url")),
            (r#"{"custom_id":"a","method":"POST","url":"/v1/embeddings"}"#, "mismatched_url", Some("url")),
            (
                r#"{"custom_id":"a","method":"POST","url":"/v1/completions"}"#,
                "missing_required_parameter",
                Some("body"),
            ),
            (
                r#"{"custom_id":"a","method":"POST","url":"/v1/completions","body":"secret"}"#,
                "invalid_value",
                Some("body"),
            ),
            (r#"{"custom_id":"a","method":7}"#, "invalid_method", Some("method")),
            (r#"{"custom_id":"a","method":"POST","url":["secret"]}"#, "invalid_url", Some("url")),
            (r#"{"custom_id":"a","custom_id":"b"}"#, "invalid_json_line", None),
        ] {
            let problem = Line::parse(text.as_bytes(), Some(Endpoint::Completions)).unwrap_err();
            assert_eq!((problem.code.as_str(), problem.param.as_deref()), (code, param), "{text}");
            assert!(!problem.message.contains("secret"), "{problem:?}");
        }
        for url in ["/v1/embeddings", r"\/v1\u002fembeddings"] {
            let text = format!(r#"{{"custom_id":"a","method":"P\u004fST","url":"{url}","body":{{}}}}"#);
            assert_eq!(Line::parse(text.as_bytes(), None).unwrap().endpoint, Endpoint::Embeddings);
        }
    }
}
