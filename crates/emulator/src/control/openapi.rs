//! The control port's OpenAPI document, made from the table of its routes.

use serde_json::{Map, Value, json};

use super::{PREFIX, ROUTES};

pub(super) fn document() -> Value {
    let mut paths = Map::new();
    for route in &ROUTES {
        let refused = json!({"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}});
        let mut operation = Map::new();
        operation.insert("summary".to_owned(), route.summary.into());
        if route.path.contains("{name}") {
            let parameter = json!({"name": "name", "in": "path", "required": true, "schema": {"type": "string"}});
            operation.insert("parameters".to_owned(), json!([parameter]));
        }
        if let Some(schema) = route.schema {
            operation.insert("requestBody".to_owned(), json!({"required": true, "content": json_of(schema().into())}));
        }
        let responses = json!({
            "200": {"description": "Done", "content": json_of(json!({"type": "object"}))},
            "default": {"description": "Refused", "content": json_of(refused)},
        });
        operation.insert("responses".to_owned(), responses);
        let methods = paths.entry(format!("{PREFIX}{}", route.path)).or_insert_with(|| json!({}));
        if let Some(methods) = methods.as_object_mut() {
            methods.insert(route.method.as_str().to_ascii_lowercase(), operation.into());
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Control port of sagewire emulate", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
    })
}

fn json_of(schema: Value) -> Value {
    json!({"application/json": {"schema": schema}})
}
