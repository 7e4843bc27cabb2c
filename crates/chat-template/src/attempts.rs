//! The forms in which a conversation of OpenAI's is offered to a model's own template, one after
//! the other until one is rendered.
//!
//! OpenAI's messages differ from what `transformers` hands to templates: arguments of calls are
//! JSON texts, system messages may be called `developer`, content may be null or in parts. What
//! every template wants comes first: arguments as objects, roles under the names it knows. Where it
//! refuses that, smaller changes are tried before larger ones. <https://huggingface.co/docs/transformers/main/en/chat_extras>

use serde_json::{Map, Value, json};

use crate::adapt::{self, Abilities, SystemPlace};
use crate::conversation::ConversationError;
use crate::habits::Habits;

/// One form of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    /// Arguments of calls as JSON texts, not as objects: what DeepSeek R1 and V3 want.
    arguments_as_text: bool,
    /// An empty text for null content.
    empty_for_null: bool,
    /// Ids of calls as Mistral's templates want them: nine letters and digits.
    short_ids: bool,
    /// Turns made to fit these abilities.
    fitted: Option<Abilities>,
}

const AS_IT_IS: Form = Form { arguments_as_text: false, empty_for_null: false, short_ids: false, fitted: None };

/// The forms worth trying, best first. Never empty.
pub(crate) fn attempts(
    messages: &[Value],
    habits: Habits,
) -> impl Iterator<Item = Result<Vec<Value>, ConversationError>> {
    let has_calls = messages.iter().any(|message| message.get("tool_calls").is_some_and(|calls| !calls.is_null()));
    let has_results =
        messages.iter().any(|message| message.as_object().is_some_and(|message| adapt::role_of(message) == "tool"));
    let has_null = messages.iter().any(|message| message.get("content").is_some_and(Value::is_null));
    forms(has_calls, has_calls || has_results, has_null, habits)
        .into_iter()
        .map(move |form| written(messages, form, habits))
}

fn forms(has_calls: bool, has_tools: bool, has_null: bool, habits: Habits) -> Vec<Form> {
    let mut forms = Vec::with_capacity(10);
    // An empty text in place of null would hide that a template has no words for an answer that only
    // calls tools.
    let knows_calls = !has_calls || habits.tool_calls;
    for empty_for_null in [false, true] {
        for arguments_as_text in [false, true] {
            let is_new = (!arguments_as_text || has_calls) && (!empty_for_null || (has_null && knows_calls));
            if is_new {
                forms.push(Form { arguments_as_text, empty_for_null, ..AS_IT_IS });
            }
        }
    }
    if has_calls && knows_calls {
        forms.push(Form { empty_for_null: true, short_ids: true, ..AS_IT_IS });
    }
    let places = [SystemPlace::Anywhere, SystemPlace::First, SystemPlace::None];
    let fitted = |tools: bool| {
        places.map(|system| Form {
            short_ids: true,
            fitted: Some(Abilities { system, tools, same_role_in_a_row: false }),
            ..AS_IT_IS
        })
    };
    if has_tools && habits.tool_calls {
        forms.extend(fitted(true));
    }
    forms.extend(fitted(false));
    forms
}

/// The messages in a form.
fn written(messages: &[Value], form: Form, habits: Habits) -> Result<Vec<Value>, ConversationError> {
    let mut turns: Vec<Map<String, Value>> = adapt::objects(messages)?.into_iter().cloned().collect();
    for (index, turn) in turns.iter_mut().enumerate() {
        rename_role(turn, habits);
        if !habits.parts && turn.get("content").is_some_and(Value::is_array) {
            let text = adapt::text_of(turn, index)?.into_owned();
            turn.insert("content".to_owned(), Value::String(text));
        }
        if turn.get("content").is_some_and(Value::is_null) {
            if form.empty_for_null {
                turn.insert("content".to_owned(), json!(""));
            } else if !habits.null_content {
                turn.shift_remove("content");
            }
        }
        if form.arguments_as_text { adapt::write_arguments(turn) } else { adapt::parse_arguments(turn) }
    }
    if form.short_ids {
        shorten_ids(&mut turns);
    }
    if form.fitted.is_some() {
        turns.retain(|turn| !says_nothing(turn));
    }
    let turns: Vec<Value> = turns.into_iter().map(Value::Object).collect();
    match form.fitted {
        Some(abilities) => adapt::adapt(&turns, abilities),
        None => Ok(turns),
    }
}

/// An answer without text and calls, which some templates refuse.
fn says_nothing(turn: &Map<String, Value>) -> bool {
    let is_empty = |value: Option<&Value>| match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    };
    adapt::role_of(turn) == "assistant" && is_empty(turn.get("content")) && is_empty(turn.get("tool_calls"))
}

/// OpenAI's newer name of system messages and its older name of tool results, for templates that do
/// not know them.
fn rename_role(turn: &mut Map<String, Value>, habits: Habits) {
    let known = match turn.get("role").and_then(Value::as_str) {
        Some("developer") if !habits.developer => "system",
        Some("function") => "tool",
        _ => return,
    };
    turn.insert("role".to_owned(), Value::String(known.to_owned()));
}

/// Gives every call an id of nine letters and digits, made of its own, and its result the same.
fn shorten_ids(turns: &mut [Map<String, Value>]) {
    const LENGTH: usize = 9;
    let is_short = |id: &str| id.len() == LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut known: Vec<(String, String)> = Vec::new();
    let mut shorten = |id: &mut Value| {
        let Some(long) = id.as_str().filter(|id| !is_short(id)) else { return };
        if let Some((_, short)) = known.iter().find(|(known, _)| known == long) {
            *id = Value::String(short.clone());
            return;
        }
        let own: String = long.chars().filter(char::is_ascii_alphanumeric).collect();
        let tail = own.get(own.len().saturating_sub(LENGTH)..).unwrap_or_default();
        let mut short = format!("{tail:0>LENGTH$}");
        // Two ids may end alike.
        if known.iter().any(|(_, other)| *other == short) {
            short = format!("{:0>LENGTH$}", known.len());
        }
        known.push((long.to_owned(), short.clone()));
        *id = Value::String(short);
    };
    for turn in turns {
        if let Some(Value::Array(calls)) = turn.get_mut("tool_calls") {
            calls.iter_mut().filter_map(|call| call.get_mut("id")).for_each(&mut shorten);
        }
        if let Some(id) = turn.get_mut("tool_call_id") {
            shorten(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Habits = Habits { developer: true, tool_calls: true, parts: true, null_content: true };
    const NONE: Habits = Habits { developer: false, tool_calls: false, parts: false, null_content: false };

    fn all(messages: &Value, habits: Habits) -> Vec<Value> {
        attempts(messages.as_array().unwrap(), habits).map(|turns| Value::from(turns.unwrap())).collect()
    }

    fn round(arguments: &Value) -> Value {
        json!([
            {"role": "user", "content": "weather?"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_abcdefghijkl", "type": "function", "function": {"name": "get", "arguments": arguments}}]},
            {"role": "tool", "tool_call_id": "call_abcdefghijkl", "content": "sunny"}
        ])
    }

    #[test]
    fn a_plain_conversation_comes_first_as_it_is() {
        let messages = json!([{"role": "system", "content": "s"}, {"role": "user", "content": "a"}]);
        let all = all(&messages, ALL);
        assert_eq!(all[0], messages);
        assert_eq!(all.len(), 4);
        assert_eq!(all[3], json!([{"role": "user", "content": "s\n\na"}]));
    }

    #[test]
    fn arguments_are_objects_first_and_texts_later() {
        for arguments in [json!("{\"city\": \"Paris\"}"), json!({"city": "Paris"})] {
            let all = all(&round(&arguments), ALL);
            let of = |turns: &Value| turns[1]["tool_calls"][0]["function"]["arguments"].clone();
            assert_eq!(of(&all[0]), json!({"city": "Paris"}));
            assert_eq!(of(&all[1]), json!("{\"city\": \"Paris\"}"));
            assert_eq!((all[1][1]["content"].clone(), all[2][1]["content"].clone()), (Value::Null, json!("")));
        }
        for empty in [json!(""), json!(null), json!(" ")] {
            let all = all(&round(&empty), ALL);
            assert_eq!(all[0][1]["tool_calls"][0]["function"]["arguments"], json!({}), "{empty}");
            assert_eq!(all[1][1]["tool_calls"][0]["function"]["arguments"], json!("{}"), "{empty}");
        }
    }

    #[test]
    fn ids_are_shortened_together_and_stay_apart() {
        let mut turns: Vec<Map<String, Value>> = [
            json!({"tool_calls": [{"id": "call_1aaaaaaaaa"}, {"id": "call_2aaaaaaaaa"}, {"id": "abcdefghi"}, {"id": "c-1"}]}),
            json!({"tool_call_id": "call_2aaaaaaaaa"}),
            json!({"tool_call_id": "c-1"}),
        ]
        .into_iter()
        .map(|turn| turn.as_object().unwrap().clone())
        .collect();
        shorten_ids(&mut turns);
        let ids: Vec<&str> =
            turns[0]["tool_calls"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["aaaaaaaaa", "000000001", "abcdefghi", "0000000c1"]);
        assert_eq!((&turns[1]["tool_call_id"], &turns[2]["tool_call_id"]), (&json!(ids[1]), &json!(ids[3])));
    }

    #[test]
    fn what_a_template_does_not_know_is_said_in_what_it_knows() {
        let messages = json!([{"role": "developer", "content": [{"type": "text", "text": "Be brief."}]}]);
        assert_eq!(all(&messages, NONE)[0], json!([{"role": "system", "content": "Be brief."}]));
        assert_eq!(all(&messages, ALL)[0], messages);
        let all = all(&round(&json!("{}")), NONE);
        assert!(all[0][1].get("content").is_none() && all[0][1].get("tool_calls").is_some());
        let first = &all[2];
        assert_eq!(first[1], json!({"role": "assistant", "content": "{\"name\": \"get\", \"arguments\": {}}"}));
        assert_eq!(first[2]["role"], "user");
    }
}
