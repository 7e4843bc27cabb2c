//! Which place of a body is wrong, and what was expected there.
//!
//! Owns the sentence for a body that is JSON and not a request. The place is found only when a
//! message is needed.

use std::borrow::Cow;

use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::super::error::{ApiError, beginning};

pub(super) fn explain<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> ApiError {
    if !error.is_data() {
        return ApiError::refused(
            StatusCode::BAD_REQUEST,
            "invalid_json",
            format!("the body is not valid JSON: {error}"),
        );
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let place = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) => written(error.path()),
        Ok(_) => String::new(),
    };
    let reason = error.to_string();
    // What the parser adds, the place says better.
    let reason = reason.rsplit_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason);
    // It quotes the value, which may be as long as the body.
    let reason = &*beginning(reason);
    let named = |prefix: &str| reason.strip_prefix(prefix).and_then(|rest| rest.split('`').next());
    if let Some(name) = named("missing field `") {
        let place = if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        return ApiError::invalid(Some(&place), format!("missing required parameter `{place}`"));
    }
    if let Some(name) = named("duplicate field `") {
        let place = if place.is_empty() || place.ends_with(name) { place } else { format!("{place}.{name}") };
        return ApiError::invalid(Some(&place), format!("duplicate parameter `{place}`: send it once"));
    }
    if place.is_empty() {
        return ApiError::invalid(None, format!("invalid body: {}", expected(&place, reason)));
    }
    ApiError::invalid(Some(&place), format!("invalid value for `{place}`: {}", expected(&place, reason)))
}

/// What was found, in the words of `serde` and of JSON.
const IN_JSON: [(&str, &str); 4] = [
    ("invalid type: map", "invalid type: object"),
    ("invalid type: sequence", "invalid type: list"),
    ("invalid type: floating point", "invalid type: number"),
    ("unknown variant", "unknown value"),
];

/// What was expected, in words for readers of JSON: the reader's own are for programmers in Rust.
fn expected<'r>(place: &str, reason: &'r str) -> Cow<'r, str> {
    if !reason.contains("untagged enum") {
        let Some((found, wanted)) = reason.rsplit_once(", expected ") else { return reason.into() };
        let in_json = IN_JSON.iter().find_map(|(rust, json)| Some((json, found.strip_prefix(rust)?)));
        let found = in_json.map_or_else(|| found.to_owned(), |(json, rest)| format!("{json}{rest}"));
        let wanted = match wanted {
            "u8" | "u16" | "u32" | "u64" | "usize" => "a non-negative integer",
            "i8" | "i16" | "i32" | "i64" => "an integer",
            "f32" | "f64" => "a number",
            "a sequence" => "a list",
            "a map" => "an object",
            "a boolean" => "true or false",
            wanted if wanted.starts_with("struct ") => "an object",
            wanted => wanted,
        };
        return format!("{found}, expected {wanted}").into();
    }
    match place {
        "input" | "prompt" => "expected a string, a list of strings, or token ids".into(),
        "stop" => "expected a string or a list of strings".into(),
        _ if place.starts_with("documents[") => "expected a string or an object with a text".into(),
        _ => "it has none of the forms that are allowed there".into(),
    }
}

/// A place as OpenAI writes it: `messages[0].content[0]`.
fn written(path: &serde_path_to_error::Path) -> String {
    let mut place = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => place.push_str(&format!("[{index}]")),
            Segment::Map { key } => {
                if !place.is_empty() {
                    place.push('.');
                }
                place.extend(key.chars().take(100));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use sagewire_types::{ChatRequest, EmbedRequest};
    use serde_json::Value;

    use crate::{Limits, http::body::parse};

    fn refusal<T: serde::de::DeserializeOwned>(body: &str) -> (String, String) {
        let error = parse::<T>(body.as_bytes(), &Limits::default()).map(|_| ()).expect_err(body);
        assert_eq!(error.status(), 400);
        let json: Value = serde_json::from_slice(&error.to_json()).unwrap();
        let text = |name: &str| json["error"][name].as_str().unwrap_or_default().to_owned();
        (text("param"), text("message"))
    }

    #[test]
    fn a_message_does_not_name_types_of_rust() {
        for (field, expected) in [
            (r#""max_tokens":-2"#, "expected a non-negative integer"),
            (r#""temperature":"hot""#, "expected a number"),
            (r#""logprobs":7"#, "expected true or false"),
            (r#""tools":7"#, "expected a list"),
            (r#""stream_options":7"#, "expected an object"),
        ] {
            let (_, message) = refusal::<ChatRequest>(&format!(r#"{{"model":"m","messages":[],{field}}}"#));
            assert!(message.ends_with(expected), "{message}");
        }
        for (field, found) in [
            (r#""tools":{}"#, "invalid type: object, expected a list"),
            (r#""temperature":[]"#, "invalid type: list, expected a number"),
            (r#""seed":1e30"#, "invalid type: number `1e+30`, expected an integer"),
        ] {
            let (_, message) = refusal::<ChatRequest>(&format!(r#"{{"model":"m","messages":[],{field}}}"#));
            assert!(message.ends_with(found), "{message}");
        }
        for (body, found) in [("[]", "list"), ("null", "null"), ("7", "integer `7`")] {
            let expected = format!("invalid body: invalid type: {found}, expected an object");
            assert_eq!(refusal::<ChatRequest>(body).1, expected);
            assert_eq!(refusal::<serde_json::Map<String, Value>>(body).1, expected);
        }
        let (_, message) = refusal::<EmbedRequest>(r#"{"model":"m","input":"a","encoding_format":"int8"}"#);
        assert!(message.ends_with("unknown value `int8`, expected `float` or `base64`"), "{message}");
    }

    #[test]
    fn a_message_names_the_place() {
        let chat = |messages: &str| format!(r#"{{"model":"m","messages":{messages}}}"#);
        for (body, place) in [
            (chat(r#"[{"role":"user","content":[{"text":"a"}]}]"#), "messages[0].content[0].type"),
            (chat(r#"[{"role":"user"},{"content":"a"}]"#), "messages[1].role"),
            (chat(r#"[{"role":"user","content":{"a":1}}]"#), "messages[0].content"),
            (chat(r#"[{"role":"user","role":"user"}]"#), "messages[0].role"),
            (chat("7"), "messages"),
            (r#"{"messages":[],"temperature":"hot"}"#.to_owned(), "temperature"),
            (r#"{"messages":[],"stop":7}"#.to_owned(), "stop"),
        ] {
            let (param, message) = refusal::<ChatRequest>(&body);
            assert_eq!(param, place, "{body}: {message}");
            assert!(message.contains(place) && !message.contains("untagged"), "{message}");
        }
        let long = format!(r#"{{"model":"m","input":"a","encoding_format":"{}"}}"#, "x".repeat(100_000));
        let (param, message) = refusal::<EmbedRequest>(&long);
        assert!(param == "encoding_format" && message.len() < 400, "{} bytes of message", message.len());
        let (param, message) = refusal::<EmbedRequest>(r#"{"model":"m","input":{"a":1}}"#);
        assert_eq!(param, "input");
        assert!(
            message.starts_with("invalid value for `input`: ") && message.contains("expected a string"),
            "{message}"
        );
    }
}
