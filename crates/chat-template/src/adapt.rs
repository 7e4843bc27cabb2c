//! Makes messages fit templates that know less than OpenAI's message format.
//!
//! Many templates want a text as content, a user and an assistant in turns, and nothing else. What
//! they do not know is said in what they know: content in parts becomes one text, tool calls and
//! results become turns, a system message joins the first user turn, turns of one role in a row
//! become one.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::conversation::ConversationError;

/// Where a template takes system messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SystemPlace {
    /// Anywhere.
    Anywhere,
    /// Before all other turns; later ones join the next user turn.
    First,
    /// Nowhere: they join the next user turn.
    None,
}

/// What a template can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Abilities {
    pub(crate) system: SystemPlace,
    /// It prints tool calls and results itself.
    pub(crate) tools: bool,
    /// It does not mind two turns of one role in a row.
    pub(crate) same_role_in_a_row: bool,
}

/// The text of one message: its content, or the texts of its parts, one after the other; nothing
/// for null.
///
/// # Errors
/// A part that is no text: a text prompt has no place for an image.
pub(crate) fn text_of(message: &Map<String, Value>, index: usize) -> Result<Cow<'_, str>, ConversationError> {
    match message.get("content") {
        None | Some(Value::Null) => Ok(Cow::Borrowed("")),
        Some(Value::String(text)) => Ok(Cow::Borrowed(text)),
        Some(Value::Array(parts)) => {
            let mut text = String::new();
            for part in parts {
                match part {
                    Value::String(part) => text.push_str(part),
                    part => match part.get("text").or_else(|| part.get("refusal")) {
                        Some(Value::String(part)) => text.push_str(part),
                        _ => return Err(ConversationError::NotText { index }),
                    },
                }
            }
            Ok(Cow::Owned(text))
        }
        Some(_) => Err(ConversationError::NotText { index }),
    }
}

/// The role of a message, in the words templates know; `user` where there is none.
pub(crate) fn role_of(message: &Map<String, Value>) -> &str {
    match message.get("role").and_then(Value::as_str) {
        // OpenAI's newer name for the same thing, and its older name for tool results.
        Some("developer") => "system",
        Some("function") => "tool",
        Some(role) => role,
        None => "user",
    }
}

/// The messages of a conversation as objects.
pub(crate) fn objects(messages: &[Value]) -> Result<Vec<&Map<String, Value>>, ConversationError> {
    let object = |(index, message): (usize, &'_ Value)| match message {
        Value::Object(_) => Ok(index),
        _ => Err(ConversationError::NotAnObject { index }),
    };
    messages.iter().enumerate().try_for_each(|entry| object(entry).map(|_| ()))?;
    Ok(messages.iter().filter_map(Value::as_object).collect())
}

/// Rewrites messages for a template of these abilities.
pub(crate) fn adapt(messages: &[Value], abilities: Abilities) -> Result<Vec<Value>, ConversationError> {
    let mut turns = Vec::with_capacity(messages.len());
    for (index, message) in objects(messages)?.into_iter().enumerate() {
        turns.push(turn(message, index, abilities)?);
    }
    match abilities.system {
        SystemPlace::Anywhere => {}
        SystemPlace::First => {
            let leading = turns.iter().take_while(|turn| role_of(turn) == "system").count();
            let rest = turns.split_off(leading);
            turns = merge(turns).into_iter().chain(fold_system(rest)).collect();
        }
        SystemPlace::None => turns = fold_system(turns),
    }
    if !abilities.same_role_in_a_row {
        turns = merge(turns);
    }
    Ok(turns.into_iter().map(Value::Object).collect())
}

/// Makes turns of one role in a row one turn. Tool results and turns with tool calls stay apart.
fn merge(turns: Vec<Map<String, Value>>) -> Vec<Map<String, Value>> {
    let mut merged: Vec<Map<String, Value>> = Vec::with_capacity(turns.len());
    for turn in turns {
        let mergeable = role_of(&turn) != "tool" && !has_calls(&turn);
        let same = |last: &&mut Map<String, Value>| role_of(last) == role_of(&turn) && !has_calls(last);
        match merged.last_mut().filter(|last| mergeable && same(last)) {
            Some(last) => append(last, &turn, "\n\n"),
            None => merged.push(turn),
        }
    }
    merged
}

/// One message as the template can take it.
fn turn(
    message: &Map<String, Value>,
    index: usize,
    abilities: Abilities,
) -> Result<Map<String, Value>, ConversationError> {
    let mut turn = message.clone();
    let mut text = text_of(message, index)?.into_owned();
    let mut role = role_of(message).to_owned();
    if abilities.tools {
        parse_arguments(&mut turn);
    } else {
        if let Some(Value::Array(calls)) = turn.remove("tool_calls") {
            for call in &calls {
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(&call_text(call));
            }
        }
        if role == "tool" {
            "user".clone_into(&mut role);
        }
    }
    turn.insert("role".to_owned(), Value::String(role));
    turn.insert("content".to_owned(), Value::String(text));
    Ok(turn)
}

/// Makes the arguments of calls objects. OpenAI's format has them as a JSON text; templates print
/// them as JSON.
pub(crate) fn parse_arguments(turn: &mut Map<String, Value>) {
    for function in functions(turn) {
        if let Some(arguments) = function.get_mut("arguments") {
            *arguments = parsed(arguments);
        }
    }
}

/// Makes the arguments of calls texts.
pub(crate) fn write_arguments(turn: &mut Map<String, Value>) {
    for function in functions(turn) {
        if let Some(arguments) = function.get_mut("arguments") {
            match arguments {
                Value::String(text) if !text.trim().is_empty() => {}
                other => *other = Value::String(spaced(&parsed(other))),
            }
        }
    }
}

/// What each call of a turn calls.
fn functions(turn: &mut Map<String, Value>) -> impl Iterator<Item = &mut Value> {
    let calls = turn.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten();
    calls.filter_map(|call| if call.get("function").is_some() { call.get_mut("function") } else { Some(call) })
}

/// Arguments as they are meant: what their JSON text says, an empty object for none, a text that is
/// not JSON as it is.
fn parsed(arguments: &Value) -> Value {
    match arguments {
        Value::Null => json!({}),
        Value::String(text) if text.trim().is_empty() => json!({}),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Null) => json!({}),
            Ok(value) => value,
            Err(_) => arguments.clone(),
        },
        other => other.clone(),
    }
}

/// A tool call as text: its name and arguments as JSON, the form most models were trained on.
fn call_text(call: &Value) -> String {
    let function = call.get("function").unwrap_or(call);
    let arguments = function.get("arguments").map_or_else(|| json!({}), parsed);
    spaced(&json!({"name": function.get("name").unwrap_or(&Value::Null), "arguments": arguments}))
}

/// JSON with a blank behind each comma and colon, as Python writes it and models have read it.
fn spaced(json: &Value) -> String {
    struct Spaced;
    impl serde_json::ser::Formatter for Spaced {
        fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
            if first { Ok(()) } else { out.write_all(b", ") }
        }
        fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
            if first { Ok(()) } else { out.write_all(b", ") }
        }
        fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W) -> std::io::Result<()> {
            out.write_all(b": ")
        }
    }
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Spaced);
    match serde::Serialize::serialize(json, &mut serializer) {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(_) => json.to_string(),
    }
}

fn has_calls(turn: &Map<String, Value>) -> bool {
    turn.get("tool_calls").is_some_and(|calls| !calls.is_null())
}

/// Adds the text of `more` to `turn`.
fn append(turn: &mut Map<String, Value>, more: &Map<String, Value>, separator: &str) {
    let Some(Value::String(added)) = more.get("content") else { return };
    if let Some(Value::String(text)) = turn.get_mut("content") {
        if !text.is_empty() && !added.is_empty() {
            text.push_str(separator);
        }
        text.push_str(added);
    }
}

/// Puts each system message in front of the user turn behind it; one that has none becomes a user
/// turn.
fn fold_system(turns: Vec<Map<String, Value>>) -> Vec<Map<String, Value>> {
    let mut folded: Vec<Map<String, Value>> = Vec::with_capacity(turns.len());
    let mut pending: Option<Map<String, Value>> = None;
    for turn in turns {
        match (role_of(&turn), pending.take()) {
            ("system", None) => pending = Some(as_user(turn)),
            ("system", Some(mut system)) => {
                append(&mut system, &turn, "\n\n");
                pending = Some(system);
            }
            ("user", Some(mut system)) => {
                append(&mut system, &turn, "\n\n");
                folded.push(system);
            }
            (_, system) => {
                folded.extend(system);
                folded.push(turn);
            }
        }
    }
    folded.extend(pending);
    folded
}

fn as_user(mut turn: Map<String, Value>) -> Map<String, Value> {
    turn.insert("role".to_owned(), Value::String("user".to_owned()));
    turn
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Abilities = Abilities { system: SystemPlace::None, tools: false, same_role_in_a_row: false };
    const FULL: Abilities = Abilities { system: SystemPlace::Anywhere, tools: true, same_role_in_a_row: true };

    fn turns(messages: &Value, abilities: Abilities) -> Vec<(String, String)> {
        let adapted = adapt(messages.as_array().unwrap(), abilities).unwrap();
        let text = |turn: &Value, key: &str| turn[key].as_str().unwrap().to_owned();
        adapted.iter().map(|turn| (text(turn, "role"), text(turn, "content"))).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(role, text)| (role.to_string(), text.to_string())).collect()
    }

    #[test]
    fn the_system_message_joins_the_first_user_turn() {
        let messages = json!([
            {"role": "system", "content": "S"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
            {"role": "developer", "content": "T"}, {"role": "user", "content": "c"}
        ]);
        assert_eq!(turns(&messages, PLAIN), pairs(&[("user", "S\n\na"), ("assistant", "b"), ("user", "T\n\nc")]));
        assert_eq!(turns(&json!([{"role": "system", "content": "S"}]), PLAIN), pairs(&[("user", "S")]));
        let before_answer = json!([{"role": "system", "content": "S"}, {"role": "assistant", "content": "b"}]);
        assert_eq!(turns(&before_answer, PLAIN), pairs(&[("user", "S"), ("assistant", "b")]));
    }

    #[test]
    fn a_later_system_message_joins_the_next_user_turn() {
        let messages = json!([
            {"role": "system", "content": "S"}, {"role": "system", "content": "T"}, {"role": "user", "content": "a"},
            {"role": "system", "content": "U"}, {"role": "user", "content": "b"}
        ]);
        let first = Abilities { system: SystemPlace::First, ..PLAIN };
        assert_eq!(turns(&messages, first), pairs(&[("system", "S\n\nT"), ("user", "a\n\nU\n\nb")]));
        let alone = json!([{"role": "system", "content": "S"}]);
        assert_eq!(turns(&alone, first), pairs(&[("system", "S")]));
    }

    #[test]
    fn turns_of_one_role_become_one() {
        let messages = json!([
            {"role": "user", "content": "a"}, {"role": "user", "content": ["b", {"type": "text", "text": "c"}]},
            {"role": "assistant", "content": null}, {"role": "assistant", "content": "d"}
        ]);
        assert_eq!(turns(&messages, PLAIN), pairs(&[("user", "a\n\nbc"), ("assistant", "d")]));
        assert_eq!(turns(&messages, FULL).len(), 4);
    }

    #[test]
    fn tool_turns_become_text() {
        let call = json!({"id": "1", "type": "function", "function": {"name": "add", "arguments": "{\"a\": 1}"}});
        let messages = json!([
            {"role": "user", "content": "add"}, {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": "3"}, {"role": "user", "content": "thanks"}
        ]);
        let expected =
            [("user", "add"), ("assistant", r#"{"name": "add", "arguments": {"a": 1}}"#), ("user", "3\n\nthanks")];
        assert_eq!(turns(&messages, PLAIN), pairs(&expected));
        let kept = adapt(messages.as_array().unwrap(), FULL).unwrap();
        assert_eq!(kept[1]["tool_calls"][0]["id"], "1");
        assert_eq!(kept[1]["tool_calls"][0]["function"]["arguments"], json!({"a": 1}));
        assert_eq!(kept[2]["role"], "tool");
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]);
        assert_eq!(adapt(image.as_array().unwrap(), PLAIN), Err(ConversationError::NotText { index: 0 }));
        assert_eq!(adapt(&[json!(1)], PLAIN), Err(ConversationError::NotAnObject { index: 0 }));
    }
}
