//! What a container reports when it fails.
//!
//! Owns the reading of reports in every form, in a status, in a reply, in a stream and inside AWS's
//! `ModelError` alike, and what kind of failure they mean. AWS's own errors are read elsewhere.

use sagewire_types::{Error, ErrorKind, Upstream, json};
use serde_json::Value;

use self::forms::Words;

mod errors;
mod forms;
mod kind;
mod pydantic;

pub(crate) use errors::{cut_record, failed_generation, no_answer, unfinished, unknown_reply};
pub(crate) use forms::is_absent;

/// A container's report of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailureReport {
    /// What the failure means.
    pub kind: ErrorKind,
    /// The reason in words, out of a report in a known form; `None` if the container gave none, or
    /// wrote something else.
    pub reason: Option<String>,
    /// What the container calls the failure: its type, else its code.
    pub name: Option<String>,
    /// The status that the container answered with, or that the report names.
    pub status: Option<u16>,
    /// The path of the parameter at fault, such as `messages[0].content`.
    pub param: Option<String>,
    /// What the report looks like.
    pub form: ReportForm,
}

/// What a report looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportForm {
    /// JSON in a form that containers report failures in.
    Known,
    /// Any other JSON.
    OtherJson,
    /// A web page.
    Html,
    /// Plain text, which may be anything: a message, or the trace of an exception.
    Text,
    /// Nothing.
    Empty,
}

impl FailureReport {
    /// Reads a reply or a record that may be a report; `None` if it is none.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let value: Value = json::from_reply(text).ok()?;
        let words = Words::of_report(value.as_object()?)?;
        Some(Self::of_words(words, None))
    }

    /// Reads the data of an event that is named `error`: a report in whatever form.
    pub(crate) fn in_error_event(text: &[u8]) -> Self {
        Self::read(text).unwrap_or_else(|| {
            let words = Words::of_text(String::from_utf8_lossy(text.trim_ascii()).into_owned());
            Self { form: ReportForm::Text, ..Self::of_words(words, None) }
        })
    }

    /// Reads the body of a reply whose status says that the container failed.
    #[must_use]
    pub fn of_status(status: u16, body: &[u8]) -> Self {
        let text = body.trim_ascii();
        let form = match json::from_reply::<Value>(text) {
            Ok(Value::Object(object)) => match Words::of_report(&object).or_else(|| Words::of_failed(&object)) {
                Some(words) => return Self::of_words(words, Some(status)),
                None => ReportForm::OtherJson,
            },
            Ok(Value::String(reason)) if !reason.is_empty() => {
                return Self::of_words(Words::of_text(reason), Some(status));
            }
            Ok(_) => ReportForm::OtherJson,
            Err(_) if text.is_empty() => ReportForm::Empty,
            Err(_) if is_html(text) => ReportForm::Html,
            Err(_) => ReportForm::Text,
        };
        let said = if form == ReportForm::Text { String::from_utf8_lossy(text) } else { "".into() };
        let kind = kind::of(Some(status), &said, None, None);
        Self { kind, reason: None, name: None, status: Some(status), param: None, form }
    }

    fn of_words(words: Words, status: Option<u16>) -> Self {
        let Words { reason, name, code, status: named, param } = words;
        let status = status.or(named);
        // What names a parameter is about the request, also where no status says so.
        let judged = status.or(param.as_ref().map(|_| 400));
        let kind = kind::of(judged, reason.as_deref().unwrap_or_default(), name.as_deref(), code.as_deref());
        Self { kind, reason, name: name.or(code), status, param, form: ReportForm::Known }
    }

    /// The error for a report inside a reply or a stream that is itself a success.
    #[must_use]
    pub fn into_error(self) -> Error {
        let message = match &self.reason {
            Some(reason) => format!("the container reports a failure: {}", excerpt(reason)),
            None => "the container reports a failure and gives no reason; see the endpoint's log".to_owned(),
        };
        let mut upstream = Upstream::default();
        upstream.code = self.name;
        upstream.original_status = self.status;
        upstream.original_message.clone_from(&self.reason);
        upstream.reason = self.reason;
        let error = Error::new(self.kind, message).with_upstream(upstream);
        match self.param {
            Some(param) => error.with_param(param),
            None => error,
        }
    }
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

fn is_html(text: &[u8]) -> bool {
    let beginning = text.get(..text.len().min(256)).unwrap_or_default().to_ascii_lowercase();
    beginning.starts_with(b"<")
        && [&b"<!doctype html"[..], b"<html"].iter().any(|tag| memchr::memmem::find(&beginning, tag).is_some())
}

#[cfg(test)]
mod tests;
