//! From a conversation to the variables of a template, as `apply_chat_template` of `transformers` 5
//! prepares them.
//!
//! Keys that are null at the top of a message are dropped (see [`NullContent`]), and reasoning is
//! made readable under both names that templates use.

use serde_json::{Map, Value as Json};

use minijinja::value::Value;

use crate::conversation::{Conversation, ConversationError};
use crate::jinja::context::{Variables, from_array, from_json};
use crate::python::dict::Dict;
use crate::special_tokens::SpecialTokens;

/// The names a message's reasoning goes by; the first that is set counts.
const REASONING: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

/// What a caller's variables must not replace.
const RESERVED: [&str; 4] = ["messages", "tools", "documents", "add_generation_prompt"];

/// What becomes of a message's null content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NullContent {
    /// It is dropped as every null key of a message: `transformers` since version 5.
    Dropped,
    /// It is none, and only absent content is undefined: `transformers` before, for which most
    /// templates were written.
    Kept,
}

/// Builds the variables. `messages` are the conversation's, or what was made of them.
pub(crate) fn variables(
    conversation: &Conversation<'_>,
    messages: &[Json],
    tokens: &SpecialTokens,
    null_content: NullContent,
) -> Result<Variables, ConversationError> {
    if messages.is_empty() {
        return Err(ConversationError::Empty);
    }
    let kwargs = conversation.kwargs.map_or(0, Map::len);
    let mut variables = Variables::with_capacity(4 + kwargs + 3);
    let mut values = Vec::with_capacity(messages.len());
    for (index, json) in messages.iter().enumerate() {
        let Json::Object(entries) = json else { return Err(ConversationError::NotAnObject { index }) };
        values.push(message(entries, null_content).ok_or(ConversationError::TooDeep)?);
    }
    variables.push("messages", Value::from(values));
    variables.push("tools", optional(conversation.tools)?);
    if let Some(documents) = conversation.documents {
        if let Some(index) = documents.iter().position(|document| !document.is_object()) {
            return Err(ConversationError::DocumentNotAnObject { index });
        }
    }
    variables.push("documents", optional(conversation.documents)?);
    variables.push("add_generation_prompt", Value::from(conversation.add_generation_prompt));
    for (name, json) in conversation.kwargs.into_iter().flatten() {
        if RESERVED.contains(&name.as_str()) {
            return Err(ConversationError::ReservedVariable { name: name.clone() });
        }
        variables.push(name.clone(), from_json(json).ok_or(ConversationError::TooDeep)?);
    }
    for (name, text) in tokens.iter() {
        variables.push(name.to_owned(), Value::from(text));
    }
    Ok(variables)
}

fn optional(items: Option<&[Json]>) -> Result<Value, ConversationError> {
    items.map_or(Ok(Value::from(())), |items| from_array(items).ok_or(ConversationError::TooDeep))
}

/// One message. `None` if it is nested too deeply.
fn message(entries: &Map<String, Json>, null_content: NullContent) -> Option<Value> {
    let is_kept = |key: &str| null_content == NullContent::Kept && key == "content";
    let reasoning = REASONING.iter().find_map(|name| entries.get(*name).filter(|value| !value.is_null()));
    let mut values: Vec<(Value, Value)> = Vec::with_capacity(entries.len() + 2);
    let reasoning = reasoning.map(from_json).map_or(Some(None), |value| value.map(Some))?;
    if let Some(reasoning) = &reasoning {
        // In front, even if it was somewhere else; a value of its own stays.
        let own = entries.get("thinking").filter(|value| !value.is_null()).map(from_json);
        values.push((Value::from("thinking"), own.unwrap_or_else(|| Some(reasoning.clone()))?));
    }
    for (key, json) in entries {
        if (json.is_null() && !is_kept(key)) || (reasoning.is_some() && key == "thinking") {
            continue;
        }
        let value = match &reasoning {
            Some(reasoning) if key == "reasoning_content" => reasoning.clone(),
            _ => from_json(json)?,
        };
        values.push((Value::from(key.as_str()), value));
    }
    if let Some(reasoning) = reasoning {
        if entries.get("reasoning_content").is_none_or(Json::is_null) {
            values.push((Value::from("reasoning_content"), reasoning));
        }
    }
    Some(Dict::value(values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keys(json: &Json) -> Vec<String> {
        let value = message(json.as_object().unwrap(), NullContent::Dropped).unwrap();
        value.try_iter().unwrap().map(|key| key.to_string()).collect()
    }

    #[test]
    fn null_keys_are_dropped_at_the_top_only() {
        let json = json!({"role": "assistant", "content": null, "tool_calls": [{"id": null}]});
        assert_eq!(keys(&json), ["role", "tool_calls"]);
        let value = message(json.as_object().unwrap(), NullContent::Dropped).unwrap();
        let call = value.get_attr("tool_calls").unwrap().get_item_by_index(0).unwrap();
        assert!(call.get_attr("id").unwrap().is_none());
    }

    #[test]
    fn null_content_may_be_kept_and_absent_content_stays_undefined() {
        let kept = |json: &Json| message(json.as_object().unwrap(), NullContent::Kept).unwrap();
        let null = kept(&json!({"role": "assistant", "content": null, "name": null}));
        assert!(null.get_attr("content").unwrap().is_none() && null.get_attr("name").unwrap().is_undefined());
        assert!(kept(&json!({"role": "assistant"})).get_attr("content").unwrap().is_undefined());
    }

    #[test]
    fn reasoning_is_found_under_both_names() {
        assert_eq!(
            keys(&json!({"role": "a", "reasoning": "r"})),
            ["thinking", "role", "reasoning", "reasoning_content"]
        );
        assert_eq!(
            keys(&json!({"role": "a", "reasoning_content": "r", "thinking": "t"})),
            ["thinking", "role", "reasoning_content"]
        );
        let value =
            message(json!({"thinking": "t", "reasoning_content": "r"}).as_object().unwrap(), NullContent::Dropped)
                .unwrap();
        assert_eq!(value.get_attr("thinking").unwrap().as_str(), Some("t"));
        assert_eq!(value.get_attr("reasoning_content").unwrap().as_str(), Some("r"));
        assert_eq!(keys(&json!({"role": "a", "thinking": null})), ["role"]);
    }

    #[test]
    fn bad_conversations_are_refused_before_rendering() {
        let tokens = SpecialTokens::new();
        let refuse = |conversation: &Conversation<'_>| {
            variables(conversation, conversation.messages, &tokens, NullContent::Dropped).unwrap_err()
        };
        assert_eq!(refuse(&Conversation::new(&[])), ConversationError::Empty);
        assert_eq!(refuse(&Conversation::new(&[json!("hi")])), ConversationError::NotAnObject { index: 0 });
        let mut deep = json!("x");
        for _ in 0..200 {
            deep = Json::Array(vec![deep]);
        }
        let messages = [json!({"role": "user", "content": deep})];
        assert_eq!(refuse(&Conversation::new(&messages)), ConversationError::TooDeep);
        let kwargs = json!({"messages": 1});
        let messages = [json!({"role": "user", "content": "x"})];
        let reserved = Conversation::new(&messages).kwargs(kwargs.as_object().unwrap());
        assert_eq!(refuse(&reserved), ConversationError::ReservedVariable { name: "messages".to_owned() });
        let documents = [json!(1)];
        let documents = Conversation::new(&messages).documents(&documents);
        assert_eq!(refuse(&documents), ConversationError::DocumentNotAnObject { index: 0 });
    }
}
