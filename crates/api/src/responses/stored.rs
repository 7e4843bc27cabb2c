//! Items as a gateway stores and lists them: <https://platform.openai.com/docs/api-reference/responses/input-items>

use serde_json::{Map, Value, json};

use super::items;

/// The items of an input in the form in which OpenAI lists them: each has an id and a status, and
/// content is a list of parts. `id` gives the id of an item without one, from its place.
#[must_use]
pub fn stored_items(items: &[Value], id: impl Fn(usize) -> String) -> Vec<Value> {
    let stored = items.iter().enumerate().map(|(place, item)| {
        let mut item = item.as_object().cloned().unwrap_or_default();
        let kind = items::kind(&Value::Object(item.clone())).unwrap_or("message").to_owned();
        if kind == "message" {
            list_content(&mut item);
        }
        item.insert("type".to_owned(), Value::from(kind));
        if item.get("id").and_then(Value::as_str).is_none_or(str::is_empty) {
            item.insert("id".to_owned(), Value::from(id(place)));
        }
        if item.get("status").is_none_or(Value::is_null) {
            item.insert("status".to_owned(), Value::from("completed"));
        }
        Value::Object(item)
    });
    stored.collect()
}

/// A message's text as a part.
fn list_content(message: &mut Map<String, Value>) {
    let is_models = message.get("role").and_then(Value::as_str) == Some("assistant");
    if let Some(content) = message.get_mut("content") {
        if let Value::String(text) = content {
            let text = std::mem::take(text);
            *content = if is_models {
                json!([{ "type": "output_text", "text": text, "annotations": [] }])
            } else {
                json!([{ "type": "input_text", "text": text }])
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_get_what_a_list_of_them_needs() {
        let items = [
            json!({"role": "user", "content": "hi"}),
            json!({"type": "message", "id": "m", "role": "assistant", "content": "a", "status": "incomplete"}),
            json!({"type": "function_call_output", "call_id": "c", "output": "x"}),
        ];
        assert_eq!(
            stored_items(&items, |place| format!("in_{place}")),
            [
                json!({"role": "user", "content": [{"type": "input_text", "text": "hi"}], "type": "message", "id": "in_0", "status": "completed"}),
                json!({"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": "a", "annotations": []}], "status": "incomplete"}),
                json!({"type": "function_call_output", "call_id": "c", "output": "x", "id": "in_2", "status": "completed"}),
            ]
        );
    }
}
