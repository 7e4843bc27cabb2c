//! What containers write otherwise than OpenAI does.
//!
//! Owns the repair of replies and chunks that OpenAI's types refuse: it costs nothing if a
//! container keeps to the form.

use sagewire_types::{ChatChunk, ChatResponse, Choice, ChunkChoice, Delta, json};
use serde_json::{Map, Value, json};

use crate::failure_report;

/// Reads a whole reply that OpenAI's types refused, if its liberties are known ones. A completion
/// is one of them.
pub(super) fn read_reply(text: &[u8]) -> Option<ChatResponse> {
    let text = tidied(text, |choice| {
        if !choice.contains_key("message") {
            if let Some(text) = take_text(choice) {
                choice.insert("message".to_owned(), json!({ "role": "assistant", "content": text }));
            }
        }
        tidy_message(choice.get_mut("message"))
    })?;
    let mut reply: ChatResponse = serde_json::from_slice(&text).ok()?;
    reply.keep_integers(&text);
    Some(reply)
}

/// Reads a chunk that OpenAI's types refused, if its liberties are known ones. One without choices
/// may still report the usage.
pub(super) fn read_chunk(text: &[u8]) -> Option<ChatChunk> {
    let tidy = |choice: &mut Map<String, Value>| {
        tidy_message(choice.get_mut("delta")).and_then(|()| tidy_message(choice.get_mut("message")))
    };
    let text = tidied(text, tidy)?;
    let mut chunk: ChatChunk = serde_json::from_slice(&text).ok()?;
    chunk.keep_integers(&text);
    Some(chunk)
}

/// The reply's text in OpenAI's form.
fn tidied(text: &[u8], tidy_choice: impl Fn(&mut Map<String, Value>) -> Option<()>) -> Option<Vec<u8>> {
    let mut value: Value = json::from_reply_marked(text).ok()?;
    let reply = value.as_object_mut()?;
    if reply.get("usage").is_some_and(Value::is_object) {
        reply.entry("choices").or_insert(Value::Null);
    }
    match reply.get_mut("choices")? {
        Value::Null => {}
        choices => {
            if ["message", "delta", "text"].iter().any(|name| choices.get(name).is_some()) {
                *choices = Value::Array(vec![choices.take()]);
            }
            let choices = choices.as_array_mut()?;
            choices.retain(|choice| !choice.is_null());
            for choice in choices {
                tidy_choice(choice.as_object_mut()?)?;
            }
        }
    }
    // By way of its text, which is read as every reply is: types that read trees, too, would all be
    // compiled twice.
    Some(json::restore_integers(value.to_string().into()))
}

/// Puts a message or a delta into OpenAI's form; `None` if its content has an unknown one.
fn tidy_message(message: Option<&mut Value>) -> Option<()> {
    let Some(Value::Object(message)) = message else { return Some(()) };
    if let Some(part @ Value::Object(_)) = message.get_mut("content") {
        *part = Value::Array(vec![part.take()]);
    }
    if let Some(Value::Array(parts)) = message.get("content") {
        let Content { text, thoughts } = Content::of(parts)?;
        message.insert("content".to_owned(), json!(text));
        if let Some(thoughts) = thoughts {
            message.entry("reasoning_content").or_insert(Value::String(thoughts));
        }
    }
    if let Some(thoughts @ (Value::Array(_) | Value::Object(_))) = message.get_mut("reasoning_content") {
        *thoughts = Value::String(text_of(thoughts)?);
    }
    if let Some(calls) = message.get_mut("tool_calls") {
        match calls {
            // TGI's streams had one call in place of a list.
            Value::Object(_) => *calls = Value::Array(vec![calls.take()]),
            Value::String(text) if text.is_empty() => *calls = Value::Null,
            _ => {}
        }
        if let Value::Array(calls) = calls {
            calls.retain(|call| !failure_report::is_absent(Some(call)));
        }
    }
    Some(())
}

/// What parts say, if a text is meant.
#[derive(Default)]
struct Content {
    text: Option<String>,
    thoughts: Option<String>,
}

impl Content {
    /// `None` if one of the parts is of an unknown kind: its text would be lost.
    fn of(parts: &[Value]) -> Option<Self> {
        let mut content = Self::default();
        for part in parts {
            match (part, part.get("type").and_then(Value::as_str)) {
                (Value::Null, _) => {}
                (_, Some("thinking" | "reasoning")) => {
                    let thoughts =
                        ["thinking", "reasoning", "text", "content"].iter().find_map(|name| part.get(name))?;
                    content.thoughts.get_or_insert_default().push_str(&text_of(thoughts)?);
                }
                (_, None | Some("text" | "output_text")) => {
                    content.text.get_or_insert_default().push_str(&text_of(part)?);
                }
                _ => return None,
            }
        }
        if content.thoughts.is_none() {
            content.text.get_or_insert_default();
        }
        Some(content)
    }
}

/// The text of a value that is one, a part with one, or a list of those.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => items.iter().map(text_of).collect(),
        Value::Object(part) => part.get("text")?.as_str().map(str::to_owned),
        _ => None,
    }
}

/// Puts a chunk's choice into OpenAI's form: a completion's text, a message in place of the delta,
/// and another name of the thoughts. Returns whether a message was its delta. Beside deltas a message
/// is the whole answer once more; `speaks_in_deltas` says whether deltas of this index came before.
pub(super) fn tidy_piece(choice: &mut ChunkChoice, speaks_in_deltas: impl FnOnce(u32) -> bool) -> bool {
    if choice.extra.is_empty() && choice.delta.extra.is_empty() {
        return false;
    }
    let mut is_message = false;
    if let Some(message) = choice.extra.shift_remove("message") {
        if !says_anything(&choice.delta) && !speaks_in_deltas(choice.index) {
            if let Ok(delta) = serde_json::from_str(&message.to_string()) {
                (choice.delta, is_message) = (delta, true);
            }
        }
    }
    if let Some(text) = take_text(&mut choice.extra) {
        choice.delta.content = Some(text);
    }
    take_reasoning(&mut choice.delta.extra, &mut choice.delta.reasoning_content);
    is_message
}

/// Whether a delta has text, thoughts or calls.
pub(super) fn says_anything(delta: &Delta) -> bool {
    let has_text = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    has_text(&delta.content) || has_text(&delta.reasoning_content) || !delta.tool_calls.is_empty()
}

/// The same for a whole answer. DJL puts calls beside the message.
pub(super) fn tidy_choice(choice: &mut Choice) {
    take_reasoning(&mut choice.message.extra, &mut choice.message.reasoning_content);
    if choice.message.tool_calls.is_empty() {
        if let Some(Value::Array(calls)) = choice.extra.get("tool_calls") {
            if let Ok(calls) = serde_json::from_str(&Value::Array(calls.clone()).to_string()) {
                choice.message.tool_calls = calls;
                choice.extra.shift_remove("tool_calls");
            }
        }
    }
}

/// vLLM's newer name of `reasoning_content`, under which the thoughts may stand a second time.
fn take_reasoning(extra: &mut Map<String, Value>, thoughts: &mut Option<String>) {
    let Some(reasoning) = extra.get_mut("reasoning") else { return };
    if matches!(reasoning, Value::Array(_) | Value::Object(_)) {
        if let Some(text) = text_of(reasoning) {
            *reasoning = Value::String(text);
        }
    }
    if reasoning.is_string() || reasoning.is_null() {
        if let Some(Value::String(reasoning)) = extra.shift_remove("reasoning") {
            if !reasoning.is_empty() {
                thoughts.get_or_insert(reasoning);
            }
        }
    }
}

/// DJL's streams give a list in place of OpenAI's object: of such objects, or of tokens. vLLM's
/// object has no `refusal`, which OpenAI's always has.
pub(super) fn tidy_logprobs(logprobs: &mut Option<Value>) {
    match logprobs {
        Some(Value::Array(items)) => {
            let content: Vec<Value> = items
                .drain(..)
                .flat_map(|mut item| match item.get_mut("content").map(Value::take) {
                    Some(Value::Array(tokens)) => tokens,
                    _ => vec![item],
                })
                .filter(Value::is_object)
                .collect();
            *logprobs = (!content.is_empty()).then(|| json!({ "content": content, "refusal": null }));
        }
        Some(Value::Object(object)) if object.contains_key("content") => {
            object.entry("refusal").or_insert(Value::Null);
        }
        Some(Value::Object(_)) | None => {}
        // A client that knows the form would refuse the answer.
        Some(_) => *logprobs = None,
    }
}

/// Whether the first record of a stream is a whole reply. Some containers call the delta of each
/// piece a message.
pub(super) fn is_whole_reply(chunk: &ChatChunk, choice: &ChunkChoice) -> bool {
    choice.extra.contains_key("message") && (&*chunk.object == "chat.completion" || choice.finish_reason.is_some())
}

/// A completion's text where a chat's message or delta was expected.
fn take_text(choice: &mut Map<String, Value>) -> Option<String> {
    choice.get("text").filter(|text| text.is_string())?;
    match choice.shift_remove("text") {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_calls_in_place_of_a_list_are_read() {
        let json = br#"{"created":1.5,"choices":[{"index":0,"delta":{"tool_calls":{"index":0,"id":7,"type":"function","function":{"name":"f","arguments":{"a":1}}}}}]}"#;
        let chunk = read_chunk(json).unwrap();
        let call = &chunk.choices[0].delta.tool_calls[0];
        assert_eq!((call.id.as_deref(), chunk.created), (Some("7"), 1));
        assert_eq!(call.function.as_ref().unwrap().arguments.as_deref(), Some(r#"{"a":1}"#));
    }

    #[test]
    fn a_completion_is_read_as_a_chat_and_another_shape_is_not() {
        let reply = read_reply(br#"{"choices":[{"index":0,"text":"hi","finish_reason":"stop"}]}"#).unwrap();
        assert_eq!(reply.content(), "hi");
        for json in [&br#"{"choices":[{"index":0}]}"#[..], br#"{"choices":{}}"#, br#"{"a":1}"#, b"[]", b"no"] {
            assert!(read_reply(json).is_none());
        }
    }

    #[test]
    fn both_lists_of_log_probabilities_become_one_object() {
        for list in [
            json!([{"content": [{"token": "a"}]}, {"content": [{"token": "b"}]}]),
            json!([{"token": "a"}, {"token": "b"}]),
        ] {
            let mut logprobs = Some(list);
            tidy_logprobs(&mut logprobs);
            assert_eq!(logprobs, Some(json!({"content": [{"token": "a"}, {"token": "b"}], "refusal": null})));
        }
    }

    #[test]
    fn log_probabilities_of_another_form_are_none() {
        for odd in [json!("none"), json!(7), json!(true), json!([]), json!([1, null]), json!([[]])] {
            let mut logprobs = Some(odd.clone());
            tidy_logprobs(&mut logprobs);
            assert_eq!(logprobs, None, "{odd}");
        }
    }

    #[test]
    fn what_is_empty_in_a_list_costs_nothing() {
        for calls in ["{}", "\"\"", "[]", "[null]", "[{}]", "null"] {
            let text = format!(r#"{{"choices":[null,{{"message":{{"content":"hi","tool_calls":{calls}}}}}]}}"#);
            let reply = read_reply(text.as_bytes()).unwrap();
            assert_eq!((reply.content(), reply.tool_calls().len(), reply.choices.len()), ("hi", 0, 1), "{calls}");
        }
        let one = read_reply(br#"{"choices":{"message":{"content":"hi"},"finish_reason":"stop"}}"#).unwrap();
        assert_eq!(one.content(), "hi");
        assert!(read_reply(br#"{"choices":{"odd":"hi"}}"#).is_none());
    }

    #[test]
    fn thoughts_in_parts_are_joined() {
        let reply = read_reply(br#"{"choices":[{"message":{"content":"4","reasoning_content":["R",{"text":"S"}]}}]}"#);
        assert_eq!(reply.unwrap().choices[0].message.reasoning_content.as_deref(), Some("RS"));
        assert!(read_reply(br#"{"choices":[{"message":{"content":"4","reasoning_content":{"odd":"R"}}}]}"#).is_none());
    }

    #[test]
    fn texts_and_thoughts_in_parts_are_joined_and_unknown_parts_refused() {
        let read = |content: Value| {
            let text = json!({"choices": [{"message": {"content": content}}]}).to_string();
            let message = read_reply(text.as_bytes())?.choices.pop()?.message;
            Some((message.content, message.reasoning_content))
        };
        let said =
            |text: Option<&str>, thoughts: Option<&str>| Some((text.map(str::to_owned), thoughts.map(str::to_owned)));
        let four = json!({"type": "text", "text": "4"});
        assert_eq!(
            read(json!(["a", {"text": "b"}, null, {"type": "output_text", "text": "c"}])),
            said(Some("abc"), None)
        );
        assert_eq!(read(json!([{"type": "thinking", "thinking": "Okay"}, four])), said(Some("4"), Some("Okay")));
        let nested = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "Okay"}]}, four]);
        assert_eq!(read(nested), said(Some("4"), Some("Okay")));
        assert_eq!(read(json!([{"type": "reasoning", "text": "Okay"}])), said(None, Some("Okay")));
        assert_eq!(read(json!([])), said(Some(""), None));
        for unknown in [json!([7]), json!([{"type": "text"}]), json!([{"type": "image", "text": "x"}]), json!({"a": 1})]
        {
            assert_eq!(read(unknown.clone()), None, "{unknown}");
        }
    }

    #[test]
    fn thoughts_under_both_names_are_told_once() {
        for (extra, known, thoughts, left) in [
            (json!({"reasoning": "R"}), None, Some("R"), 0),
            (json!({"reasoning": "R"}), Some("S"), Some("S"), 0),
            (json!({"reasoning": {"text": "R"}}), None, Some("R"), 0),
            (json!({"reasoning": ["R", {"text": "S"}]}), None, Some("RS"), 0),
            (json!({"reasoning": null}), None, None, 0),
            (json!({"reasoning": ""}), None, None, 0),
            (json!({"reasoning": {"effort": 1}}), None, None, 1),
        ] {
            let mut extra = extra.as_object().unwrap().clone();
            let mut found = known.map(str::to_owned);
            take_reasoning(&mut extra, &mut found);
            assert_eq!((found.as_deref(), extra.len()), (thoughts, left));
        }
    }
}
