//! `POST /messages/count_tokens`: <https://docs.anthropic.com/en/api/messages-count-tokens>
//!
//! Owns the estimate for a whole request. The model is asked only if its container has the route.

use bytes::Bytes;
use http::{Response, StatusCode};
use sagewire_types::{ChatRequest, Usage};
use serde_json::{Value, json};

use super::{
    Exchange, ask,
    error::ApiError,
    messages,
    native::{self, Passed},
    openapi::schema,
    response::{Body, json_response},
    route::{Access, Answer, Paths, Route, Verb},
};

pub(super) const ROUTE: Route = Route {
    name: "count_tokens",
    method: Verb::Post,
    paths: Paths::Versioned("/messages/count_tokens"),
    access: Access::Key,
    operation: None,
    summary: "About how many tokens a request of Anthropic's Messages API has.",
    request: Some(messages::request_schema),
    answer: Answer::Anthropic(answer_schema, None),
    handler: |exchange| Box::pin(count(exchange)),
};

async fn count(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let (request, ready) = match native::pass_on(exchange, &native::COUNT_TOKENS).await? {
        Passed::Answered(response) => return Ok(response),
        Passed::Not(request, ready) => (request, ready),
    };
    let prepared = messages::prepare(exchange, request, ready).await?.prepared;
    let tokens = estimate(&prepared.request);
    let mut response = json_response(StatusCode::OK, Bytes::from(json!({ "input_tokens": tokens }).to_string()));
    ask::mark_estimate(&Usage::estimated(tokens, 0), &mut response);
    Ok(response)
}

/// The conversation and the descriptions of the tools, which are part of the prompt.
fn estimate(request: &ChatRequest) -> u64 {
    let tools = request.tools.iter().flatten().filter_map(|tool| serde_json::to_string(tool).ok());
    let tools = tools.map(|tool| ask::tokens_of(tool.len()));
    request.estimated_tokens().saturating_add(tools.sum())
}

fn answer_schema() -> Value {
    json!({ "type": "object", "required": ["input_tokens"], "properties": { "input_tokens": schema::count() } })
}
