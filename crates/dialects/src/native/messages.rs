//! The form of answers that a container of the Messages API wrote itself: <https://docs.anthropic.com/en/api/messages>
//!
//! Owns what must be there, so that a client can read the answer. Blocks and events of other types
//! are a client's to ignore, as [Anthropic asks](https://docs.anthropic.com/en/docs/build-with-claude/streaming#other-events).

use std::borrow::Cow;

use sagewire_types::{Error, Reading};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    SoFar,
    form::{self, ObjectOf, Text, demand, is_object, there},
};

#[derive(Deserialize)]
#[expect(dead_code, reason = "some fields are only demanded")]
struct Message<'a> {
    id: Text,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    model: &'a RawValue,
    #[serde(borrow)]
    content: Vec<ObjectOf<MessageBlock<'a>>>,
    #[serde(default)]
    stop_reason: Option<Text>,
    #[serde(default)]
    stop_sequence: Option<Text>,
    usage: ObjectOf<MessageUsage>,
}

#[derive(Deserialize)]
struct MessageUsage {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    output_tokens: u64,
}

/// A content block, what an event adds to one, or how a message ended.
#[derive(Deserialize)]
#[expect(dead_code, reason = "some fields are only demanded")]
struct MessageBlock<'a> {
    #[serde(borrow, default, rename = "type")]
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
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(default)]
    partial_json: Option<Text>,
    #[serde(default)]
    stop_reason: Option<Text>,
    #[serde(default)]
    stop_sequence: Option<Text>,
}

/// An event of any type that is known here.
#[derive(Deserialize)]
struct MessageEvent<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow, default)]
    message: Option<ObjectOf<Message<'a>>>,
    #[serde(borrow, default)]
    content_block: Option<ObjectOf<MessageBlock<'a>>>,
    #[serde(borrow, default)]
    delta: Option<ObjectOf<MessageBlock<'a>>>,
    #[serde(default)]
    usage: Option<ObjectOf<MessageUsage>>,
}

/// The events that are known here, the most frequent one first.
const EVENTS: [&str; 7] = [
    "content_block_delta",
    "content_block_start",
    "content_block_stop",
    "message_start",
    "message_delta",
    "message_stop",
    "ping",
];

impl Message<'_> {
    fn check(&self) -> Result<(), Error> {
        demand(self.kind == "message" && self.role == "assistant")?;
        self.content.iter().try_for_each(|block| block.check())
    }
}

impl MessageBlock<'_> {
    fn check(&self) -> Result<(), Error> {
        demand(match &*self.kind {
            "" => false,
            "text" | "text_delta" => self.text.is_some(),
            "thinking" | "thinking_delta" => self.thinking.is_some(),
            "signature_delta" => self.signature.is_some(),
            "tool_use" => self.id.is_some() && self.name.is_some() && self.input.is_some_and(is_object),
            "input_json_delta" => self.partial_json.is_some(),
            _ => true,
        })
    }

    fn text_bytes(&self) -> usize {
        form::length([&self.text, &self.thinking, &self.name, &self.partial_json])
    }
}

impl MessageUsage {
    fn prompt(&self) -> u64 {
        let counts = [self.input_tokens, self.cache_creation_input_tokens, self.cache_read_input_tokens];
        counts.into_iter().flatten().fold(0, u64::saturating_add)
    }

    /// The tokens that it counts, if it counts any. `before` is what was told of the prompt before.
    fn told(&self, before: u64) -> Option<sagewire_types::Usage> {
        let (prompt, completion) = (self.prompt(), self.output_tokens);
        let told = prompt > 0 || completion > 0;
        told.then(|| sagewire_types::Usage::reported(if prompt > 0 { prompt } else { before }, completion))
    }
}

/// Whether an event's type is known here.
pub(super) fn knows(name: &str) -> bool {
    EVENTS.contains(&name)
}

/// Checks a whole answer and reads it.
///
/// # Errors
/// `Decode` if it is not a message, or ended without a stop reason.
pub(super) fn answer(text: &str) -> Result<Reading, Error> {
    let message: ObjectOf<Message<'_>> = form::read(text)?;
    message.check()?;
    demand(message.stop_reason.is_some())?;
    let inputs = message.content.iter().filter_map(|block| Some(block.input?.get().len()));
    let mut reading = Reading::default();
    reading.text_bytes = message.content.iter().map(|block| block.text_bytes()).chain(inputs).sum();
    reading.model = form::place(text, message.model)?;
    reading.usage = message.usage.told(0);
    Ok(reading)
}

/// Checks an event and reads it. The beginning of the stream tells the tokens of the prompt, for an
/// end that tells only the rest.
///
/// # Errors
/// `Decode` if it lacks what its type demands, or if it is the end of an answer that gave no stop
/// reason.
pub(super) fn event(text: &str, so_far: &mut SoFar) -> Result<Reading, Error> {
    let event: ObjectOf<MessageEvent<'_>> = form::read(text)?;
    let mut reading = Reading::new(match EVENTS.iter().find(|known| **known == event.kind) {
        Some(known) => Cow::Borrowed(*known),
        None => Cow::Owned(event.kind.to_string()),
    });
    match &*reading.name {
        "content_block_delta" => {
            let delta = there(&event.delta)?;
            demand(event.index.is_some())?;
            delta.check()?;
            reading.text_bytes = delta.text_bytes();
        }
        "content_block_start" => {
            demand(event.index.is_some())?;
            there(&event.content_block)?.check()?;
        }
        "content_block_stop" => demand(event.index.is_some())?,
        "message_start" => {
            let message = there(&event.message)?;
            message.check()?;
            so_far.prompt_tokens = message.usage.prompt();
            reading.model = form::place(text, message.model)?;
        }
        "message_delta" => {
            so_far.stopped |= there(&event.delta)?.stop_reason.is_some();
            reading.usage = there(&event.usage)?.told(so_far.prompt_tokens);
        }
        "message_stop" => demand(so_far.stopped)?,
        _ => {}
    }
    Ok(reading)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::native::form::without_each_field;

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
        answer(&message().to_string()).unwrap();
        for (place, spoiled) in without_each_field(&message()) {
            let optional = ["/new", "/usage/input_tokens", "/usage/cache_read_input_tokens", "/content/1/signature"];
            let inside = ["/content/2/input/", "/new/"];
            let may_be = optional.contains(&place.as_str()) || inside.iter().any(|inside| place.starts_with(inside));
            assert_eq!(answer(&spoiled.to_string()).is_ok(), may_be, "without {place}");
        }
        for (place, value) in [
            ("/type", json!("error")),
            ("/role", json!("user")),
            ("/content", json!("text")),
            ("/content/0/text", json!(1)),
            ("/content/2/input", json!("{}")),
            ("/usage/output_tokens", json!(-1)),
            // A list of the fields' values is no object.
            ("/usage", json!([1, 2, 3, 4])),
            ("/content/0", json!(["text", "a"])),
            ("/stop_reason", json!(null)),
        ] {
            let mut spoiled = message();
            *spoiled.pointer_mut(place).unwrap() = value;
            assert!(answer(&spoiled.to_string()).is_err(), "{place}");
        }
        assert!(answer("[]").is_err() && answer("no json").is_err());
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
            let checked = |event: &Value| {
                let mut event = event.clone();
                event["type"] = json!(name);
                super::event(&event.to_string(), &mut SoFar { stopped: true, ..SoFar::default() })
            };
            checked(&event).unwrap();
            for (place, spoiled) in without_each_field(&event) {
                let outcome = checked(&spoiled);
                if optional.is_empty() || !place.starts_with(optional) {
                    assert!(outcome.is_err(), "{name} without {place}");
                }
            }
        }
        for name in ["message_stop", "ping", "of_tomorrow"] {
            let event = json!({ "type": name }).to_string();
            assert_eq!(super::event(&event, &mut SoFar { stopped: true, ..SoFar::default() }).unwrap().name, name);
        }
    }
}
