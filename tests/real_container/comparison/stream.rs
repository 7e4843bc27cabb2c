//! Streams in the form in which they are compared.
//!
//! Owns which pieces are taken together, because a server cuts them by its own clock.

use libtest_mimic::Failed;
use serde_json::{Map, Value};

/// The events of a stream, each with its name, but without their numbers. Pieces of the same text
/// that follow one another are one.
pub(super) fn events(stream: &str) -> Result<Value, Failed> {
    let mut events: Vec<Value> = Vec::new();
    let mut name = "";
    let mut next_number = 0;
    for line in stream.lines() {
        if let Some(named) = line.strip_prefix("event: ") {
            name = named;
        }
        let Some(record) = line.strip_prefix("data: ").filter(|record| *record != "[DONE]") else { continue };
        let mut event: Value = serde_json::from_str(record)?;
        if event["type"] == "ping" {
            continue;
        }
        if event["type"] != name {
            return Err(format!("the event `{name}` has another type: {event}").into());
        }
        if let Some(number) = event.as_object_mut().and_then(|event| event.remove("sequence_number")) {
            if number != next_number {
                return Err(format!("event {next_number} has the number {number}").into());
            }
            next_number += 1;
        }
        let kind = |event: &Value| event.get("type").and_then(Value::as_str).map(str::to_owned);
        let piece = ["/delta", "/delta/text", "/delta/thinking", "/delta/partial_json"];
        let piece = piece.into_iter().find(|place| event.pointer(place).is_some_and(Value::is_string));
        match (events.last_mut().filter(|last| kind(last) == kind(&event)), piece) {
            (Some(last), Some(place)) if last.pointer(place).is_some() => {
                let more = event.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned();
                if let Some(Value::String(text)) = last.pointer_mut(place) {
                    text.push_str(&more);
                }
            }
            _ => events.push(event),
        }
    }
    Ok(Value::Array(events))
}

/// The answer that the pieces of a stream make.
pub(super) fn joined(stream: &str) -> Result<Value, Failed> {
    let mut records: Vec<_> = stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    if records.pop() != Some("[DONE]") {
        return Err(format!("a stream without its end: {stream}").into());
    }
    let mut whole = Value::Null;
    for record in records {
        join(&mut whole, serde_json::from_str(record)?);
    }
    // Answers begin in the order in which the server comes to them.
    if let Some(Value::Array(choices)) = whole.pointer_mut("/choices") {
        choices.sort_by_key(|choice| choice.get("index").and_then(Value::as_u64));
    }
    if let Some(Value::Object(details)) = whole.pointer_mut("/usage/completion_tokens_details") {
        details.remove("reasoning_tokens");
    }
    Ok(whole)
}

/// Adds a piece: texts and lists grow, and numbered items are added to those of their number.
fn join(whole: &mut Value, piece: Value) {
    match (whole, piece) {
        (_, Value::Null) => {}
        (Value::Object(whole), Value::Object(piece)) => {
            for (name, value) in piece {
                let grows = ["content", "reasoning", "reasoning_content", "text", "arguments"].contains(&name.as_str());
                match (whole.get_mut(&name), value) {
                    (Some(Value::String(text)), Value::String(more)) if grows => text.push_str(&more),
                    (Some(known), value) => join(known, value),
                    (None, value) => join(whole.entry(name).or_insert(Value::Null), value),
                }
            }
        }
        (Value::Array(whole), Value::Array(piece)) => {
            for item in piece {
                let known = item
                    .get("index")
                    .and_then(|index| whole.iter().position(|known| known.get("index") == Some(index)));
                match known.and_then(|place| whole.get_mut(place)) {
                    Some(known) => join(known, item),
                    None => {
                        whole.push(Value::Null);
                        join(whole.last_mut().unwrap(), item);
                    }
                }
            }
        }
        (whole @ Value::Null, Value::Object(piece)) => {
            *whole = Value::Object(Map::new());
            join(whole, Value::Object(piece));
        }
        (whole @ Value::Null, Value::Array(piece)) => {
            *whole = Value::Array(Vec::new());
            join(whole, Value::Array(piece));
        }
        (whole, piece) => *whole = piece,
    }
}
