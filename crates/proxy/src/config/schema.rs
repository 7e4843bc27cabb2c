//! The JSON schema of the file, for editors.
//!
//! Owns the translation of the tables; `docs/config.schema.json` is its output.

use sagewire::sagemaker::parameters;
use serde_json::{Map, Value, json};

use super::{
    keys::FILE,
    litellm_params,
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

/// The mapping of `litellm_params`.
fn parameters() -> Map<String, Value> {
    let mut properties = Map::new();
    for parameter in parameters::all() {
        let own = match parameter.kind() {
            parameters::Kind::Choice(names) => or_environment(&json!({ "enum": with_flags(names()) })),
            parameters::Kind::Choices(names) => {
                object(json!({ "type": ["array", "null"], "items": { "enum": names() } }))
            }
            parameters::Kind::Text => kind(Kind::Text),
            parameters::Kind::Flag => kind(Kind::Flag),
            parameters::Kind::Count => kind(Kind::Count),
            parameters::Kind::Positive => or_environment(&json!({ "type": "integer", "minimum": 1 })),
            parameters::Kind::Number => kind(Kind::Number),
            parameters::Kind::Seconds => kind(Kind::Seconds),
            parameters::Kind::Texts => kind(Kind::Texts),
            parameters::Kind::Mapping => kind(Kind::Mapping),
            _ => Map::new(),
        };
        for name in parameter.aliases().iter().chain([&parameter.name()]) {
            let mut schema = own.clone();
            let meaning = if *name == parameter.name() {
                parameter.meaning().to_owned()
            } else {
                format!("The same as `{}`, which wins.", parameter.name())
            };
            schema.insert("description".to_owned(), json!(meaning));
            properties.insert((*name).to_owned(), Value::Object(schema));
        }
    }
    for group in parameters::groups() {
        for name in group.names.iter().filter(|name| !name.contains('*')) {
            let description = format!("Has no effect: {}.", group.reason);
            properties.insert((*name).to_owned(), json!({ "deprecated": true, "description": description }));
        }
    }
    Map::from_iter([
        ("type".to_owned(), json!(["object", "null"])),
        ("description".to_owned(), json!(litellm_params::MEANING)),
        ("properties".to_owned(), Value::Object(properties)),
    ])
}

/// The names, and each flag among them in its own type too.
fn with_flags(names: Vec<&str>) -> Vec<Value> {
    let flags = names.iter().filter_map(|name| name.parse::<bool>().ok()).map(Value::from).collect::<Vec<_>>();
    names.into_iter().map(Value::from).chain(flags).collect()
}

fn or_environment(schema: &Value) -> Map<String, Value> {
    let from_environment = json!({ "type": "string", "pattern": "^os\\.environ/" });
    object(json!({ "anyOf": [schema, from_environment, { "type": "null" }] }))
}

/// Every value may also be `os.environ/NAME`, or nothing at all.
fn kind(kind: Kind) -> Map<String, Value> {
    match kind {
        Kind::Text | Kind::Secret => object(json!({ "type": ["string", "number", "null"] })),
        // YAML 1.2, which editors read, knows no `yes`; what reads the file does.
        Kind::Flag => or_environment(&json!({ "enum": [true, false, "yes", "no", "on", "off"] })),
        Kind::Count => or_environment(&json!({ "type": "integer", "minimum": 0 })),
        Kind::Number => or_environment(&json!({ "type": "number" })),
        Kind::Seconds => or_environment(&json!({ "type": "number", "minimum": 0 })),
        Kind::Texts => object(json!({ "type": ["array", "null"], "items": { "type": ["string", "number"] } })),
        Kind::Choice(names) => or_environment(&json!({ "enum": names })),
        Kind::Mapping => object(json!({ "type": ["object", "null"] })),
        Kind::Any => Map::new(),
        Kind::Parameters => parameters(),
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
