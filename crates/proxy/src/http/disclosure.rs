//! What callers may see of what lies behind the proxy.
//!
//! Owns the rule. Endpoints' real names, account ids, ARNs, URLs, hosts and paths are not shown. Of
//! what a container said, only the reason of a refusal (a status from 400 to 499) is, if it comes
//! in a form that is known to hold one: plain text, web pages, tracebacks and whatever comes with a
//! 5xx may hold anything. The operator reads all of it in the log, and may show it with
//! `expose_upstream_errors`.

use std::borrow::Cow;

use sagewire_types::{Error, ErrorKind, Upstream};
use serde_json::{Map, Value};

use super::scrub::scrub;

/// The longest reason of a container that is shown, in characters.
const LONGEST_REASON: usize = 600;

/// So many bytes of a message in a row that a container said too make the message the container's.
const QUOTATION: usize = 12;

/// The rule for one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disclosure<'a> {
    /// Real names, each with what callers call it.
    pub(crate) names: &'a [HiddenName],
    pub(crate) expose_upstream: bool,
    pub(crate) expose_names: bool,
}

/// A name that callers do not see, and what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HiddenName {
    pub(crate) real: String,
    pub(crate) shown: String,
}

impl Disclosure<'_> {
    /// Shows no more than a message's own words.
    pub(crate) const fn none() -> Self {
        Self { names: &[], expose_upstream: false, expose_names: false }
    }

    /// A failure as callers may see it.
    pub(crate) fn message(&self, error: &Error) -> String {
        if self.expose_upstream {
            return self.named(error.message().to_owned());
        }
        let said = error.upstream().map(Said::of).unwrap_or_default();
        let own =
            if said.is_quoted_by(error.message()) { sentence(error.kind()).into() } else { Cow::from(error.message()) };
        let mut shown = scrub(&own);
        if let Some(reason) = said.reason.filter(|_| is_refusal(error)) {
            let separator = if shown.ends_with(['.', ':']) { " " } else { ": " };
            shown.push_str(separator);
            shown.push_str(&cut(&scrub(&reason)));
        }
        self.named(shown)
    }

    /// The text with the callers' names in place of the real ones.
    fn named(&self, mut text: String) -> String {
        if !self.expose_names {
            for name in self.names {
                text = replace_word(&text, &name.real, &name.shown);
            }
        }
        text
    }

    /// What AWS and the container said, where callers may see it.
    pub(crate) fn upstream(&self, error: &Error) -> Option<Value> {
        let upstream = error.upstream().filter(|_| self.expose_upstream)?;
        let mut shown = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                shown.insert(name.to_owned(), value);
            }
        };
        put("status", upstream.status.map(Value::from));
        put("code", upstream.code.clone().map(Value::from));
        put("message", upstream.message.clone().map(Value::from));
        put("original_status", upstream.original_status.map(Value::from));
        put("original_message", upstream.original_message.clone().map(Value::from));
        put("log_stream_arn", upstream.log_stream_arn.clone().map(Value::from));
        Some(Value::Object(shown))
    }
}

/// Whether the container refused the request, as opposed to having failed.
fn is_refusal(error: &Error) -> bool {
    match error.upstream().and_then(|upstream| upstream.original_status) {
        Some(status) => (400..500).contains(&status),
        // A report within a reply may have no status: its kind tells.
        None => matches!(error.kind(), ErrorKind::InvalidRequest | ErrorKind::ContextTooLong),
    }
}

/// What a container said.
#[derive(Debug, Default)]
struct Said {
    /// Its texts, as they came and as they were read.
    texts: Vec<String>,
    /// Its reason, if it comes in a known form.
    reason: Option<String>,
}

impl Said {
    fn of(upstream: &Upstream) -> Self {
        let mut texts = Vec::new();
        let mut reason = None;
        let body = upstream.body.as_deref().filter(|_| upstream.original_message.is_some());
        let body = body.map(String::from_utf8_lossy);
        for text in upstream.original_message.as_deref().into_iter().chain(body.as_deref()) {
            if let Ok(Value::Object(report)) = serde_json::from_str(text) {
                let found = known_reason(&report);
                texts.extend(found.clone());
                reason = reason.or(found);
            }
            texts.push(text.to_owned());
        }
        // A report that was found within a reply has been read already.
        if reason.is_none() && upstream.status.is_none() {
            reason = upstream.original_message.as_deref().and_then(one_line);
        }
        Self { texts, reason }
    }

    /// Whether a part of what the container said is in this message.
    fn is_quoted_by(&self, message: &str) -> bool {
        self.texts.iter().any(|said| {
            let said = said.as_bytes();
            let whole =
                !said.is_empty() && said.len() <= QUOTATION && memchr::memmem::find(message.as_bytes(), said).is_some();
            whole || message.as_bytes().windows(QUOTATION).any(|part| memchr::memmem::find(said, part).is_some())
        })
    }
}

/// The reason in a report of OpenAI's form (vLLM and others), of TGI's and LMI's, or of FastAPI's.
fn known_reason(report: &Map<String, Value>) -> Option<String> {
    let text = |value: &Value| value.as_str().and_then(one_line);
    if let Some(error) = report.get("error") {
        return match error {
            Value::Object(error) => text(error.get("message")?),
            other => text(other),
        };
    }
    match report.get("detail") {
        Some(Value::Array(details)) => details.iter().find_map(|detail| {
            let place = detail.get("loc").and_then(Value::as_array).map(|place| {
                place
                    .iter()
                    .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
                    .collect::<Vec<_>>()
            });
            let reason = text(detail.get("msg")?)?;
            Some(place.map_or_else(|| reason.clone(), |place| format!("{}: {reason}", place.join("."))))
        }),
        Some(detail) => text(detail),
        None => {
            let is_report = report.get("object").is_some_and(|object| object == "error") || report.contains_key("code");
            text(report.get("message").filter(|_| is_report)?)
        }
    }
}

/// The first line, unless a traceback begins there.
fn one_line(text: &str) -> Option<String> {
    let line = text.trim().lines().next()?.trim();
    (!line.is_empty() && !text.contains("Traceback (most recent call last)") && !line.starts_with('<'))
        .then(|| line.to_owned())
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// What is said in place of a message that quotes a container.
fn sentence(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::Unsupported => "the model's container refused the request",
        ErrorKind::ContextTooLong => "prompt and answer are too long for the model; shorten one of them",
        ErrorKind::NotFound => "the model's container does not know what the request names",
        ErrorKind::Overloaded => "the model's container is overloaded; retry later",
        ErrorKind::Timeout => "the model's container did not answer in time; stream the answer or request fewer tokens",
        _ => "the model's container failed; the proxy's log has the details under this request's id",
    }
}

/// Replaces the name wherever it stands as a word of its own: `tgi` is not hidden inside
/// `tgi-large`.
fn replace_word(text: &str, real: &str, shown: &str) -> String {
    if real.is_empty() || real == shown {
        return text.to_owned();
    }
    let mut replaced = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in text.match_indices(real) {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + real.len()..).and_then(|after| after.chars().next());
        let inside = |c: Option<char>| c.is_some_and(is_word);
        if inside(before) || inside(after) {
            continue;
        }
        replaced.push_str(text.get(from..at).unwrap_or_default());
        replaced.push_str(shown);
        from = at + real.len();
    }
    replaced.push_str(text.get(from..).unwrap_or_default());
    replaced
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_'
}

#[cfg(test)]
mod tests {
    use sagewire_types::{ErrorKind, Upstream};

    use super::*;

    #[test]
    fn arns_urls_and_accounts_are_not_shown() {
        let said = "Endpoint x of account 123456789012 not found: see https://console.aws.amazon.com/a?b=c or arn:aws:logs:us-east-1:123456789012:log-group:g. Limit 1234567890123.";
        let error = Error::new(ErrorKind::NotFound, said);
        assert_eq!(
            Disclosure::none().message(&error),
            "Endpoint x of account [account] not found: see [url] or [arn] Limit 1234567890123."
        );
        assert_eq!(Disclosure { expose_upstream: true, ..Disclosure::none() }.message(&error), said);
    }

    #[test]
    fn real_names_give_way_to_the_callers_own() {
        let names = [
            HiddenName { real: "sagemaker/llama-7b".to_owned(), shown: "gpt-4".to_owned() },
            HiddenName { real: "llama-7b".to_owned(), shown: "gpt-4".to_owned() },
        ];
        let disclosure = Disclosure { names: &names, ..Disclosure::none() };
        assert_eq!(
            disclosure.message(&Error::new(
                ErrorKind::NotFound,
                "`sagemaker/llama-7b` is gone, and llama-7b too; llama-7b-large is not"
            )),
            "`gpt-4` is gone, and gpt-4 too; llama-7b-large is not"
        );
        let open = Disclosure { expose_names: true, ..disclosure };
        assert_eq!(open.message(&Error::new(ErrorKind::NotFound, "llama-7b")), "llama-7b");
    }

    #[test]
    fn what_the_container_said_is_shown_only_where_configured() {
        let mut upstream = Upstream::default();
        upstream.original_message = Some("CUDA out of memory".to_owned());
        let error = Error::new(ErrorKind::ModelFailed, "x").with_upstream(upstream);
        assert_eq!(Disclosure::none().upstream(&error), None);
        let open = Disclosure { expose_upstream: true, ..Disclosure::none() };
        assert_eq!(open.upstream(&error).unwrap()["original_message"], "CUDA out of memory");
    }

    /// A failure as the provider tells it, quoting what the container said with this status.
    fn quoting(kind: ErrorKind, status: Option<u16>, said: &str) -> Error {
        let mut upstream = Upstream::default();
        upstream.status = Some(424);
        upstream.original_status = status;
        upstream.original_message = Some(said.to_owned());
        Error::new(kind, format!("the model's container failed: {said}. See the endpoint's log"))
            .with_upstream(upstream)
    }

    #[test]
    fn the_reason_of_a_refusal_in_a_known_form_is_shown_in_one_clean_line() {
        for (said, reason) in [
            (
                r#"{"error":{"message":"max_tokens must be at least 1","type":"BadRequestError"}}"#,
                "max_tokens must be at least 1",
            ),
            (
                r#"{"error":"Input validation error: `inputs` must have less than 4096 tokens","error_type":"validation"}"#,
                "Input validation error: `inputs` must have less than 4096 tokens",
            ),
            (r#"{"error":"bad value","code":400}"#, "bad value"),
            (r#"{"object":"error","message":"no such role\nsecond line","code":400}"#, "no such role"),
            (r#"{"detail":"Not a number"}"#, "Not a number"),
            (r#"{"detail":[{"loc":["body","messages",0],"msg":"field required"}]}"#, "body.messages.0: field required"),
            (
                r#"{"error":"see /opt/ml/model/config.json on 10.0.3.7:8080 (s3://bucket-123456789012/x)"}"#,
                "see [path] on [host] ([url])",
            ),
        ] {
            let shown = Disclosure::none().message(&quoting(ErrorKind::InvalidRequest, Some(400), said));
            assert_eq!(shown, format!("the model's container refused the request: {reason}"));
        }
        let long = serde_json::json!({ "error": "x".repeat(1000) }).to_string();
        let shown = Disclosure::none().message(&quoting(ErrorKind::InvalidRequest, Some(422), &long));
        assert!(shown.len() < 700 && shown.ends_with("..."), "{shown}");
    }

    #[test]
    fn plain_text_pages_tracebacks_and_failures_are_not_shown() {
        let traceback =
            "Traceback (most recent call last):\n  File \"/opt/app.py\", line 3\nValueError: password=hunter2";
        let in_json = serde_json::json!({ "error": traceback }).to_string();
        for (kind, status, said) in [
            (ErrorKind::InvalidRequest, 400, "password=hunter2"),
            (ErrorKind::InvalidRequest, 400, "hunter2"),
            (ErrorKind::InvalidRequest, 422, traceback),
            (ErrorKind::InvalidRequest, 400, &in_json),
            (ErrorKind::InvalidRequest, 400, "<html><body>hunter2 is the password</body></html>"),
            (ErrorKind::ModelFailed, 500, r#"{"error":"password=hunter2"}"#),
            (ErrorKind::Overloaded, 503, r#"{"error":{"message":"password=hunter2"}}"#),
        ] {
            let error = quoting(kind, Some(status), said);
            let shown = Disclosure::none().message(&error);
            assert!(!shown.contains("hunter2") && !shown.contains("app.py"), "{status} {said}: {shown}");
            assert!(shown.starts_with("the model's container"), "{shown}");
            let open = Disclosure { expose_upstream: true, ..Disclosure::none() };
            assert!(open.message(&error).contains("hunter2"));
        }
    }
}
