//! What containers write otherwise than OpenAI does.
//!
//! Owns the repair of replies and chunks that OpenAI's types refuse: it costs nothing where a container keeps to the form.

use sagewire_types::{ChatChunk, ChatResponse};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Reads a whole reply that OpenAI's types refused, where its liberties are known ones. A completion is one of them.
pub(super) fn read_reply(text: &[u8]) -> Option<ChatResponse> {
    read(text, |choice| {
        if !choice.contains_key("message")
            && let Some(text) = take_text(choice)
        {
            choice.insert("message".to_owned(), json!({ "role": "assistant", "content": text }));
        }
        tidy_message(choice, "message");
    })
}

/// Reads a chunk that OpenAI's types refused, where its liberties are known ones.
pub(super) fn read_chunk(text: &[u8]) -> Option<ChatChunk> {
    read(text, |choice| tidy_message(choice, "delta"))
}

fn read<T: DeserializeOwned>(text: &[u8], tidy_choice: impl Fn(&mut Map<String, Value>)) -> Option<T> {
    let mut value: Value = serde_json::from_slice(text).ok()?;
    let reply = value.as_object_mut()?;
    if let Some(created) = reply.get_mut("created")
        && let Some(seconds) = created.as_f64().filter(|_| created.is_f64())
    {
        // Some containers give parts of a second.
        *created = json!(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs());
    }
    for choice in reply.get_mut("choices")?.as_array_mut()? {
        tidy_choice(choice.as_object_mut()?);
    }
    // By way of its text, which is read as every reply is: types that read trees, too, would all be compiled twice.
    serde_json::from_str(&value.to_string()).ok()
}

fn tidy_message(choice: &mut Map<String, Value>, key: &str) {
    let Some(Value::Object(message)) = choice.get_mut(key) else { return };
    // Parts, where a text is meant.
    if let Some(Value::Array(parts)) = message.get("content") {
        let text: String = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect();
        message.insert("content".to_owned(), Value::String(text));
    }
    match message.get_mut("tool_calls") {
        // TGI's streams had one call in place of a list.
        Some(call @ Value::Object(_)) => {
            tidy_call(call);
            *call = Value::Array(vec![call.take()]);
        }
        Some(Value::Array(calls)) => calls.iter_mut().for_each(tidy_call),
        _ => {}
    }
}

/// TGI numbered its calls.
fn tidy_call(call: &mut Value) {
    if let Some(id) = call.get_mut("id").filter(|id| id.is_number()) {
        *id = Value::String(id.to_string());
    }
}

/// vLLM's newer name of `reasoning_content`.
pub(super) fn take_reasoning(extra: &mut Map<String, Value>) -> Option<String> {
    extra.get("reasoning").filter(|reasoning| reasoning.is_string() || reasoning.is_null())?;
    match extra.shift_remove("reasoning") {
        Some(Value::String(reasoning)) => Some(reasoning),
        _ => None,
    }
}

/// DJL's streams give a list in place of OpenAI's object: of such objects, or of tokens.
pub(super) fn tidy_logprobs(logprobs: &mut Option<Value>) {
    if let Some(Value::Array(items)) = logprobs {
        let content: Vec<Value> = items
            .drain(..)
            .flat_map(|mut item| match item.get_mut("content").map(Value::take) {
                Some(Value::Array(tokens)) => tokens,
                _ => vec![item],
            })
            .collect();
        *logprobs = Some(json!({ "content": content, "refusal": null }));
    }
}

/// A whole reply where a chunk was expected.
pub(super) fn is_whole_reply(extra_of_choice: &Map<String, Value>) -> bool {
    extra_of_choice.contains_key("message")
}

/// A completion's text where a chat's message or delta was expected.
pub(super) fn take_text(choice: &mut Map<String, Value>) -> Option<String> {
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
    fn a_null_reasoning_goes_and_an_object_stays() {
        let mut extra = Map::new();
        extra.insert("reasoning".to_owned(), Value::Null);
        assert_eq!((take_reasoning(&mut extra), extra.len()), (None, 0));
        extra.insert("reasoning".to_owned(), json!({"effort": 1}));
        assert_eq!((take_reasoning(&mut extra), extra.len()), (None, 1));
    }
}
