//! The calls of Gemma 4 and FunctionGemma: `name{key:value,...}`, in which strings are between marks
//! and keys have no quotes.
//!
//! <https://ai.google.dev/gemma/docs/capabilities/text/function-calling-gemma4>,
//! <https://ai.google.dev/gemma/docs/functiongemma/formatting-and-best-practices>

use serde_json::Value;

use super::{
    ToolCallReading,
    block::Call,
    members::{self, DEEPEST},
};

/// What begins and ends a string of Gemma 4.
pub(super) const QUOTE: &str = "<|\"|>";

/// What begins and ends a string of FunctionGemma.
pub(super) const ESCAPE: &str = "<escape>";

pub(super) fn calls(body: &str, _: &ToolCallReading) -> Option<Vec<Call>> {
    call(body, QUOTE)
}

pub(super) fn escaped_calls(body: &str, _: &ToolCallReading) -> Option<Vec<Call>> {
    call(body, ESCAPE)
}

fn call(body: &str, quote: &str) -> Option<Vec<Call>> {
    let (name, _) = body.split_once('{')?;
    let (arguments, rest) = object(body.get(name.len()..)?, quote, DEEPEST)?;
    let name = name.trim();
    (rest.trim().is_empty() && !name.is_empty()).then(|| vec![Call { name: name.to_owned(), arguments }])
}

/// The object at the beginning of a text as JSON, and what follows.
fn object<'a>(text: &'a str, quote: &str, depth: usize) -> Option<(String, &'a str)> {
    members::object(text.strip_prefix('{')?, '}', |rest| {
        let (key, behind) = match rest.strip_prefix(quote) {
            Some(quoted) => {
                let (key, behind) = quoted.split_once(quote)?;
                (key, behind.trim_start().strip_prefix(':')?)
            }
            None => rest.split_once(':')?,
        };
        let (json, behind) = value(behind.trim_start(), quote, depth)?;
        Some((key.trim(), json, behind))
    })
}

fn value<'a>(text: &'a str, quote: &str, depth: usize) -> Option<(String, &'a str)> {
    let depth = depth.checked_sub(1)?;
    if let Some(quoted) = text.strip_prefix(quote) {
        let (string, rest) = quoted.split_once(quote)?;
        return Some((Value::from(string).to_string(), rest));
    }
    match text.bytes().next()? {
        b'{' => object(text, quote, depth),
        b'[' => members::list(text.get(1..)?, |item| value(item, quote, depth)),
        _ => {
            let (word, rest) = text.split_at(text.find([',', '}', ']'])?);
            let word = word.trim();
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(word).is_ok();
            // A word without quotes can only be meant as one.
            let json = if is_json { word.to_owned() } else { Value::from(word).to_string() };
            Some((json, rest))
        }
    }
}
