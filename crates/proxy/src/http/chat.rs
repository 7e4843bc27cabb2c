//! `POST /chat/completions`: <https://platform.openai.com/docs/api-reference/chat/create>

use http::Response;
use sagewire_types::{ChatRequest, StreamOptions};
use serde_json::{Map, Value, json};

use super::{
    Exchange,
    ask::{self, Ask, Prepared},
    error::ApiError,
    nulls,
    openapi::schema,
    response::Body,
    route::{Access, Answer, Paths, Route, Verb},
    sse::Chunks,
    streaming::{self, Written as _},
};
use crate::{callers::Wanted, limits::Limits};

pub(super) const ROUTE: Route = Route {
    name: "chat",
    method: Verb::Post,
    paths: Paths::OfModel("/chat/completions"),
    access: Access::Key,
    operation: Some("chat"),
    summary: "Answers a conversation, as a whole or as a stream.",
    request: Some(request_schema),
    answer: Answer::JsonOrStream(answer_schema, chunk_schema),
    handler: |exchange| Box::pin(chat(exchange)),
};

async fn chat(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let prepared: Prepared<ChatRequest> = ask::prepare(exchange).await?;
    if prepared.request.messages.is_empty() {
        return Err(ApiError::invalid(
            Some("messages"),
            "Missing required parameter: 'messages': give at least one message.",
        ));
    }
    if prepared.request.stream == Some(true) {
        stream(exchange, prepared).await
    } else {
        whole(exchange, prepared).await
    }
}

async fn whole(exchange: &mut Exchange, prepared: Prepared<ChatRequest>) -> Result<Response<Body>, ApiError> {
    let Prepared { request, context, model, asked, deadline } = prepared;
    let provider = exchange.state.provider.clone();
    let mut reply = ask::ask(exchange, &model, deadline, provider.chat(request, &context)).await?;
    let usage = ask::book(exchange, &reply.meta, reply.value.usage.take(), reply.value.text_bytes());
    reply.value.model = asked.as_ref().to_owned();
    reply.value.usage = Some(usage.clone());
    nulls::clean_chat(&mut reply.value);
    let mut response = ask::answer(exchange, &reply.value, &reply.meta)?;
    ask::mark_estimate(&usage, &mut response);
    Ok(response)
}

async fn stream(exchange: &mut Exchange, prepared: Prepared<ChatRequest>) -> Result<Response<Body>, ApiError> {
    let Prepared { mut request, context, model, asked, deadline } = prepared;
    let show_usage = ask_for_usage(&mut request.stream_options, exchange.state.settings.always_include_usage);
    let provider = exchange.state.provider.clone();
    let stream = ask::ask(exchange, &model, deadline, provider.chat_stream(request, &context)).await?;
    Ok(streaming::respond(exchange, stream, Chunks::default(), &model, asked, show_usage))
}

/// Asks for the tokens used at the end of a stream, as the proxy counts them. Returns whether they are shown: to a caller that asked for them, or
/// to everyone if the operator says so.
pub(super) fn ask_for_usage(options: &mut Option<StreamOptions>, always: bool) -> bool {
    let asked = options.get_or_insert_default().include_usage.replace(true);
    asked == Some(true) || always
}

impl Ask for ChatRequest {
    fn model(&mut self) -> &mut String {
        &mut self.model
    }

    fn extra(&mut self) -> &mut Map<String, Value> {
        &mut self.extra
    }

    fn asked(&self) -> ask::Attributes {
        ask::Sampling {
            temperature: self.temperature,
            top_p: self.top_p,
            presence_penalty: self.presence_penalty,
            frequency_penalty: self.frequency_penalty,
            max_tokens: self.max_completion_tokens.or(self.max_tokens),
            n: self.n,
        }
        .attributes()
    }

    fn stream(&self) -> Option<bool> {
        Some(self.stream == Some(true))
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            prompt: self.estimated_tokens(),
            answers: u64::from(self.n.unwrap_or(1)),
            max_output: self.max_completion_tokens.or(self.max_tokens),
        }
    }

    fn check(&self, limits: &Limits) -> Result<(), ApiError> {
        ask::at_most("tools", "tools", self.tools.as_ref().map_or(0, Vec::len), limits.tools, "max_tools")?;
        ask::check_stops(self.stop.as_ref(), limits)
    }
}

fn request_schema() -> Value {
    let mut schema = schema::request(
        "OpenAI's chat request. Other keys are sent to the model's container as they are.",
        &["model", "messages"],
        json!({
            "messages": { "type": "array", "items": { "type": "object" }, "minItems": 1 },
            "max_completion_tokens": schema::count(), "logit_bias": { "type": "object" }, "logprobs": schema::flag(),
            "top_logprobs": schema::count(), "response_format": { "type": "object" },
            "tools": { "type": "array", "items": { "type": "object" } }, "tool_choice": {}, "parallel_tool_calls": schema::flag(),
            "reasoning_effort": schema::text(),
        }),
    );
    schema::add(&mut schema, schema::sampling());
    schema
}

fn answer_schema() -> Value {
    schema::answer(
        "chat.completion",
        json!({
            "index": schema::count(),
            "message": {
                "type": "object",
                "required": ["role"],
                "properties": {
                    "role": schema::text(), "content": { "type": ["string", "null"] }, "reasoning_content": schema::text(),
                    "tool_calls": { "type": "array", "items": { "type": "object" } },
                },
            },
            "finish_reason": { "type": ["string", "null"] }, "logprobs": {},
        }),
    )
}

fn chunk_schema() -> Value {
    schema::answer(
        "chat.completion.chunk",
        json!({
            "index": schema::count(),
            "delta": {
                "type": "object",
                "properties": {
                    "role": schema::text(), "content": { "type": ["string", "null"] }, "reasoning_content": schema::text(),
                    "tool_calls": { "type": "array", "items": { "type": "object" } },
                },
            },
            "finish_reason": { "type": ["string", "null"] }, "logprobs": {},
        }),
    )
}
