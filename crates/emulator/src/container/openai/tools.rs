//! Tool calls and JSON answers, made up from a schema.
//!
//! Owns the choice of a tool and the example that fits a [JSON Schema](https://json-schema.org/understanding-json-schema). Both follow
//! from the request alone.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::speech::fingerprint;

/// Words of a tool's name that say nothing about it.
const EMPTY_WORDS: [&str; 12] =
    ["get", "set", "the", "for", "and", "find", "fetch", "call", "make", "tool", "current", "function"];
/// A schema nested deeper than this is cut off with `null`.
const DEEPEST: usize = 16;

/// One tool on offer.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Tool {
    function: Function,
}

#[derive(Clone, Debug, Deserialize)]
struct Function {
    name: String,
    parameters: Option<Value>,
}

/// One call in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AnsweredCall {
    pub(super) id: String,
    pub(super) name: String,
    /// JSON, as text.
    pub(super) arguments: String,
}

/// The calls that a question asks for. Under `auto`, a tool is called whose name shares a word with
/// the question.
pub(super) fn calls(offered: &[Tool], choice: Option<&Value>, question: &str, seed: u64) -> Vec<AnsweredCall> {
    let forced = choice.and_then(|choice| choice.pointer("/function/name")).and_then(Value::as_str);
    let mentioned = |tool: &&Tool| asks_for(question, &tool.function.name);
    let chosen: Vec<&Tool> = match (choice.and_then(Value::as_str), forced) {
        (Some("none"), _) => Vec::new(),
        (_, Some(name)) => offered.iter().filter(|tool| tool.function.name == name).take(1).collect(),
        (Some("required"), _) => match offered.iter().find(mentioned).or(offered.first()) {
            Some(tool) => vec![tool],
            None => Vec::new(),
        },
        _ => offered.iter().filter(mentioned).collect(),
    };
    let call = |(index, tool): (usize, &Tool)| AnsweredCall {
        id: format!(
            "chatcmpl-tool-{:016x}",
            fingerprint(tool.function.name.as_bytes()) ^ seed.wrapping_add(index as u64)
        ),
        name: tool.function.name.clone(),
        arguments: tool
            .function
            .parameters
            .as_ref()
            .map_or_else(|| json!({}), |schema| example(schema, question, 0))
            .to_string(),
    };
    chosen.into_iter().enumerate().map(call).collect()
}

/// The text that a `response_format` asks for, if it asks for JSON.
pub(super) fn formatted(format: Option<&Value>, question: &str) -> Option<String> {
    let format = format?;
    match format.get("type")?.as_str()? {
        "json_object" => Some(json!({"answer": question}).to_string()),
        // TGI's older name for a schema is `json`, with the schema under `value`.
        "json_schema" | "json" => {
            let schema = format.pointer("/json_schema/schema").or_else(|| format.get("value"))?;
            Some(example(schema, question, 0).to_string())
        }
        _ => None,
    }
}

fn asks_for(question: &str, name: &str) -> bool {
    let question = question.to_lowercase();
    let name = name.to_lowercase();
    question.contains(&name)
        || name
            .split(|character: char| !character.is_alphanumeric())
            .filter(|word| word.chars().count() > 2 && !EMPTY_WORDS.contains(word))
            .any(|word| question.contains(word))
}

/// A value that fits a schema, with words and numbers of the question in it.
fn example(schema: &Value, question: &str, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let mentioned = values.iter().find(|value| value.as_str().is_some_and(|text| question.contains(text)));
        return mentioned.or(values.first()).cloned().unwrap_or_default();
    }
    let alternatives = ["anyOf", "oneOf", "allOf"].iter().find_map(|key| schema.get(key)?.as_array()?.first());
    if let Some(first) = alternatives {
        return example(first, question, depth + 1);
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or("null"),
        _ if schema.get("properties").is_some() => "object",
        _ => "string",
    };
    match kind {
        "object" => {
            let empty = Map::new();
            let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
            let required: Option<Vec<&str>> = schema
                .get("required")
                .and_then(Value::as_array)
                .map(|names| names.iter().filter_map(Value::as_str).collect());
            let wanted = |name: &str| required.as_ref().is_none_or(|names| names.contains(&name));
            let members = properties
                .iter()
                .filter(|(name, _)| wanted(name))
                .map(|(name, schema)| (name.clone(), example(schema, question, depth + 1)));
            Value::Object(members.collect())
        }
        "array" => json!([schema.get("items").map_or(Value::Null, |items| example(items, question, depth + 1))]),
        "integer" => number(question).map_or_else(|| schema.get("minimum").cloned().unwrap_or(json!(1)), Value::from),
        "number" => number(question).map_or_else(|| schema.get("minimum").cloned().unwrap_or(json!(1.5)), Value::from),
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => Value::String(subject(question)),
    }
}

/// The first whole number in a text.
fn number(text: &str) -> Option<i64> {
    text.split(|character: char| !character.is_ascii_digit()).find(|digits| !digits.is_empty())?.parse().ok()
}

/// What a question is about: its last capitalised word that does not begin it, else all of it.
fn subject(question: &str) -> String {
    let words = question
        .split_whitespace()
        .skip(1)
        .map(|word| word.trim_matches(|character: char| !character.is_alphanumeric()));
    let name =
        words.filter(|word| word.chars().count() > 1 && word.chars().next().is_some_and(char::is_uppercase)).last();
    name.unwrap_or(question).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weather() -> Vec<Tool> {
        serde_json::from_value(json!([
            {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {
                "city": {"type": "string"}, "days": {"type": "integer", "minimum": 2}, "unit": {"enum": ["C", "F"]}}, "required": ["city", "unit"]}}},
            {"type": "function", "function": {"name": "send_mail"}}
        ]))
        .unwrap()
    }

    #[test]
    fn a_tool_is_called_when_asked_for() {
        let tools = weather();
        let names = |choice: Option<Value>, question: &str| -> Vec<String> {
            calls(&tools, choice.as_ref(), question, 7).into_iter().map(|call| call.name).collect()
        };
        assert_eq!(names(None, "What is the weather in Paris?"), ["get_weather"]);
        assert_eq!(names(None, "Mail me the weather"), ["get_weather", "send_mail"]);
        assert!(names(None, "Tell me a joke").is_empty());
        assert!(names(Some(json!("none")), "What is the weather in Paris?").is_empty());
        assert_eq!(names(Some(json!("required")), "Tell me a joke"), ["get_weather"]);
        assert_eq!(
            names(Some(json!({"type": "function", "function": {"name": "send_mail"}})), "weather"),
            ["send_mail"]
        );
        let call = &calls(&tools, None, "What is the weather in Paris?", 7)[0];
        assert_eq!(call.arguments, r#"{"city":"Paris","unit":"C"}"#);
        assert_eq!(call, &calls(&tools, None, "What is the weather in Paris?", 7)[0]);
    }

    #[test]
    fn examples_fit_their_schemas() {
        let cases = [
            (json!({"type": "integer"}), json!(30)),
            (json!({"type": ["number", "null"]}), json!(30)),
            (json!({"type": "array", "items": {"type": "boolean"}}), json!([true])),
            (json!({"anyOf": [{"const": 4}, {"type": "string"}]}), json!(4)),
            (json!({"properties": {"a": {"type": "null"}, "b": {}}}), json!({"a": null, "b": "Oslo"})),
        ];
        for (schema, value) in cases {
            assert_eq!(example(&schema, "Is it 30 degrees in Oslo today?", 0), value, "{schema}");
        }
        let mut deep = json!({"type": "string"});
        for _ in 0..40 {
            deep = json!({"type": "array", "items": deep});
        }
        assert!(example(&deep, "", 0).to_string().contains("null"));
    }

    #[test]
    fn formats_ask_for_json() {
        assert_eq!(formatted(Some(&json!({"type": "json_object"})), "Hi").unwrap(), r#"{"answer":"Hi"}"#);
        let schema = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "properties": {"n": {"type": "integer"}}}}});
        assert_eq!(formatted(Some(&schema), "7 up").unwrap(), r#"{"n":7}"#);
        assert_eq!(formatted(Some(&json!({"type": "text"})), "Hi"), None);
        assert_eq!(formatted(None, "Hi"), None);
    }
}
