//! What callers may see of what lies behind the proxy.
//!
//! Owns the rule: endpoints' real names, account ids, ARNs, URLs and upstream bodies are not shown, unless the operator says so.

use sagewire_types::Error;
use serde_json::{Map, Value};

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

    /// A message as callers may see it.
    pub(crate) fn message(&self, message: &str) -> String {
        let mut text = if self.expose_upstream { message.to_owned() } else { scrub(message) };
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

/// The text without ARNs, URLs and account ids.
fn scrub(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let word_begins = !clean.chars().next_back().is_some_and(is_word);
        if word_begins && let Some((length, shown)) = sensitive(rest) {
            clean.push_str(shown);
            rest = rest.get(length..).unwrap_or_default();
        } else {
            clean.push(next);
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
        }
    }
    clean
}

/// How long the sensitive word is that the text begins with, and what is shown in its place.
fn sensitive(text: &str) -> Option<(usize, &'static str)> {
    let token = || text.find(|c: char| c.is_whitespace() || "\"'`<>(),;".contains(c)).unwrap_or(text.len());
    if text.starts_with("arn:") {
        return Some((token(), "[arn]"));
    }
    if text.starts_with("https://") || text.starts_with("http://") {
        return Some((token(), "[url]"));
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let ends = !text.get(digits..).and_then(|rest| rest.chars().next()).is_some_and(is_word);
    (digits == 12 && ends).then_some((digits, "[account]"))
}

/// Replaces the name wherever it stands as a word of its own: `tgi` is not hidden inside `tgi-large`.
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

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_'
}

#[cfg(test)]
mod tests {
    use sagewire_types::{ErrorKind, Upstream};

    use super::*;

    #[test]
    fn arns_urls_and_accounts_are_not_shown() {
        let said = "Endpoint x of account 123456789012 not found: see https://console.aws.amazon.com/a?b=c or arn:aws:logs:us-east-1:123456789012:log-group:g. Limit 1234567890123.";
        assert_eq!(
            Disclosure::none().message(said),
            "Endpoint x of account [account] not found: see [url] or [arn] Limit 1234567890123."
        );
        assert_eq!(Disclosure { expose_upstream: true, ..Disclosure::none() }.message(said), said);
    }

    #[test]
    fn real_names_give_way_to_the_callers_own() {
        let names = [
            HiddenName { real: "sagemaker/llama-7b".to_owned(), shown: "gpt-4".to_owned() },
            HiddenName { real: "llama-7b".to_owned(), shown: "gpt-4".to_owned() },
        ];
        let disclosure = Disclosure { names: &names, ..Disclosure::none() };
        assert_eq!(
            disclosure.message("`sagemaker/llama-7b` is gone, and llama-7b too; llama-7b-large is not"),
            "`gpt-4` is gone, and gpt-4 too; llama-7b-large is not"
        );
        let open = Disclosure { expose_names: true, ..disclosure };
        assert_eq!(open.message("llama-7b"), "llama-7b");
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

    #[test]
    fn any_text_is_scrubbed_without_panic() {
        for text in ["", "é", "arn:", "https://", "123456789012", "日本123456789012", "x-arn:aws"] {
            let _ = scrub(text);
        }
        assert_eq!(scrub("123456789012"), "[account]");
        assert_eq!(scrub("(arn:aws:iam::1:x)"), "([arn])");
    }
}
