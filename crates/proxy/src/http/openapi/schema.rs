//! Parts of schemas that several routes use.

use serde_json::{Value, json};

pub(in crate::http) fn text() -> Value {
    json!({ "type": "string" })
}

pub(in crate::http) fn text_or_list() -> Value {
    json!({ "oneOf": [{ "type": "string" }, { "type": "array" }] })
}

pub(in crate::http) fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

pub(in crate::http) fn flag() -> Value {
    json!({ "type": "boolean" })
}

/// A file or a recording. A body that has one is a form.
pub(in crate::http) fn bytes() -> Value {
    json!({ "type": "string", "format": "binary" })
}

pub(in crate::http) fn object() -> Value {
    json!({ "type": "object" })
}

/// A request to a model, with the fields that all of them have.
pub(in crate::http) fn request(description: &str, required: &[&str], properties: Value) -> Value {
    let mut schema = json!({
        "type": "object",
        "description": description,
        "required": required,
        "properties": {
            "model": text(),
            "user": text(),
            "model_id": { "type": "string", "description": "The inference component on the endpoint." },
            "timeout": { "type": "number", "description": "How many seconds the whole call may take." },
        },
    });
    add(&mut schema, properties);
    schema
}

/// Adds properties to the schema of an object.
pub(in crate::http) fn add(schema: &mut Value, properties: Value) {
    if let (Some(Value::Object(known)), Value::Object(more)) = (schema.get_mut("properties"), properties) {
        known.extend(more);
    }
}

/// What says how a model generates text.
pub(in crate::http) fn sampling() -> Value {
    json!({
        "temperature": { "type": "number" }, "top_p": { "type": "number" }, "n": count(), "stop": text_or_list(),
        "stream": flag(), "stream_options": { "type": "object", "properties": { "include_usage": flag() } },
        "max_tokens": count(), "presence_penalty": { "type": "number" }, "frequency_penalty": { "type": "number" },
        "seed": { "type": "integer" },
    })
}

/// A generated answer, or a part of one, with choices of these properties.
pub(in crate::http) fn answer(object: &str, choice: Value) -> Value {
    json!({
        "type": "object",
        "required": ["id", "object", "created", "model", "choices"],
        "properties": {
            "id": text(), "object": { "const": object }, "created": count(), "model": text(),
            "choices": { "type": "array", "items": { "type": "object", "required": ["index"], "properties": choice } },
            "usage": usage(),
        },
    })
}

pub(in crate::http) fn usage() -> Value {
    json!({
        "type": "object",
        "properties": {
            "prompt_tokens": count(), "completion_tokens": count(), "total_tokens": count(),
            "estimated": { "type": "boolean", "description": "Whether the proxy estimated the counts." },
        },
    })
}

/// Every failure.
pub(in crate::http) fn error() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["message", "type", "param", "code"],
                "properties": {
                    "message": text(), "type": text(),
                    "param": { "type": ["string", "null"] }, "code": { "type": ["string", "null"] },
                    "aws_request_id": text(), "upstream": object(),
                },
            },
        },
    })
}

/// Every failure in the form of Anthropic's API.
pub(in crate::http) fn anthropic_error() -> Value {
    json!({
        "type": "object",
        "required": ["type", "error"],
        "properties": {
            "type": { "const": "error" },
            "error": {
                "type": "object",
                "required": ["type", "message"],
                "properties": { "type": text(), "message": text() },
            },
            "request_id": text(),
        },
    })
}
