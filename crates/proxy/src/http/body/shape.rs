//! What a body's JSON is made of, before it is parsed.
//!
//! Owns the limits that bound what parsing may cost: how deep it is nested and how many values it
//! has for its length. A value of two bytes may take two hundred in memory. Keys that are there
//! twice are refused here too, since only one of them could count.

use std::{borrow::Cow, collections::HashSet};

use http::StatusCode;

use super::super::error::ApiError;
use crate::limits::Limits;

/// So many values are taken whatever the length of the body.
const FREE_VALUES: usize = 2_800;

/// What a value weighs beside a token id: an id takes four bytes wherever it is held on its way.
const VALUE: usize = 20;

/// Checks a body against the limits. `token_ids` is the parameter that may be lists of token ids.
/// Text that is not JSON passes: the parser says what is wrong with it.
pub(super) fn check(bytes: &[u8], limits: &Limits, token_ids: Option<&str>) -> Result<(), ApiError> {
    let most = FREE_VALUES.saturating_add((bytes.len() / 1024).saturating_mul(limits.json_values_per_kib));
    // Room for the parameters that a request usually has.
    let mut keys = HashSet::with_capacity(12);
    let mut weight = 0_usize;
    let is_token_ids = |parameter: &[u8]| token_ids.is_some_and(|name| name.as_bytes() == parameter);
    let mut depth = 0_usize;
    // The last text of the outermost object; before a list or an object it is its key.
    let mut outermost: &[u8] = &[];
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let end = end_of_text(bytes, at);
                if depth == 1 {
                    let text = bytes.get(at..end.saturating_sub(1)).unwrap_or_default();
                    outermost = text;
                    if next(bytes, end) == Some(b':') && !keys.insert(unescaped(text)) {
                        return Err(duplicate(&unescaped(text)));
                    }
                }
                at = end;
            }
            b'[' | b'{' => {
                depth += 1;
                if depth > limits.json_depth {
                    return Err(too_deep(limits.json_depth));
                }
                weight += weight_of(next(bytes, at), depth > 1 && is_token_ids(outermost));
            }
            b',' => weight += weight_of(next(bytes, at), depth > 1 && is_token_ids(outermost)),
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if weight / VALUE > most {
            return Err(too_many(limits.json_values_per_kib));
        }
    }
    Ok(())
}

/// What the value weighs that begins with this byte.
fn weight_of(first: Option<u8>, may_be_token_id: bool) -> usize {
    match first {
        Some(b']' | b'}') | None => 0,
        Some(b'0'..=b'9') if may_be_token_id => 1,
        Some(_) => VALUE,
    }
}

/// A key as it is meant. Most are written without an escape.
fn unescaped(key: &[u8]) -> Cow<'_, [u8]> {
    if !key.contains(&b'\\') {
        return key.into();
    }
    let quoted = [b"\"", key, b"\""].concat();
    serde_json::from_slice::<String>(&quoted).map_or(key.into(), |text| text.into_bytes().into())
}

/// The next byte that is not white space.
fn next(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at..)?.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// The place behind the quotation mark that ends the text which begins here. Most of a large body
/// is text.
fn end_of_text(bytes: &[u8], mut at: usize) -> usize {
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest) {
            None => return bytes.len(),
            Some(found) if rest.get(found) == Some(&b'"') => return at + found + 1,
            // Whatever is escaped ends nothing.
            Some(found) => at += found + 2,
        }
    }
}

fn duplicate(key: &[u8]) -> ApiError {
    let key = String::from_utf8_lossy(key);
    let shown: String = key.chars().take(100).collect();
    ApiError::invalid(Some(&shown), format!("duplicate parameter `{shown}`: send it once"))
}

fn too_deep(limit: usize) -> ApiError {
    ApiError::refused(
        StatusCode::BAD_REQUEST,
        "json_too_deep",
        format!(
            "the body is nested deeper than {limit} levels (`sagewire_settings.limits.max_json_depth`): flatten it"
        ),
    )
}

fn too_many(limit: usize) -> ApiError {
    ApiError::refused(
        StatusCode::BAD_REQUEST,
        "json_too_dense",
        format!(
            "the body has more than {FREE_VALUES} values and more than {limit} for each KiB (`sagewire_settings.limits.max_json_values_per_kib`): send fewer"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { json_depth: 2, ..Limits::default() }
    }

    #[test]
    fn depth_is_counted_outside_of_texts() {
        for (text, deep) in [
            (r#"{"a":[1]}"#, false),
            (r#"{"a":[[1]]}"#, true),
            (r#"{"a":"[[[{{{"}"#, false),
            (r#"{"a":"\"[[["}"#, false),
            (r#"{"a":"\\","b":[[1]]}"#, true),
            (r#"[[[["#, true),
            (r#""[[[["#, false),
        ] {
            assert_eq!(check(text.as_bytes(), &limits(), None).is_err(), deep, "{text}");
        }
    }

    #[test]
    fn a_parameter_that_is_there_twice_is_named() {
        for (text, name) in [
            (r#"{"model":"m","temperature":0.1,"temperature":0.2}"#, "temperature"),
            (r#"{"top_k":1,"messages":[{"top_k":1}],"top_k" : 2}"#, "top_k"),
            (r#"{"top_k":1,"top\u005fk":2}"#, "top_k"),
        ] {
            let error =
                String::from_utf8(check(text.as_bytes(), &Limits::default(), None).unwrap_err().to_json()).unwrap();
            assert!(error.contains(&format!(r#""param":"{name}""#)), "{error}");
        }
        assert!(check(br#"{"a":"b","b":"a","c":["a","a"]}"#, &Limits::default(), None).is_ok());
    }

    #[test]
    fn token_ids_weigh_little_where_they_are_read_as_such_and_nowhere_else() {
        let body = |name: &str, item: &str| format!(r#"{{"model":"m","{name}":[{}]}}"#, vec![item; 500_000].join(","));
        for (name, item, token_ids, taken) in [
            ("input", "123", Some("input"), true),
            ("prompt", "123", Some("prompt"), true),
            ("input", "1", Some("input"), false),
            ("input", "123", Some("prompt"), false),
            ("input", "123", None, false),
            ("input", "[1]", Some("input"), false),
        ] {
            let body = body(name, item);
            assert_eq!(
                check(body.as_bytes(), &Limits::default(), token_ids).is_ok(),
                taken,
                "{name} {item} {token_ids:?}"
            );
        }
    }

    #[test]
    fn honest_bodies_are_not_too_dense() {
        let ids = (100..100_000).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
        let tool = r#"{"type":"function","function":{"name":"f","description":"Looks up the weather in a town of the world, as it is now or, if a day is given, as it will be on that day as far as that is known. Answers in one sentence.","parameters":{"type":"object","properties":{"town":{"type":"string","description":"The town's name, with its country if there are several of that name."}},"required":["town"]}}}"#;
        let bias = (0..3_000).map(|id| format!(r#""{id}":-100"#)).collect::<Vec<_>>().join(",");
        for (body, token_ids) in [
            (format!(r#"{{"model":"m","input":[{ids}]}}"#), Some("input")),
            (format!(r#"{{"model":"m","prompt":[[{ids}],[{ids}]]}}"#), Some("prompt")),
            (format!(r#"{{"model":"m","tools":[{}]}}"#, vec![tool; 300].join(",")), None),
            (format!(r#"{{"model":"m","logit_bias":{{{bias}}}}}"#), None),
        ] {
            assert!(check(body.as_bytes(), &Limits::default(), token_ids).is_ok(), "{}", body.get(..60).unwrap());
        }
    }
}
