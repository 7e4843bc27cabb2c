//! `GET /openapi.json`.
//!
//! Owns the description of the HTTP side for machines, made from the list of routes. <https://spec.openapis.org/oas/v3.1.0>

use std::sync::LazyLock;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::{
    ROUTES,
    response::{Body, json_response},
    route::{Access, Answer, MODEL_PREFIXES, Paths, Route, Verb},
};

pub(super) mod schema;

pub(super) const ROUTE: Route = Route {
    name: "openapi",
    method: Verb::Get,
    paths: Paths::Fixed(&["/openapi.json"]),
    access: Access::Anyone,
    operation: None,
    summary: "This description.",
    request: None,
    answer: Answer::Json(schema::object),
    handler: |_| Box::pin(std::future::ready(Ok(openapi()))),
};

fn openapi() -> Response<Body> {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document().to_string().into());
    json_response(StatusCode::OK, DOCUMENT.clone())
}

fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut add = |path: String, verb: Verb, operation: Value| {
        if let Value::Object(methods) = paths.entry(path).or_insert_with(|| json!({})) {
            methods.insert(verb.as_str().to_ascii_lowercase(), operation);
        }
    };
    for route in ROUTES {
        for path in route.plain_paths() {
            add(path.replace("{*", "{"), route.method, operation(route, path_parameter(&path)));
        }
        if let Some(path) = route.after_model() {
            for prefix in MODEL_PREFIXES {
                add(format!("{prefix}/{{model}}{path}"), route.method, operation(route, Some("model")));
            }
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "sagewire",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Models on Amazon SageMaker in the shapes of OpenAI's API.",
        },
        "security": [{ "bearer": [] }, { "x-api-key": [] }, { "api-key": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "x-api-key": { "type": "apiKey", "in": "header", "name": "x-api-key" },
                "api-key": { "type": "apiKey", "in": "header", "name": "api-key" },
            },
            "schemas": { "Error": schema::error(), "AnthropicError": schema::anthropic_error() },
        },
    })
}

/// The name of what a path takes.
fn path_parameter(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once('{')?;
    rest.split_once('}').map(|(name, _)| name.trim_start_matches('*'))
}

fn operation(route: &Route, parameter: Option<&str>) -> Value {
    let mut operation = Map::new();
    operation.insert("summary".to_owned(), json!(route.summary));
    if let Some(name) = parameter {
        let parameter = json!({ "name": name, "in": "path", "required": true, "schema": schema::text() });
        operation.insert("parameters".to_owned(), json!([parameter]));
    }
    if let Some(request) = route.request {
        let schema = request();
        let properties = schema.get("properties").and_then(Value::as_object);
        let is_form = properties.is_some_and(|all| all.values().any(|one| *one == schema::bytes()));
        let content_type = if is_form { "multipart/form-data" } else { "application/json" };
        operation.insert(
            "requestBody".to_owned(),
            json!({ "required": true, "content": { content_type: { "schema": schema } } }),
        );
    }
    if route.access != Access::Key {
        operation.insert("security".to_owned(), json!([]));
    }
    operation.insert("responses".to_owned(), responses(route));
    Value::Object(operation)
}

fn responses(route: &Route) -> Value {
    let (description, content) = match &route.answer {
        Answer::Json(schema) => ("The answer.", json!({ "application/json": { "schema": schema() } })),
        Answer::JsonOrStream(whole, chunk) => (
            "The answer; with `stream: true` an event stream that ends with `data: [DONE]`.",
            json!({
                "application/json": { "schema": whole() },
                "text/event-stream": { "schema": chunk() },
            }),
        ),
        Answer::Responses(whole, event) => (
            "The answer; with `stream: true` an event stream that ends with `response.completed`, `response.incomplete` or `response.failed`.",
            json!({
                "application/json": { "schema": whole() },
                "text/event-stream": { "schema": event() },
            }),
        ),
        Answer::Anthropic(whole, None) => ("The answer.", json!({ "application/json": { "schema": whole() } })),
        Answer::Anthropic(whole, Some(event)) => (
            "The answer; with `stream: true` an event stream that ends with `message_stop` or `error`.",
            json!({
                "application/json": { "schema": whole() },
                "text/event-stream": { "schema": event() },
            }),
        ),
        Answer::Transcript(schema) => (
            "The text in the format that was asked for; with `stream: true` an event stream that ends with `transcript.text.done`.",
            json!({
                "application/json": { "schema": schema() }, "text/plain": { "schema": schema::text() },
                "text/vtt": { "schema": schema::text() }, "text/event-stream": { "schema": schema::object() },
            }),
        ),
        Answer::Bytes => {
            ("The bytes, as they come.", json!({ "application/octet-stream": { "schema": schema::bytes() } }))
        }
        Answer::JsonOrPage(schema) => (
            "The answer; a page for browsers, which accept `text/html`.",
            json!({
                "application/json": { "schema": schema() },
                "text/html": { "schema": schema::text() },
            }),
        ),
        Answer::Files(types) => {
            let types = types.iter().map(|&name| (name.to_owned(), json!({ "schema": schema::text() })));
            ("The file.", Value::Object(types.collect()))
        }
        Answer::Text => ("The answer.", json!({ "text/plain": { "schema": schema::text() } })),
    };
    let mut responses = Map::new();
    responses.insert("200".to_owned(), json!({ "description": description, "content": content }));
    let mut fail = |status: &str, description: &str| {
        let form = if matches!(route.answer, Answer::Anthropic(..)) { "AnthropicError" } else { "Error" };
        let content = json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{form}") } } });
        responses.insert(status.to_owned(), json!({ "description": description, "content": content }));
    };
    if route.access == Access::Key {
        fail("401", "The key is missing or wrong.");
    }
    if route.operation.is_some() {
        fail("400", "The request cannot be used as it is.");
        fail("404", "There is no such model.");
        fail("413", "The body is too large.");
        fail("429", "A rate or a budget is used up; `retry-after` says how long to wait.");
        fail("500", "The proxy is misconfigured.");
        fail("502", "The model or AWS failed.");
        fail("503", "The model or the proxy takes no more work now; `retry-after` may say how long to wait.");
        fail("504", "The model took too long.");
    }
    Value::Object(responses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_at_every_path_with_what_it_takes_and_gives() {
        let document = document();
        for route in ROUTES {
            for path in route.plain_paths() {
                let path = path.replace("{*", "{");
                let operation = &document["paths"][&path][route.method.as_str().to_lowercase()];
                assert_eq!(operation["summary"], route.summary, "{path}");
                let content = operation["responses"]["200"]["content"].as_object().unwrap();
                assert!(content.values().all(|content| content["schema"].is_object()), "{path}");
                assert_eq!(operation["requestBody"].is_object(), route.request.is_some(), "{path}");
            }
        }
        for (path, content_type) in [
            ("/v1/files", "multipart/form-data"),
            ("/v1/audio/transcriptions", "multipart/form-data"),
            ("/v1/audio/speech", "application/json"),
            ("/v1/batches", "application/json"),
        ] {
            let content = document["paths"][path]["post"]["requestBody"]["content"].as_object().unwrap();
            assert_eq!(content.keys().collect::<Vec<_>>(), [content_type], "{path}");
        }
        let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
        for path in ["/v1/chat/completions", "/openai/deployments/{model}/embeddings", "/v1/models/{id}", "/metrics"] {
            assert!(paths.iter().any(|found| *found == path), "no {path} in {paths:?}");
        }
    }
}
