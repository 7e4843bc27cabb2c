//! `GET /openapi.json` and `/`.
//!
//! Owns the description of the HTTP side for machines. <https://spec.openapis.org/oas/v3.1.0>

use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::http::response::{Body, json_response};

const POSTS: &[(&str, &str, &str)] = &[
    ("/chat/completions", "Answers a conversation, as a whole or as a stream.", "ChatRequest"),
    ("/completions", "Continues a raw prompt, as a whole or as a stream.", "CompletionRequest"),
    ("/embeddings", "Embeds texts.", "EmbeddingRequest"),
];

const GETS: &[(&str, &str, bool)] = &[
    ("/models", "The models that the key may use.", true),
    ("/models/{id}", "One model.", true),
    ("/model/info", "The deployments behind the models.", true),
    ("/health", "What is known of each deployment; with `?probe=true` each is called. For the operator.", true),
    ("/health/liveliness", "Whether the process runs.", false),
    ("/health/readiness", "Whether the process takes requests.", false),
    ("/metrics", "Numbers for Prometheus.", false),
    ("/openapi.json", "This description.", false),
];

pub(super) fn home() -> Response<Body> {
    let body = json!({
        "name": "sagewire",
        "version": env!("CARGO_PKG_VERSION"),
        "openapi": "/openapi.json",
    });
    json_response(StatusCode::OK, body.to_string().into())
}

pub(super) fn openapi() -> Response<Body> {
    json_response(StatusCode::OK, document().to_string().into())
}

fn document() -> Value {
    let mut paths = Map::new();
    for (path, summary, schema) in POSTS {
        let operation = post(summary, schema);
        for prefix in ["", "/v1"] {
            paths.insert(format!("{prefix}{path}"), json!({ "post": operation }));
        }
        for prefix in ["/engines/{model}", "/openai/deployments/{model}"] {
            let mut operation = operation.clone();
            if let Value::Object(operation) = &mut operation {
                operation.insert("parameters".to_owned(), json!([path_parameter("model")]));
            }
            paths.insert(format!("{prefix}{path}"), json!({ "post": operation }));
        }
    }
    for (path, summary, needs_key) in GETS {
        let mut operation = json!({ "summary": summary, "responses": { "200": { "description": "The answer." } } });
        if let Value::Object(operation) = &mut operation {
            if !needs_key {
                operation.insert("security".to_owned(), json!([]));
            }
            if path.ends_with("{id}") {
                operation.insert("parameters".to_owned(), json!([path_parameter("id")]));
            }
        }
        paths.insert((*path).to_owned(), json!({ "get": operation }));
        if path.starts_with("/model") {
            paths.insert(format!("/v1{path}"), json!({ "get": operation }));
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
            "schemas": schemas(),
        },
    })
}

fn path_parameter(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}

fn post(summary: &str, schema: &str) -> Value {
    let failure = |description: &str| {
        json!({
            "description": description,
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
        })
    };
    json!({
        "summary": summary,
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } },
        },
        "responses": {
            "200": {
                "description": "The answer; with `stream: true` an event stream that ends with `data: [DONE]`.",
                "content": { "application/json": {}, "text/event-stream": {} },
            },
            "400": failure("The request cannot be used as it is."),
            "401": failure("The key is missing or wrong."),
            "404": failure("There is no such model."),
            "413": failure("The body is too large."),
            "429": failure("A rate or a budget is used up; `retry-after` says how long to wait."),
            "500": failure("The proxy is misconfigured."),
            "502": failure("The model or AWS failed."),
            "503": failure("The model or the proxy takes no more work now; `retry-after` may say how long to wait."),
            "504": failure("The model took too long."),
        },
    })
}

fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let texts = json!({ "oneOf": [{ "type": "string" }, { "type": "array" }] });
    let number = json!({ "type": "number" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let flag = json!({ "type": "boolean" });
    json!({
        "ChatRequest": {
            "type": "object",
            "description": "OpenAI's chat request. Other keys are sent to the model's container as they are.",
            "required": ["model", "messages"],
            "properties": {
                "model": text, "messages": { "type": "array", "items": { "type": "object" }, "minItems": 1 },
                "temperature": number, "top_p": number, "n": count, "stop": texts, "stream": flag,
                "stream_options": { "type": "object", "properties": { "include_usage": flag } },
                "max_tokens": count, "max_completion_tokens": count, "presence_penalty": number,
                "frequency_penalty": number, "logit_bias": { "type": "object" }, "logprobs": flag, "top_logprobs": count,
                "seed": { "type": "integer" }, "response_format": { "type": "object" },
                "tools": { "type": "array", "items": { "type": "object" } }, "tool_choice": {}, "parallel_tool_calls": flag,
                "reasoning_effort": text, "user": text,
                "model_id": { "type": "string", "description": "The inference component on the endpoint." },
                "timeout": { "type": "number", "description": "How many seconds the whole call may take." },
            },
        },
        "CompletionRequest": {
            "type": "object",
            "description": "OpenAI's completion request. Other keys are sent to the model's container as they are.",
            "required": ["model", "prompt"],
            "properties": {
                "model": text, "prompt": texts, "temperature": number, "top_p": number, "n": count, "stop": texts,
                "stream": flag, "max_tokens": count, "presence_penalty": number, "frequency_penalty": number,
                "seed": { "type": "integer" }, "echo": flag, "logprobs": count, "user": text,
            },
        },
        "EmbeddingRequest": {
            "type": "object",
            "description": "OpenAI's embedding request. Other keys are sent to the model's container as they are.",
            "required": ["model", "input"],
            "properties": {
                "model": text, "input": texts, "dimensions": count,
                "encoding_format": { "enum": ["float", "base64"] }, "user": text,
            },
        },
        "Error": {
            "type": "object",
            "required": ["error"],
            "properties": {
                "error": {
                    "type": "object",
                    "required": ["message", "type", "param", "code"],
                    "properties": {
                        "message": text, "type": text,
                        "param": { "type": ["string", "null"] }, "code": { "type": ["string", "null"] },
                        "aws_request_id": text, "upstream": { "type": "object" },
                    },
                },
            },
        },
    })
}
