//! The JSON schema of the file, for editors.
//!
//! Owns making it from the types that read the file; `docs/config.schema.json` is its output, and
//! the guide's tables are made from it.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{ALIASES, coordination_redis, file::File, litellm_settings::OF_THE_ROUTER, unused};

/// The JSON schema (draft 2020-12) of the whole file, as pretty JSON with a newline at its end.
#[must_use]
pub fn json_schema() -> String {
    let mut schema = plain();
    lenient(&mut schema, "");
    let mut whole = Map::from_iter([
        ("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema")),
        ("title".to_owned(), json!("sagewire proxy configuration")),
    ]);
    if let Value::Object(schema) = schema {
        whole.extend(schema);
    }
    whole.insert("required".to_owned(), json!(["model_list"]));
    format!("{:#}\n", Value::Object(whole))
}

/// The schema as the types have it: every key that has an effect, its kind and its meaning.
pub(super) fn plain() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<File>().to_value();
    tidy(&mut schema);
    // Each of these two sections also takes some keys of the other.
    share(&mut schema, "router_settings", "litellm_settings", OF_THE_ROUTER);
    share(&mut schema, "litellm_settings", "router_settings", &["set_verbose"]);
    for (theirs, own) in coordination_redis::OF_THE_ROUTER {
        let own =
            schema.pointer(&format!("/properties/general_settings/properties/coordination_redis/properties/{own}"));
        let Some(own) = own.cloned() else { continue };
        if let Some(Value::Object(properties)) = schema.pointer_mut("/properties/router_settings/properties") {
            properties.insert(theirs.to_owned(), own);
        }
    }
    for (section, alias, name) in ALIASES {
        if let Some(Value::Object(properties)) = schema.pointer_mut(&format!("/properties/{section}/properties"))
            && let Some(Value::Object(mut property)) = properties.get(name).cloned()
        {
            property.insert("description".to_owned(), format!("The same as `{name}`, which takes precedence.").into());
            properties.insert(alias.to_owned(), Value::Object(property));
        }
    }
    schema
}

fn share(schema: &mut Value, from: &str, into: &str, keys: &[&str]) {
    for key in keys {
        let Some(shared) = schema.pointer(&format!("/properties/{from}/properties/{key}")).cloned() else { continue };
        if let Some(Value::Object(properties)) = schema.pointer_mut(&format!("/properties/{into}/properties")) {
            properties.insert((*key).to_owned(), shared);
        }
    }
}

/// Leaves out what a reader of the file has no use for, and puts paragraphs into one line.
fn tidy(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    for key in ["$schema", "title", "default", "required"] {
        map.shift_remove(key);
    }
    if matches!(map.get("format").and_then(Value::as_str), Some("uint" | "uint32" | "uint64" | "double")) {
        map.shift_remove("format");
    }
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            map.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::String(text)) = map.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = map.get_mut(key) {
            tidy(inner);
        }
    }
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        properties.values_mut().for_each(tidy);
    }
}

/// Every value may also be nothing, `os.environ/NAME`, or a quoted text; and keys of LiteLLM
/// without effect are allowed.
fn lenient(schema: &mut Value, path: &str) {
    let Value::Object(map) = schema else { return };
    let kind = map.get("type").cloned();
    match kind.as_ref().and_then(Value::as_str) {
        Some("object") => {
            map.insert("type".to_owned(), json!(["object", "null"]));
            if let Some(Value::Object(properties)) = map.get_mut("properties") {
                for (name, property) in properties.iter_mut() {
                    lenient(property, &below(path, name));
                }
                add_unused(properties, path);
            }
        }
        Some("array") => {
            map.insert("type".to_owned(), json!(["array", "null"]));
            if let Some(items) = map.get_mut("items") {
                lenient(items, &format!("{path}[]"));
            }
        }
        Some("string") if !map.contains_key("enum") => {
            map.insert("type".to_owned(), json!(["string", "number", "null"]));
        }
        Some(_) => {
            let description = map.shift_remove("description");
            // YAML 1.2, which editors read, knows no `yes`; what reads the file does.
            let own = match kind.as_ref().and_then(Value::as_str) {
                Some("boolean") => json!({ "enum": [true, false, "yes", "no", "on", "off"] }),
                _ => Value::Object(std::mem::take(map)),
            };
            let from_environment = json!({ "type": "string", "pattern": "^os\\.environ/" });
            *map = Map::from_iter([("anyOf".to_owned(), json!([own, from_environment, { "type": "null" }]))]);
            map.extend(description.map(|description| ("description".to_owned(), description)));
        }
        None => {}
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn add_unused(properties: &mut Map<String, Value>, path: &str) {
    for (name, reason) in unused::all(path) {
        if !properties.contains_key(name) {
            let description = format!("Has no effect: {reason}.");
            properties.insert(name.to_owned(), json!({ "deprecated": true, "description": description }));
        }
    }
}
