//! The type of an argument that a model wrote as plain text, by the tool's JSON schema.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::ToolCallReading;

/// What a value is whose schema says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Untyped {
    Text,
    /// JSON, if it can be read as such.
    Json,
}

/// The JSON text of an argument: a string if its schema has one, or if it can be nothing else.
///
/// A number keeps the digits that the model wrote.
pub(super) fn value(text: &str, tool: &str, key: &str, untyped: Untyped, reading: &ToolCallReading) -> String {
    let types = types_of(tool, key, reading);
    let trimmed = text.trim();
    let typed = match &types {
        None if untyped == Untyped::Text => None,
        types => literal(trimmed).filter(|(_, kind)| types.as_ref().is_none_or(|types| types.allow(kind))),
    };
    match typed {
        Some((json, _)) => json.to_owned(),
        None => Value::from(text).to_string(),
    }
}

/// A text that is JSON and no string, and its type.
fn literal(text: &str) -> Option<(&str, &'static str)> {
    let word = |json, kind| Some((json, kind));
    match text {
        "True" => return word("true", "boolean"),
        "False" => return word("false", "boolean"),
        "None" => return word("null", "null"),
        _ => {}
    }
    let kind = match text.bytes().next()? {
        b'{' => "object",
        b'[' => "array",
        b't' | b'f' => "boolean",
        b'n' => "null",
        b'-' | b'0'..=b'9' if text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) => "number",
        b'-' | b'0'..=b'9' => "integer",
        _ => return None,
    };
    serde_json::from_str::<IgnoredAny>(text).is_ok().then_some((text, kind))
}

/// The types that a schema allows. `None` if it names none.
#[derive(Debug, Default)]
struct Types(Vec<String>);

impl Types {
    fn allow(&self, kind: &str) -> bool {
        // A text that may be a string is one, unless the schema has this type too.
        let has = |wanted: &str| self.0.iter().any(|known| known == wanted);
        has(kind)
            || (kind == "integer" && (has("number") || has("float") || has("int")))
            || (kind == "number" && has("float"))
            || (kind == "boolean" && has("bool"))
    }

    fn add(&mut self, schema: &Value, root: &Value, depth: usize) {
        if depth == 0 {
            return;
        }
        match schema.get("type") {
            Some(Value::String(kind)) => self.0.push(kind.clone()),
            Some(Value::Array(kinds)) => self.0.extend(kinds.iter().filter_map(Value::as_str).map(str::to_owned)),
            _ => {}
        }
        for value in schema.get("enum").and_then(Value::as_array).into_iter().flatten().chain(schema.get("const")) {
            self.0.push(kind_of(value).to_owned());
        }
        for name in ["anyOf", "oneOf", "allOf"] {
            for inner in schema.get(name).and_then(Value::as_array).into_iter().flatten() {
                self.add(inner, root, depth - 1);
            }
        }
        let target =
            schema.get("$ref").and_then(Value::as_str).and_then(|target| root.pointer(target.strip_prefix('#')?));
        if let Some(target) = target {
            self.add(target, root, depth - 1);
        }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn types_of(tool: &str, key: &str, reading: &ToolCallReading) -> Option<Types> {
    const DEEPEST: usize = 8;
    let root = reading.tool(tool)?.function.as_ref()?.parameters.as_ref()?;
    let schema = root.get("properties").and_then(Value::as_object).and_then(|all: &Map<_, _>| all.get(key))?;
    let mut types = Types::default();
    types.add(schema, root, DEEPEST);
    (!types.0.is_empty()).then_some(types)
}

#[cfg(test)]
mod tests {
    use sagewire_types::Tool;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_has_the_type_of_its_schema() {
        let parameters = json!({"$defs": {"N": {"type": "integer"}}, "properties": {
            "text": {"type": "string"},
            "count": {"type": "integer"},
            "ratio": {"type": "number"},
            "flag": {"type": "boolean"},
            "map": {"type": "object"},
            "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "both": {"type": ["string", "integer"]},
            "choice": {"enum": ["1", "b"]},
            "ref": {"$ref": "#/$defs/N"},
            "free": {"description": "anything"},
        }});
        let reading =
            ToolCallReading::new(super::super::by_name("qwen3_coder").unwrap(), [Tool::function("f", "", parameters)]);
        for (key, text, expected) in [
            ("text", "42", r#""42""#),
            ("text", "say \"hi\"\n", r#""say \"hi\"\n""#),
            ("count", "42", "42"),
            ("count", "many", r#""many""#),
            ("ratio", "3.10", "3.10"),
            ("ratio", "3", "3"),
            ("flag", "true", "true"),
            ("flag", "False", "false"),
            ("map", "{\"a\": 1}", "{\"a\": 1}"),
            ("map", "{a: 1}", r#""{a: 1}""#),
            ("maybe", "None", "null"),
            ("maybe", "7", "7"),
            ("both", "7", "7"),
            ("both", "x", r#""x""#),
            ("choice", "1", r#""1""#),
            ("ref", "12345678901234567890123", "12345678901234567890123"),
            ("free", "5", r#""5""#),
            ("unknown", "5", r#""5""#),
        ] {
            assert_eq!(value(text, "f", key, Untyped::Text, &reading), expected, "{key}: {text}");
        }
        assert_eq!(value("5", "f", "unknown", Untyped::Json, &reading), "5");
        assert_eq!(value("2025-08-01", "g", "date", Untyped::Json, &reading), r#""2025-08-01""#);
    }
}
