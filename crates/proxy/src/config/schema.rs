//! The JSON schema of the file, for editors.
//!
//! Owns the translation of the tables; `docs/config.schema.json` is its output.

use serde_json::{Map, Value, json};

use super::{
    keys::FILE,
    table::{Kind, Table, Unknown},
};

/// The JSON schema (draft 2020-12) of the whole file, as pretty JSON with a newline at its end.
#[must_use]
pub fn json_schema() -> String {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("sagewire proxy configuration"));
    schema.extend(table(&FILE));
    schema.insert("required".to_owned(), json!(["model_list"]));
    format!("{:#}\n", Value::Object(schema))
}

fn table(table: &Table) -> Map<String, Value> {
    let mut properties = Map::new();
    for key in table.keys {
        let mut schema = kind(key.kind);
        schema.insert("description".to_owned(), json!(key.meaning));
        properties.insert(key.name.to_owned(), Value::Object(schema));
    }
    for (reason, names) in table.ignored {
        for name in *names {
            properties.insert(
                (*name).to_owned(),
                json!({ "deprecated": true, "description": format!("Has no effect: {reason}.") }),
            );
        }
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!(["object", "null"]));
    schema.insert("description".to_owned(), json!(table.meaning));
    schema.insert("properties".to_owned(), Value::Object(properties));
    if table.unknown == Unknown::Refused {
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
    schema
}

/// Every value may also be `os.environ/NAME`, or nothing at all.
fn kind(kind: Kind) -> Map<String, Value> {
    let from_environment = json!({ "type": "string", "pattern": "^os\\.environ/" });
    let or_environment =
        |schema: Value| object(json!({ "anyOf": [schema, from_environment.clone(), { "type": "null" }] }));
    match kind {
        Kind::Text | Kind::Secret => object(json!({ "type": ["string", "number", "null"] })),
        // YAML 1.2, which editors read, knows no `yes`; what reads the file does.
        Kind::Flag => or_environment(json!({ "enum": [true, false, "yes", "no", "on", "off"] })),
        Kind::Count => or_environment(json!({ "type": "integer", "minimum": 0 })),
        Kind::Number => or_environment(json!({ "type": "number" })),
        Kind::Seconds => or_environment(json!({ "type": "number", "minimum": 0 })),
        Kind::Texts => object(json!({ "type": ["array", "null"], "items": { "type": ["string", "number"] } })),
        Kind::Choice(names) => or_environment(json!({ "enum": names })),
        Kind::Mapping => object(json!({ "type": ["object", "null"] })),
        Kind::Any => Map::new(),
        Kind::One(inner) => table(inner),
        Kind::Many(inner) => object(json!({ "type": ["array", "null"], "items": table(inner) })),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
