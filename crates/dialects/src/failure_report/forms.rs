//! The forms of reports: OpenAI's, vLLM's older one, FastAPI's `detail`, TGI's, DJL's and Triton's.
//!
//! Owns which fields of a report are which. FastAPI's and pydantic's errors quote the caller's
//! input beside the reason: it is never read.
//!
//! <https://fastapi.tiangolo.com/tutorial/handling-errors/>, <https://platform.openai.com/docs/guides/error-codes>

use serde_json::{Map, Value};

use super::pydantic;

/// What a report says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) reason: Option<String>,
    /// The type of the failure.
    pub(super) name: Option<String>,
    /// Its code, where that is a name.
    pub(super) code: Option<String>,
    /// Its code, where that is a status.
    pub(super) status: Option<u16>,
    pub(super) param: Option<String>,
}

/// Where containers write the reason, beside or inside `error`.
const REASONS: [&str; 6] = ["message", "details", "msg", "reason", "error_message", "errorMessage"];

/// Whether the value of `error` says that there is none.
pub(crate) fn is_absent(error: Option<&Value>) -> bool {
    match error {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Object(object)) => object.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::Number(code)) => code.as_f64() == Some(0.0),
        Some(Value::Bool(true)) => false,
    }
}

impl Words {
    /// The words of an object that is a report by itself.
    pub(super) fn of_report(report: &Map<String, Value>) -> Option<Self> {
        let outer = Self { status: status(report), code: code(report), ..Self::default() };
        let has_failed = outer.status.is_some_and(|status| status >= 400);
        let error = report.get("error").filter(|error| !is_absent(Some(error)));
        if let Some(error) = error {
            return Some(match error {
                Value::Object(inner) => {
                    let inner = Self::of_failed(inner).unwrap_or_else(|| Self::of_text(error.to_string()));
                    inner.or(outer)
                }
                Value::String(text) => {
                    let reason = match text_of(report, &["message"]) {
                        Some(message) if message != *text => format!("{message}: {text}"),
                        _ => text.clone(),
                    };
                    let name = text_of(report, &["error_type", "type"]);
                    Self { name, ..Self::of_text(reason) }.or(outer)
                }
                Value::Array(list) => Self::of_list(list).or(outer),
                other => Self::of_text(other.to_string()).or(outer),
            });
        }
        if let Some(words) = report.get("detail").and_then(Self::of_detail) {
            return Some(words.or(outer));
        }
        let is_report =
            report.get("object").and_then(Value::as_str) == Some("error") || has_failed || outer.code.is_some();
        if let Some(words) = is_report.then(|| Self::of_failed(report)).flatten() {
            return Some(words);
        }
        // DJL ends a failed stream so, if it knows no reason.
        (has_failed && report.contains_key("error")).then_some(outer)
    }

    /// The words of an object that is known to be about a failure.
    pub(super) fn of_failed(object: &Map<String, Value>) -> Option<Self> {
        let reason = text_of(object, &REASONS).map(Self::of_text);
        let detail = || object.get("detail").or_else(|| object.get("details")).and_then(Self::of_detail);
        let words = reason.or_else(detail)?;
        let own = Self {
            reason: None,
            name: text_of(object, &["type", "error_type"]),
            code: code(object),
            status: status(object),
            param: text_of(object, &["param"]),
        };
        Some(Self { param: own.param.clone().or(words.param), reason: words.reason, ..own })
    }

    /// A text, in which there may be a list of pydantic's errors.
    pub(super) fn of_text(text: String) -> Self {
        if let Some(Self { reason: Some(reason), param, .. }) = as_json(&text).or_else(|| pydantic::words(&text)) {
            return Self { reason: Some(reason), param, ..Self::default() };
        }
        Self { reason: Some(text).filter(|text| !text.trim().is_empty()), ..Self::default() }
    }

    /// FastAPI's `detail`: a text, a list of pydantic's errors, or an application's own object.
    fn of_detail(detail: &Value) -> Option<Self> {
        match detail {
            Value::String(text) if !text.is_empty() => Some(Self::of_text(text.clone())),
            Value::Array(list) if list.iter().any(|item| item.get("msg").is_some()) => Some(Self::of_list(list)),
            Value::Object(object) => Self::of_report(object).or_else(|| Self::of_failed(object)),
            _ => None,
        }
    }

    fn of_list(list: &[Value]) -> Self {
        let mut words = Self::default();
        let reasons = list.iter().filter_map(|item| {
            if let Value::String(text) = item {
                return Some(text.clone());
            }
            let reason = item.get("msg").and_then(Value::as_str)?;
            let path = item.get("loc").and_then(Value::as_array).map(|path| pydantic::path(path.iter().map(step)));
            words.add(path.filter(|path| !path.is_empty()), reason)
        });
        let reasons: Vec<String> = reasons.collect();
        words.reason = Some(reasons.join("; ")).filter(|reason| !reason.is_empty());
        words
    }

    /// Remembers the first parameter. Gives the reason with its place.
    pub(super) fn add(&mut self, path: Option<String>, reason: &str) -> Option<String> {
        let said = match &path {
            Some(path) => format!("{path}: {reason}"),
            None => reason.to_owned(),
        };
        self.param = self.param.take().or(path);
        Some(said)
    }

    fn or(self, other: Self) -> Self {
        Self {
            reason: self.reason.or(other.reason),
            name: self.name.or(other.name),
            code: self.code.or(other.code),
            status: self.status.or(other.status),
            param: self.param.or(other.param),
        }
    }
}

fn step(step: &Value) -> pydantic::LocationStep<'_> {
    match step {
        Value::String(name) => pydantic::LocationStep::Name(name),
        other => pydantic::LocationStep::Place(other.as_u64().unwrap_or_default()),
    }
}

/// vLLM passes the JSON of pydantic's errors on as its message.
fn as_json(text: &str) -> Option<Words> {
    if !text.trim_start().starts_with("[{") {
        return None;
    }
    let list: Vec<Value> = serde_json::from_str(text).ok()?;
    list.iter().any(|item| item.get("msg").is_some()).then(|| Words::of_list(&list))
}

fn text_of(object: &Map<String, Value>, names: &[&str]) -> Option<String> {
    let texts = names.iter().filter_map(|name| object.get(*name)?.as_str());
    texts.into_iter().find(|text| !text.is_empty()).map(str::to_owned)
}

fn codes(object: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    ["code", "status", "status_code", "http_status_code"].into_iter().filter_map(|name| object.get(name))
}

/// A status, in any form of a number.
fn status(object: &Map<String, Value>) -> Option<u16> {
    codes(object).find_map(|code| {
        let number = code.as_f64().or_else(|| code.as_str()?.parse().ok())?;
        (100..600).find(|status| f64::from(*status) == number)
    })
}

/// A code that is a name.
fn code(object: &Map<String, Value>) -> Option<String> {
    let code = object.get("code")?.as_str()?;
    (!code.is_empty() && code.parse::<f64>().is_err()).then(|| code.to_owned())
}
