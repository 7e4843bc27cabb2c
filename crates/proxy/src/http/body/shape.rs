//! What a body's JSON is made of, before it is parsed.
//!
//! Owns the limits that bound what parsing may cost: how deep it is nested and how many values it has for its length. A value of two bytes may take
//! two hundred in memory. Keys that are there twice are refused here too, since only one of them could count.

use std::collections::HashSet;

use http::StatusCode;

use super::super::error::ApiError;
use crate::limits::Limits;

/// So many values are taken whatever the length of the body.
const FREE_VALUES: usize = 2_800;

/// The parameters whose lists of numbers are read into four bytes each: token ids.
const TOKEN_IDS: [&[u8]; 2] = [b"input", b"prompt"];

/// Checks a body against the limits. Text that is not JSON passes: the parser says what is wrong with it.
pub(super) fn check(bytes: &[u8], limits: &Limits) -> Result<(), ApiError> {
    let most = FREE_VALUES.saturating_add((bytes.len() / 1024).saturating_mul(limits.json_values_per_kib));
    let mut keys = HashSet::new();
    let mut values = 0_usize;
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
                    if next(bytes, end) == Some(b':') && !keys.insert(text) {
                        return Err(duplicate(text));
                    }
                }
                at = end;
            }
            b'[' | b'{' => {
                depth += 1;
                if depth > limits.json_depth {
                    return Err(too_deep(limits.json_depth));
                }
                values += usize::from(counts(bytes, at, depth, outermost));
            }
            b',' => values += usize::from(counts(bytes, at, depth, outermost)),
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if values > most {
            return Err(too_many(limits.json_values_per_kib));
        }
    }
    Ok(())
}

/// Whether a value begins here that counts.
fn counts(bytes: &[u8], at: usize, depth: usize, outermost: &[u8]) -> bool {
    match next(bytes, at) {
        Some(b']' | b'}') | None => false,
        Some(b'0'..=b'9') => depth == 1 || !TOKEN_IDS.contains(&outermost),
        Some(_) => true,
    }
}

/// The next byte that is not white space.
fn next(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at..)?.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// The place behind the quotation mark that ends the text which begins here. Most of a large body is text.
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
    use sagewire_types::{ChatRequest, CompletionRequest, EmbedRequest};

    use super::*;
    use crate::http::body::parse;

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
            assert_eq!(check(text.as_bytes(), &limits()).is_err(), deep, "{text}");
        }
    }

    #[test]
    fn a_parameter_that_is_there_twice_is_named() {
        for (text, name) in [
            (r#"{"model":"m","temperature":0.1,"temperature":0.2}"#, "temperature"),
            (r#"{"top_k":1,"messages":[{"top_k":1}],"top_k" : 2}"#, "top_k"),
        ] {
            let error = String::from_utf8(check(text.as_bytes(), &Limits::default()).unwrap_err().to_json()).unwrap();
            assert!(error.contains(&format!(r#""param":"{name}""#)), "{error}");
        }
        assert!(check(br#"{"a":"b","b":"a","c":["a","a"]}"#, &Limits::default()).is_ok());
    }

    #[test]
    fn what_is_read_takes_no_more_than_eight_times_its_length_and_a_mebibyte() {
        let list = |item: &str, count: usize| vec![item; count].join(",");
        let bodies = [
            ("objects", format!(r#"{{"model":"m","messages":[],"x":[{}]}}"#, list("{}", 300_000))),
            ("lists", format!(r#"{{"model":"m","messages":[],"x":[{}]}}"#, list("[]", 300_000))),
            ("numbers", format!(r#"{{"model":"m","messages":[],"x":[{}]}}"#, list("1", 500_000))),
            ("texts", format!(r#"{{"model":"m","messages":[],"x":[{}]}}"#, list("\"\"", 300_000))),
            (
                "messages",
                format!(r#"{{"model":"m","messages":[{}]}}"#, list(r#"{"role":"user","content":""}"#, 50_000)),
            ),
            (
                "parts",
                format!(
                    r#"{{"model":"m","messages":[{{"role":"user","content":[{}]}}]}}"#,
                    list(r#"{"type":"text","text":""}"#, 50_000)
                ),
            ),
            (
                "long texts",
                format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{}"}}]}}"#, "x".repeat(2_000_000)),
            ),
            (
                "as many values as are taken",
                format!(
                    r#"{{"model":"m","messages":[],"x":[{}]}}"#,
                    list(&format!(r#"{{"a":"{}"}}"#, "x".repeat(120)), 15_000)
                ),
            ),
            ("few values", format!(r#"{{"model":"m","messages":[],"x":[{}]}}"#, list(r#"{"a":1}"#, 1_300))),
        ];
        for (name, body) in &bodies {
            let measured = allocation_counter::measure(|| {
                let _ = parse::<ChatRequest>(body.as_bytes(), &Limits::default());
                let _ = parse::<CompletionRequest>(body.as_bytes(), &Limits::default());
                let _ = parse::<EmbedRequest>(body.as_bytes(), &Limits::default());
            });
            let most = 8 * body.len() as u64 + 1024 * 1024;
            assert!(measured.bytes_max <= most, "{name}: {} bytes for {}", measured.bytes_max, body.len());
        }
    }

    #[test]
    fn honest_bodies_are_not_too_dense() {
        let ids = (0..200_000).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
        let tool = r#"{"type":"function","function":{"name":"f","description":"Looks up the weather in a town of the world, as it is now or, if a day is given, as it will be on that day as far as that is known. Answers in one sentence.","parameters":{"type":"object","properties":{"town":{"type":"string","description":"The town's name, with its country if there are several of that name."}},"required":["town"]}}}"#;
        let bias = (0..3_000).map(|id| format!(r#""{id}":-100"#)).collect::<Vec<_>>().join(",");
        for body in [
            format!(r#"{{"model":"m","input":[{ids}]}}"#),
            format!(r#"{{"model":"m","prompt":[[{ids}],[{ids}]]}}"#),
            format!(r#"{{"model":"m","tools":[{}]}}"#, vec![tool; 400].join(",")),
            format!(r#"{{"model":"m","logit_bias":{{{bias}}}}}"#),
        ] {
            assert!(check(body.as_bytes(), &Limits::default()).is_ok(), "{}", body.get(..60).unwrap());
        }
    }
}
