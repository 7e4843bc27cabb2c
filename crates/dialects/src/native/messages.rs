//! The form of answers that a container of the Messages API wrote itself: <https://docs.anthropic.com/en/api/messages>
//!
//! Owns what must be there, so that a client can read the answer. Blocks and events of other types
//! are a client's to ignore, as [Anthropic asks](https://docs.anthropic.com/en/docs/build-with-claude/streaming#other-events).

use std::borrow::Cow;

use sagewire_types::Error;
use serde::Deserialize;

use crate::form::{Object, Text, demand, read};

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields are only demanded")]
struct Message<'a> {
    id: Text,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    role: Cow<'a, str>,
    model: Text,
    #[serde(borrow)]
    content: Vec<Block<'a>>,
    #[serde(default)]
    stop_reason: Option<Text>,
    #[serde(default)]
    stop_sequence: Option<Text>,
    usage: Usage,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields are only demanded")]
struct Usage {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    output_tokens: u64,
}

/// A content block, or what an event adds to one.
#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    text: Option<Text>,
    #[serde(default)]
    thinking: Option<Text>,
    #[serde(default)]
    signature: Option<Text>,
    #[serde(default)]
    id: Option<Text>,
    #[serde(default)]
    name: Option<Text>,
    #[serde(default)]
    input: Option<Object>,
    #[serde(default)]
    partial_json: Option<Text>,
}

#[derive(Deserialize)]
struct Start<'a> {
    #[serde(borrow)]
    message: Message<'a>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields are only demanded")]
struct BlockStart<'a> {
    index: u64,
    #[serde(borrow)]
    content_block: Block<'a>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields are only demanded")]
struct BlockDelta<'a> {
    index: u64,
    #[serde(borrow)]
    delta: Block<'a>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields are only demanded")]
struct BlockStop {
    index: u64,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields are only demanded")]
struct MessageDelta {
    delta: Stop,
    usage: Usage,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields are only demanded")]
struct Stop {
    stop_reason: Option<Text>,
    #[serde(default)]
    stop_sequence: Option<Text>,
}

impl Message<'_> {
    fn check(&self, what: &str) -> Result<(), Error> {
        demand(self.kind == "message" && self.role == "assistant", what)?;
        self.content.iter().try_for_each(|block| block.check(what))
    }
}

impl Block<'_> {
    fn check(&self, what: &str) -> Result<(), Error> {
        let is_there = match &*self.kind {
            "text" | "text_delta" => self.text.is_some(),
            "thinking" | "thinking_delta" => self.thinking.is_some(),
            "signature_delta" => self.signature.is_some(),
            "tool_use" => self.id.is_some() && self.name.is_some() && self.input.is_some(),
            "input_json_delta" => self.partial_json.is_some(),
            _ => true,
        };
        demand(is_there, what)
    }
}

/// Checks a whole answer.
///
/// # Errors
/// `Decode` if it is not a message, or ended without a stop reason.
pub fn check_message(json: &[u8]) -> Result<(), Error> {
    let what = "an answer";
    let message: Message<'_> = read(json, what)?;
    message.check(what)?;
    demand(message.stop_reason.is_some(), what)
}

/// Checks an event of this type.
///
/// # Errors
/// `Decode` if it lacks what its type demands.
pub fn check_event(name: &str, json: &[u8]) -> Result<(), Error> {
    let what = "an event";
    match name {
        "message_start" => read::<Start<'_>>(json, what)?.message.check(what),
        "content_block_start" => read::<BlockStart<'_>>(json, what)?.content_block.check(what),
        "content_block_delta" => read::<BlockDelta<'_>>(json, what)?.delta.check(what),
        "content_block_stop" => read::<BlockStop>(json, what).map(drop),
        "message_delta" => read::<MessageDelta>(json, what).map(drop),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::without_each_field;

    fn message() -> Value {
        json!({
            "id": "m", "type": "message", "role": "assistant", "model": "x", "stop_reason": "end_turn", "new": [1],
            "content": [
                {"type": "text", "text": "a"}, {"type": "thinking", "thinking": "b", "signature": null},
                {"type": "tool_use", "id": "c", "name": "d", "input": {"e": [1.5, null]}}, {"type": "of_tomorrow"},
            ],
            "usage": {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": null},
        })
    }

    #[test]
    fn a_message_has_what_clients_read() {
        check_message(message().to_string().as_bytes()).unwrap();
        for (place, spoiled) in without_each_field(&message()) {
            let optional = ["/new", "/usage/input_tokens", "/usage/cache_read_input_tokens", "/content/1/signature"];
            let inside = ["/content/2/input/", "/new/"];
            let may_be = optional.contains(&place.as_str()) || inside.iter().any(|inside| place.starts_with(inside));
            assert_eq!(check_message(spoiled.to_string().as_bytes()).is_ok(), may_be, "without {place}");
        }
        for (place, value) in [
            ("/type", json!("error")),
            ("/role", json!("user")),
            ("/content", json!("text")),
            ("/content/0/text", json!(1)),
            ("/content/2/input", json!("{}")),
            ("/usage/output_tokens", json!(-1)),
            ("/stop_reason", json!(null)),
        ] {
            let mut spoiled = message();
            *spoiled.pointer_mut(place).unwrap() = value;
            assert!(check_message(spoiled.to_string().as_bytes()).is_err(), "{place}");
        }
        assert!(check_message(b"[]").is_err() && check_message(b"no json").is_err());
    }

    #[test]
    fn each_event_has_what_its_type_demands() {
        let mut begun = message();
        begun["stop_reason"] = Value::Null;
        for (event, optional) in [
            (json!({"message": begun}), "/message/"),
            (json!({"index": 0, "content_block": {"type": "text", "text": ""}}), ""),
            (json!({"index": 0, "content_block": {"type": "tool_use", "id": "a", "name": "b", "input": {}}}), ""),
            (json!({"index": 0, "delta": {"type": "text_delta", "text": "a"}}), ""),
            (json!({"index": 0, "delta": {"type": "thinking_delta", "thinking": "a"}}), ""),
            (json!({"index": 0, "delta": {"type": "signature_delta", "signature": "a"}}), ""),
            (json!({"index": 0, "delta": {"type": "input_json_delta", "partial_json": "{"}}), ""),
            (json!({"index": 0}), ""),
            (json!({"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}), "/delta/stop_reason"),
        ] {
            let name = match (event.get("message"), event.get("content_block"), event.get("delta"), event.get("usage"))
            {
                (Some(_), ..) => "message_start",
                (_, Some(_), ..) => "content_block_start",
                (.., Some(_)) => "message_delta",
                (_, _, Some(_), _) => "content_block_delta",
                _ => "content_block_stop",
            };
            check_event(name, event.to_string().as_bytes()).unwrap();
            for (place, spoiled) in without_each_field(&event) {
                let outcome = check_event(name, spoiled.to_string().as_bytes());
                if optional.is_empty() || !place.starts_with(optional) {
                    assert!(outcome.is_err(), "{name} without {place}");
                }
            }
        }
        for name in ["message_stop", "ping", "of_tomorrow"] {
            check_event(name, b"{}").unwrap();
        }
    }
}
