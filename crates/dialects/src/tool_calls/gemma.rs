//! Gemma 4's calls: `name{key:value,...}`, in which strings stand between marks of their own and
//! keys without quotes.
//!
//! <https://ai.google.dev/gemma/docs/capabilities/text/function-calling-gemma4>

use serde_json::Value;

use super::{
    ToolCallReading,
    block::Call,
    members::{self, DEEPEST},
};

/// What begins and ends a string.
const QUOTE: &str = "<|\"|>";

pub(super) fn calls(body: &str, _: &ToolCallReading) -> Option<Vec<Call>> {
    let (name, _) = body.split_once('{')?;
    let (arguments, rest) = object(body.get(name.len()..)?, DEEPEST)?;
    let name = name.trim();
    (rest.trim().is_empty() && !name.is_empty()).then(|| vec![Call { name: name.to_owned(), arguments }])
}

/// The object at the beginning of a text as JSON, and what follows.
fn object(text: &str, depth: usize) -> Option<(String, &str)> {
    members::object(text.strip_prefix('{')?, '}', |rest| {
        let (key, behind) = match rest.strip_prefix(QUOTE) {
            Some(quoted) => {
                let (key, behind) = quoted.split_once(QUOTE)?;
                (key, behind.trim_start().strip_prefix(':')?)
            }
            None => rest.split_once(':')?,
        };
        let (json, behind) = value(behind.trim_start(), depth)?;
        Some((key.trim(), json, behind))
    })
}

fn value(text: &str, depth: usize) -> Option<(String, &str)> {
    let depth = depth.checked_sub(1)?;
    if let Some(quoted) = text.strip_prefix(QUOTE) {
        let (string, rest) = quoted.split_once(QUOTE)?;
        return Some((Value::from(string).to_string(), rest));
    }
    match text.bytes().next()? {
        b'{' => object(text, depth),
        b'[' => members::list(text.get(1..)?, |item| value(item, depth)),
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
