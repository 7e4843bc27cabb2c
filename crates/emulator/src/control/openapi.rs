//! The control port's OpenAPI document, made from the table of its routes.

use http::Method;
use serde_json::{Map, Value, json};

use super::{
    PREFIX,
    routes::{ControlRoute, ROUTES},
};
use crate::health;

pub(super) fn document() -> Value {
    let mut paths = Map::new();
    let mut add = |path: String, method: &Method, operation: Value| {
        let methods = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(methods) = methods.as_object_mut() {
            methods.insert(method.as_str().to_ascii_lowercase(), operation);
        }
    };
    for route in &ROUTES {
        add(format!("{PREFIX}{}", route.path), &route.method, operation(route));
    }
    let health = json!({
        "operationId": "get_health",
        "summary": "Whether the emulator runs; open to everyone, also without the control port",
        "security": [],
        "responses": {"200": {"description": "It runs", "content": json_of(&json!({"type": "object"}))}},
    });
    add(health::PATH.to_owned(), &Method::GET, health);
    let this = json!({
        "operationId": "get_openapi",
        "summary": "This document",
        "responses": responses(),
    });
    add(format!("{PREFIX}openapi.json"), &Method::GET, this);
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Control port of sagewire emulate", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
        // The token is needed only with `--control-token`.
        "security": [{}, {"token": []}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    })
}

fn operation(route: &ControlRoute) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), operation_id(route).into());
    operation.insert("summary".to_owned(), route.summary.into());
    let in_path = route
        .path
        .contains("{name}")
        .then(|| json!({"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}));
    let in_query = route.query.map(
        |(name, meaning)| json!({"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}}),
    );
    let parameters: Vec<_> = in_path.into_iter().chain(in_query).collect();
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), parameters.into());
    }
    if let Some(schema) = route.schema {
        let content = json_of(&schema().into());
        operation.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
    }
    operation.insert("responses".to_owned(), responses());
    operation.into()
}

/// Such as `put_endpoints_name`.
fn operation_id(route: &ControlRoute) -> String {
    let path: String = route.path.chars().filter(|letter| !"{}".contains(*letter)).collect();
    format!("{}_{}", route.method.as_str().to_ascii_lowercase(), path.replace('/', "_"))
}

fn responses() -> Value {
    let refused = json!({"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}});
    json!({
        "200": {"description": "Done", "content": json_of(&json!({"type": "object"}))},
        "default": {"description": "Refused", "content": json_of(&refused)},
    })
}

fn json_of(schema: &Value) -> Value {
    json!({"application/json": {"schema": schema}})
}
