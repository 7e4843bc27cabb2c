//! The form of answers that a container of the Responses API wrote itself: <https://platform.openai.com/docs/api-reference/responses/object>
//!
//! Owns what must be there, so that a client can read the answer. Items and events of other types
//! are a client's to ignore.

use std::borrow::Cow;

use sagewire_types::{Error, ErrorKind};
use serde::{Deserialize, de::IgnoredAny};

use crate::form::{Text, demand, read};

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields are only demanded")]
struct Response<'a> {
    id: Text,
    #[serde(borrow)]
    object: Cow<'a, str>,
    created_at: f64,
    #[serde(borrow)]
    status: Cow<'a, str>,
    model: Text,
    #[serde(borrow)]
    output: Vec<Item<'a>>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    incomplete_details: Option<IncompleteDetails>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields are only demanded")]
struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields are only demanded")]
struct IncompleteDetails {
    #[serde(default)]
    reason: Option<Text>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    id: Option<Text>,
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    content: Option<Vec<Part<'a>>>,
    #[serde(borrow, default)]
    summary: Option<Vec<Part<'a>>>,
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
struct Event<'a> {
    #[serde(default)]
    sequence_number: Option<u64>,
    #[serde(borrow, default)]
    response: Option<Response<'a>>,
    #[serde(borrow, default)]
    item: Option<Item<'a>>,
    #[serde(borrow, default)]
    part: Option<Part<'a>>,
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
enum Field {
    Response,
    Item,
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

use Field::{Arguments, ContentIndex, Delta, Input, ItemId, OutputIndex, Refusal, SummaryIndex};

/// What each event has beside its type and place.
const EVENTS: [(&str, &[Field]); 24] = [
    ("response.created", &[Field::Response]),
    ("response.queued", &[Field::Response]),
    ("response.in_progress", &[Field::Response]),
    ("response.completed", &[Field::Response]),
    ("response.incomplete", &[Field::Response]),
    ("response.output_item.added", &[OutputIndex, Field::Item]),
    ("response.output_item.done", &[OutputIndex, Field::Item]),
    ("response.content_part.added", &[ItemId, OutputIndex, ContentIndex, Field::Part]),
    ("response.content_part.done", &[ItemId, OutputIndex, ContentIndex, Field::Part]),
    ("response.output_text.delta", &[ItemId, OutputIndex, ContentIndex, Delta]),
    ("response.output_text.done", &[ItemId, OutputIndex, ContentIndex, Field::Text]),
    ("response.refusal.delta", &[ItemId, OutputIndex, ContentIndex, Delta]),
    ("response.refusal.done", &[ItemId, OutputIndex, ContentIndex, Refusal]),
    ("response.reasoning_text.delta", &[ItemId, OutputIndex, ContentIndex, Delta]),
    ("response.reasoning_text.done", &[ItemId, OutputIndex, ContentIndex, Field::Text]),
    ("response.reasoning_summary_part.added", &[ItemId, OutputIndex, SummaryIndex, Field::Part]),
    ("response.reasoning_summary_part.done", &[ItemId, OutputIndex, SummaryIndex, Field::Part]),
    ("response.reasoning_summary_text.delta", &[ItemId, OutputIndex, SummaryIndex, Delta]),
    ("response.reasoning_summary_text.done", &[ItemId, OutputIndex, SummaryIndex, Field::Text]),
    ("response.function_call_arguments.delta", &[ItemId, OutputIndex, Delta]),
    ("response.function_call_arguments.done", &[ItemId, OutputIndex, Arguments]),
    ("response.custom_tool_call_input.delta", &[ItemId, OutputIndex, Delta]),
    ("response.custom_tool_call_input.done", &[ItemId, OutputIndex, Input]),
    ("response.output_text.annotation.added", &[ItemId, OutputIndex, ContentIndex]),
];

impl Response<'_> {
    fn check(&self, what: &str) -> Result<(), Error> {
        demand(self.object == "response", what)?;
        self.output.iter().try_for_each(|item| item.check(what))
    }
}

impl Item<'_> {
    fn check(&self, what: &str) -> Result<(), Error> {
        let is_call = self.call_id.is_some() && self.name.is_some();
        let is_there = match &*self.kind {
            "message" => self.id.is_some() && self.role.as_deref() == Some("assistant") && self.content.is_some(),
            "reasoning" => self.id.is_some() && self.summary.is_some(),
            "function_call" => is_call && self.arguments.is_some(),
            "custom_tool_call" => is_call && self.input.is_some(),
            _ => true,
        };
        demand(is_there, what)?;
        self.content.iter().chain(&self.summary).flatten().try_for_each(|part| part.check(what))
    }
}

impl Part<'_> {
    fn check(&self, what: &str) -> Result<(), Error> {
        let is_there = match &*self.kind {
            "output_text" | "reasoning_text" | "summary_text" => self.text.is_some(),
            "refusal" => self.refusal.is_some(),
            _ => true,
        };
        demand(is_there, what)
    }
}

impl Event<'_> {
    fn has(&self, field: Field) -> bool {
        match field {
            Field::Response => self.response.is_some(),
            Field::Item => self.item.is_some(),
            Field::Part => self.part.is_some(),
            ItemId => self.item_id.is_some(),
            OutputIndex => self.output_index.is_some(),
            ContentIndex => self.content_index.is_some(),
            SummaryIndex => self.summary_index.is_some(),
            Delta => self.delta.is_some(),
            Field::Text => self.text.is_some(),
            Refusal => self.refusal.is_some(),
            Arguments => self.arguments.is_some(),
            Input => self.input.is_some(),
        }
    }
}

/// Checks a whole answer.
///
/// # Errors
/// `Decode` if it is not a response that has ended, `ModelFailed` if it says that it failed.
pub fn check_response(json: &[u8]) -> Result<(), Error> {
    let what = "an answer";
    let response: Response<'_> = read(json, what)?;
    response.check(what)?;
    match &*response.status {
        "completed" | "incomplete" => Ok(()),
        "failed" => Err(Error::new(ErrorKind::ModelFailed, "the container could not answer; retry the request")),
        _ => demand(false, what),
    }
}

/// Checks an event of this type.
///
/// # Errors
/// `Decode` if it lacks what its type demands.
pub fn check_event(name: &str, json: &[u8]) -> Result<(), Error> {
    let what = "an event";
    let Some((_, fields)) = EVENTS.iter().find(|(known, _)| *known == name) else {
        return read::<IgnoredAny>(json, what).map(drop);
    };
    let event: Event<'_> = read(json, what)?;
    demand(event.sequence_number.is_some() && fields.iter().all(|field| event.has(*field)), what)?;
    event.response.as_ref().map_or(Ok(()), |response| response.check(what))?;
    event.item.as_ref().map_or(Ok(()), |item| item.check(what))?;
    event.part.as_ref().map_or(Ok(()), |part| part.check(what))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::without_each_field;

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
        check_response(response.to_string().as_bytes())
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
        ] {
            let mut spoiled = response();
            *spoiled.pointer_mut(place).unwrap() = value;
            assert_eq!(checked(&spoiled).unwrap_err().kind(), kind, "{place}");
        }
        assert!(check_response(b"[]").is_err() && check_response(b"no json").is_err());
    }

    #[test]
    fn each_event_has_what_its_type_demands() {
        let value = |field: &Field| match field {
            Field::Response => ("response", response()),
            Field::Item => ("item", response()["output"][0].clone()),
            Field::Part => ("part", json!({"type": "output_text", "text": ""})),
            ItemId => ("item_id", json!("i")),
            OutputIndex => ("output_index", json!(0)),
            ContentIndex => ("content_index", json!(0)),
            SummaryIndex => ("summary_index", json!(0)),
            Delta => ("delta", json!("d")),
            Field::Text => ("text", json!("t")),
            Refusal => ("refusal", json!("r")),
            Arguments => ("arguments", json!("{}")),
            Input => ("input", json!("i")),
        };
        for (name, fields) in &EVENTS {
            let mut event = json!({"sequence_number": 0});
            for field in *fields {
                let (name, value) = value(field);
                event[name] = value;
            }
            check_event(name, event.to_string().as_bytes()).unwrap();
            for field in event.as_object().unwrap().keys() {
                let mut spoiled = event.clone();
                spoiled.as_object_mut().unwrap().remove(field);
                assert!(check_event(name, spoiled.to_string().as_bytes()).is_err(), "{name} without {field}");
                spoiled[field] = json!(true);
                assert!(check_event(name, spoiled.to_string().as_bytes()).is_err(), "{name} with another {field}");
            }
        }
        check_event("response.of_tomorrow", b"{}").unwrap();
    }
}
