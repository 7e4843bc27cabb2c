//! The form of answers that a container of the Responses API wrote itself: <https://platform.openai.com/docs/api-reference/responses/object>
//!
//! Owns what must be there, so that a client can read the answer. Items and events of other types
//! are a client's to ignore.

use std::borrow::Cow;

use sagewire_types::{Error, Reading};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    SoFar,
    form::{self, ObjectOf, Text, demand},
    reported,
};

#[derive(Deserialize)]
#[expect(dead_code, reason = "some fields are only demanded")]
struct Response<'a> {
    id: Text,
    #[serde(borrow)]
    object: Cow<'a, str>,
    created_at: f64,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    model: &'a RawValue,
    #[serde(borrow)]
    output: Vec<ObjectOf<OutputItem<'a>>>,
    #[serde(default)]
    usage: Option<ObjectOf<ResponseUsage>>,
    #[serde(default)]
    incomplete_details: Option<ObjectOf<IncompleteDetails>>,
}

#[derive(Deserialize)]
struct ResponseUsage {
    input_tokens: u64,
    output_tokens: u64,
    #[serde(rename = "total_tokens")]
    _total_tokens: u64,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields are only demanded")]
struct IncompleteDetails {
    #[serde(default)]
    reason: Option<Text>,
}

#[derive(Deserialize)]
struct OutputItem<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    id: Option<Text>,
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    content: Option<Vec<ObjectOf<Part<'a>>>>,
    #[serde(borrow, default)]
    summary: Option<Vec<ObjectOf<Part<'a>>>>,
    #[serde(default)]
    call_id: Option<Text>,
    #[serde(default)]
    name: Option<Text>,
    #[serde(default)]
    arguments: Option<Text>,
    #[serde(default)]
    input: Option<Text>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    text: Option<Text>,
    #[serde(default)]
    refusal: Option<Text>,
}

/// An event of any type that is known here.
#[derive(Deserialize)]
struct ResponseEvent<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    sequence_number: Option<u64>,
    #[serde(borrow, default)]
    response: Option<ObjectOf<Response<'a>>>,
    #[serde(borrow, default)]
    item: Option<ObjectOf<OutputItem<'a>>>,
    #[serde(borrow, default)]
    part: Option<ObjectOf<Part<'a>>>,
    #[serde(default)]
    item_id: Option<Text>,
    #[serde(default)]
    output_index: Option<u64>,
    #[serde(default)]
    content_index: Option<u64>,
    #[serde(default)]
    summary_index: Option<u64>,
    #[serde(default)]
    delta: Option<Text>,
    #[serde(default)]
    text: Option<Text>,
    #[serde(default)]
    refusal: Option<Text>,
    #[serde(default)]
    arguments: Option<Text>,
    #[serde(default)]
    input: Option<Text>,
}

/// A field of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventField {
    Response,
    OutputItem,
    Part,
    ItemId,
    OutputIndex,
    ContentIndex,
    SummaryIndex,
    Delta,
    Text,
    Refusal,
    Arguments,
    Input,
}

use EventField::{Arguments, ContentIndex, Delta, Input, ItemId, OutputIndex, Refusal, SummaryIndex};

/// What each event has beside its type and place. The most frequent ones come first.
const EVENTS: [(&str, &[EventField]); 24] = [
    ("response.output_text.delta", &[ItemId, OutputIndex, ContentIndex, Delta]),
    ("response.reasoning_text.delta", &[ItemId, OutputIndex, ContentIndex, Delta]),
    ("response.reasoning_summary_text.delta", &[ItemId, OutputIndex, SummaryIndex, Delta]),
    ("response.function_call_arguments.delta", &[ItemId, OutputIndex, Delta]),
    ("response.created", &[EventField::Response]),
    ("response.queued", &[EventField::Response]),
    ("response.in_progress", &[EventField::Response]),
    ("response.completed", &[EventField::Response]),
    ("response.incomplete", &[EventField::Response]),
    ("response.output_item.added", &[OutputIndex, EventField::OutputItem]),
    ("response.output_item.done", &[OutputIndex, EventField::OutputItem]),
    ("response.content_part.added", &[ItemId, OutputIndex, ContentIndex, EventField::Part]),
    ("response.content_part.done", &[ItemId, OutputIndex, ContentIndex, EventField::Part]),
    ("response.output_text.done", &[ItemId, OutputIndex, ContentIndex, EventField::Text]),
    ("response.refusal.delta", &[ItemId, OutputIndex, ContentIndex, Delta]),
    ("response.refusal.done", &[ItemId, OutputIndex, ContentIndex, Refusal]),
    ("response.reasoning_text.done", &[ItemId, OutputIndex, ContentIndex, EventField::Text]),
    ("response.reasoning_summary_part.added", &[ItemId, OutputIndex, SummaryIndex, EventField::Part]),
    ("response.reasoning_summary_part.done", &[ItemId, OutputIndex, SummaryIndex, EventField::Part]),
    ("response.reasoning_summary_text.done", &[ItemId, OutputIndex, SummaryIndex, EventField::Text]),
    ("response.function_call_arguments.done", &[ItemId, OutputIndex, Arguments]),
    ("response.custom_tool_call_input.delta", &[ItemId, OutputIndex, Delta]),
    ("response.custom_tool_call_input.done", &[ItemId, OutputIndex, Input]),
    ("response.output_text.annotation.added", &[ItemId, OutputIndex, ContentIndex]),
];

impl Response<'_> {
    fn has_ended(&self) -> bool {
        matches!(&*self.status, "completed" | "incomplete")
    }

    fn check(&self) -> Result<(), Error> {
        demand(self.object == "response")?;
        self.output.iter().try_for_each(|item| item.check())
    }
}

impl OutputItem<'_> {
    fn check(&self) -> Result<(), Error> {
        let is_call = self.call_id.is_some() && self.name.is_some();
        let is_there = match &*self.kind {
            "message" => self.id.is_some() && self.role.as_deref() == Some("assistant") && self.content.is_some(),
            "reasoning" => self.id.is_some() && self.summary.is_some(),
            "function_call" => is_call && self.arguments.is_some(),
            "custom_tool_call" => is_call && self.input.is_some(),
            _ => true,
        };
        demand(is_there)?;
        self.content.iter().chain(&self.summary).flatten().try_for_each(|part| part.check())
    }
}

impl Part<'_> {
    fn check(&self) -> Result<(), Error> {
        let is_there = match &*self.kind {
            "output_text" | "reasoning_text" | "summary_text" => self.text.is_some(),
            "refusal" => self.refusal.is_some(),
            _ => true,
        };
        demand(is_there)
    }
}

impl ResponseEvent<'_> {
    fn has(&self, field: EventField) -> bool {
        match field {
            EventField::Response => self.response.is_some(),
            EventField::OutputItem => self.item.is_some(),
            EventField::Part => self.part.is_some(),
            ItemId => self.item_id.is_some(),
            OutputIndex => self.output_index.is_some(),
            ContentIndex => self.content_index.is_some(),
            SummaryIndex => self.summary_index.is_some(),
            Delta => self.delta.is_some(),
            EventField::Text => self.text.is_some(),
            Refusal => self.refusal.is_some(),
            Arguments => self.arguments.is_some(),
            Input => self.input.is_some(),
        }
    }
}

impl OutputItem<'_> {
    fn text_bytes(&self) -> usize {
        let parts = self.content.iter().chain(&self.summary).flatten();
        let parts: usize = parts.map(|part| form::length([&part.text, &part.refusal])).sum();
        parts + form::length([&self.name, &self.arguments, &self.input])
    }
}

impl ResponseUsage {
    /// The tokens that it counts, if it counts any.
    fn told(&self) -> Option<sagewire_types::Usage> {
        let told = self.input_tokens > 0 || self.output_tokens > 0;
        told.then(|| sagewire_types::Usage::reported(self.input_tokens, self.output_tokens))
    }
}

/// Whether an event's type is known here.
pub(super) fn knows(name: &str) -> bool {
    EVENTS.iter().any(|(known, _)| *known == name)
}

/// Checks a whole answer and reads it.
///
/// # Errors
/// `Decode` if it is not a response that has ended, `ModelFailed` if it says that it failed.
pub(super) fn answer(text: &str) -> Result<Reading, Error> {
    let response: ObjectOf<Response<'_>> = form::read(text)?;
    response.check()?;
    if response.status == "failed" {
        return Err(reported(text.as_bytes()));
    }
    demand(response.has_ended())?;
    let mut reading = Reading::default();
    reading.text_bytes = response.output.iter().map(|item| item.text_bytes()).sum();
    reading.model = form::place(text, response.model)?;
    reading.usage = response.usage.as_ref().and_then(|usage| usage.told());
    Ok(reading)
}

/// Checks an event and reads it. Its end tells all tokens of the stream.
///
/// # Errors
/// `Decode` if it lacks what its type demands.
pub(super) fn event(text: &str, _: &mut SoFar) -> Result<Reading, Error> {
    let event: ObjectOf<ResponseEvent<'_>> = form::read(text)?;
    let Some((name, fields)) = EVENTS.iter().find(|(name, _)| *name == event.kind) else {
        return Ok(Reading::new(event.kind.to_string()));
    };
    demand(event.sequence_number.is_some() && fields.iter().all(|field| event.has(*field)))?;
    let mut reading = Reading::new(*name);
    reading.number = event.sequence_number;
    reading.text_bytes = form::length([&event.delta]);
    if let Some(response) = &event.response {
        response.check()?;
        // vLLM ends an answer that was cut by `response.completed`, too.
        let ends = matches!(*name, "response.completed" | "response.incomplete");
        demand(!ends || response.has_ended())?;
        reading.model = form::place(text, response.model)?;
        reading.usage = response.usage.as_ref().and_then(|usage| usage.told());
    }
    event.item.as_ref().map_or(Ok(()), |item| item.check())?;
    event.part.as_ref().map_or(Ok(()), |part| part.check())?;
    Ok(reading)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::native::form::without_each_field;
    use sagewire_types::ErrorKind;

    fn response() -> Value {
        json!({
            "id": "r", "object": "response", "created_at": 1.5, "status": "completed", "model": "m", "new": 1,
            "output": [
                {"type": "reasoning", "id": "a", "summary": [{"type": "summary_text", "text": "s"}], "content": [{"type": "reasoning_text", "text": "t"}]},
                {"type": "message", "id": "b", "role": "assistant", "content": [{"type": "output_text", "text": "t", "annotations": []}]},
                {"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"},
                {"type": "custom_tool_call", "call_id": "c", "name": "n", "input": ""},
                {"type": "of_tomorrow"},
            ],
            "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}, "incomplete_details": null,
        })
    }

    fn checked(response: &Value) -> Result<(), Error> {
        answer(&response.to_string()).map(drop)
    }

    #[test]
    fn a_response_has_what_clients_read() {
        checked(&response()).unwrap();
        let optional =
            ["/new", "/usage", "/incomplete_details", "/output/0/content", "/output/1/content/0/annotations"];
        for (place, spoiled) in without_each_field(&response()) {
            assert_eq!(checked(&spoiled).is_ok(), optional.contains(&place.as_str()), "without {place}");
        }
        for (place, value, kind) in [
            ("/object", json!("chat.completion"), ErrorKind::Decode),
            ("/status", json!("in_progress"), ErrorKind::Decode),
            ("/status", json!("failed"), ErrorKind::ModelFailed),
            ("/output", json!({}), ErrorKind::Decode),
            ("/output/2/arguments", json!({}), ErrorKind::Decode),
            ("/output/1/role", json!("user"), ErrorKind::Decode),
            ("/usage/total_tokens", json!("3"), ErrorKind::Decode),
            ("/usage", json!([1, 2, 3]), ErrorKind::Decode),
        ] {
            let mut spoiled = response();
            *spoiled.pointer_mut(place).unwrap() = value;
            assert_eq!(checked(&spoiled).unwrap_err().kind(), kind, "{place}");
        }
        assert!(answer("[]").is_err() && answer("no json").is_err());
    }

    #[test]
    fn each_event_has_what_its_type_demands() {
        let value = |field: &EventField| match field {
            EventField::Response => ("response", response()),
            EventField::OutputItem => ("item", response()["output"][0].clone()),
            EventField::Part => ("part", json!({"type": "output_text", "text": ""})),
            ItemId => ("item_id", json!("i")),
            OutputIndex => ("output_index", json!(0)),
            ContentIndex => ("content_index", json!(0)),
            SummaryIndex => ("summary_index", json!(0)),
            Delta => ("delta", json!("d")),
            EventField::Text => ("text", json!("t")),
            Refusal => ("refusal", json!("r")),
            Arguments => ("arguments", json!("{}")),
            Input => ("input", json!("i")),
        };
        for (name, fields) in &EVENTS {
            let mut event = json!({"type": name, "sequence_number": 0});
            for field in *fields {
                let (name, value) = value(field);
                event[name] = value;
            }
            assert_eq!(super::event(&event.to_string(), &mut SoFar::default()).unwrap().name, *name);
            for field in event.as_object().unwrap().keys() {
                let mut spoiled = event.clone();
                spoiled.as_object_mut().unwrap().remove(field);
                if field != "type" {
                    assert!(
                        super::event(&spoiled.to_string(), &mut SoFar::default()).is_err(),
                        "{name} without {field}"
                    );
                }
                spoiled[field] = json!(true);
                assert!(
                    super::event(&spoiled.to_string(), &mut SoFar::default()).is_err(),
                    "{name} with another {field}"
                );
            }
        }
        event(r#"{"type":"response.of_tomorrow"}"#, &mut SoFar::default()).unwrap();
    }
}
