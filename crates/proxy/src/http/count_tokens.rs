//! `POST /messages/count_tokens`: <https://docs.anthropic.com/en/api/messages-count-tokens>
//!
//! Owns who counts: the container's own route, else its tokenizer on the translated conversation,
//! else an estimate. No tokens are charged for it.

use bytes::Bytes;
use http::{Response, StatusCode};
use sagewire_types::{ChatRequest, ForwardRequest, Usage, json as numbers};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Exchange, answer,
    ask::{self, Prepared},
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

/// [vLLM's tokenizer](https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#tokenizer-api),
/// which takes the messages and tools of a chat request.
const TOKENIZER: &str = "/tokenize";

/// What is read of the tokenizer's answer.
#[derive(Deserialize)]
struct Tokenized {
    count: u64,
}

async fn count(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let (request, ready) = match native::pass_on(exchange, &native::COUNT_TOKENS).await? {
        Passed::Answered(response) => return Ok(response),
        Passed::Not(request, ready) => (request, ready),
    };
    let prepared = messages::prepare(exchange, request, ready).await?.prepared;
    let usage = match tokenized(exchange, &prepared).await? {
        Some(tokens) => Usage::reported(tokens, 0),
        None => Usage::estimated(estimate(&prepared.request), 0),
    };
    let body = json!({ "input_tokens": usage.prompt_tokens });
    let mut response = json_response(StatusCode::OK, Bytes::from(body.to_string()));
    answer::mark_estimate(&usage, &mut response);
    Ok(response)
}

/// The count of the container's tokenizer; `None` if the container does not have the route.
async fn tokenized(exchange: &mut Exchange, prepared: &Prepared<ChatRequest>) -> Result<Option<u64>, ApiError> {
    let Prepared { request, context, model, deadline, .. } = prepared;
    if !model.has_route(TOKENIZER) {
        return Ok(None);
    }
    let parts = [
        ("messages", Some(json!(request.messages))),
        ("tools", request.tools.as_ref().map(|tools| json!(tools))),
        ("chat_template_kwargs", request.extra.get("chat_template_kwargs").cloned()),
    ];
    let body: Map<_, _> = parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?))).collect();
    let body = numbers::restore_integers(Value::Object(body).to_string().into());
    let forward = ForwardRequest::new(request.model.as_str(), TOKENIZER, body).checked();
    let provider = exchange.state.provider.clone();
    let call = async { native::known(provider.forward(forward, context).await) };
    let Some(reply) = ask::ask(exchange, model, *deadline, call).await? else { return Ok(None) };
    answer::learned(exchange, &reply.meta);
    native::charge_no_tokens(exchange);
    Ok(serde_json::from_slice::<Tokenized>(&reply.value.bytes).ok().map(|tokenized| tokenized.count))
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
