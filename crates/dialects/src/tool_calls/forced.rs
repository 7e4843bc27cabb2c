//! The JSON schema that an answer must fit if it has to be a call.

use sagewire_types::Tool;
use serde_json::{Value, json};

/// The schema of a call of one of these tools: `{"name": ..., "arguments": {...}}`. `None` if none
/// of them is a function.
///
/// A tool's own references (`#/$defs/...`) lead to where its schema stands in this one.
#[must_use]
pub fn schema(tools: &[Tool]) -> Option<Value> {
    let functions: Vec<_> = tools.iter().filter_map(|tool| tool.function.as_ref()).collect();
    let is_one = functions.len() == 1;
    let mut calls: Vec<Value> = functions
        .into_iter()
        .enumerate()
        .map(|(place, function)| {
            let mut arguments = function.parameters.clone().filter(Value::is_object).unwrap_or_else(|| json!({}));
            if let Some(arguments) = arguments.as_object_mut() {
                arguments.entry("type").or_insert_with(|| json!("object"));
            }
            let at = if is_one { "#/properties/arguments" } else { &format!("#/anyOf/{place}/properties/arguments") };
            move_references(&mut arguments, at);
            json!({
                "type": "object",
                "properties": { "name": { "type": "string", "const": function.name }, "arguments": arguments },
                "required": ["name", "arguments"],
            })
        })
        .collect();
    match calls.len() {
        0 => None,
        1 => calls.pop(),
        _ => Some(json!({ "anyOf": calls })),
    }
}

fn move_references(schema: &mut Value, to: &str) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(target) if name == "$ref" => {
                        if let Some(path) = target.strip_prefix('#') {
                            *target = format!("{to}{path}");
                        }
                    }
                    member => move_references(member, to),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| move_references(item, to)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_one_tool_or_of_several() {
        let one = Tool::function(
            "f",
            "",
            json!({"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "integer"}}}),
        );
        let found = schema(std::slice::from_ref(&one)).unwrap();
        assert_eq!(found.pointer("/properties/name/const"), Some(&json!("f")));
        let target = found.pointer("/properties/arguments/properties/a/$ref").and_then(Value::as_str).unwrap();
        assert_eq!(found.pointer(target.strip_prefix('#').unwrap()), Some(&json!({"type": "integer"})));
        let several = schema(&[Tool::function("g", "", Value::Null), one]).unwrap();
        assert_eq!(several.pointer("/anyOf/0/properties/arguments"), Some(&json!({"type": "object"})));
        let target =
            several.pointer("/anyOf/1/properties/arguments/properties/a/$ref").and_then(Value::as_str).unwrap();
        assert_eq!(several.pointer(target.strip_prefix('#').unwrap()), Some(&json!({"type": "integer"})));
        assert_eq!(schema(&[]), None);
    }
}
