//! `POST /chat/completions`: <https://platform.openai.com/docs/api-reference/chat/create>

use sagewire_router::cache::{AsWritten, CacheTerms};
use sagewire_types::{ChatRequest, ChatResponse, Usage};
use serde_json::{Map, Value, json};

use super::{
    Exchange,
    ask::{self, Ask, Checked, Prepared},
    nulls,
    route::{Access, Answer, Answered, ApiError, Paths, Route, Verb, schema},
    sse::Chunks,
    streaming, whole,
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

async fn chat(exchange: &mut Exchange) -> Answered {
    let prepared: Prepared<ChatRequest> = ask::prepare(exchange).await?;
    if prepared.request.messages.is_empty() {
        return Err(ApiError::invalid(
            Some("messages"),
            "missing required parameter `messages`: give at least one message",
        ));
    }
    let Prepared { mut request, mut context, model, asked, deadline } = prepared;
    let provider = exchange.state.provider.clone();
    if request.stream == Some(true) {
        let show_usage = streaming::ask_for_usage(exchange, &mut request.stream_options);
        let stream = ask::ask(exchange, &model, deadline, provider.chat_stream(request, &context)).await?;
        return Ok(streaming::respond(exchange, stream, Chunks::default(), &model, asked, show_usage));
    }
    let kept = AsWritten::default();
    if context.get::<CacheTerms>().is_some() {
        context = context.with(kept.clone());
    }
    let call = provider.chat(request, &context);
    whole::respond_or_pass_on(exchange, &model, deadline, call, &kept, |answer, usage| {
        Ok(finished(answer, &asked, usage))
    })
    .await
}

/// A whole answer as its caller gets it.
fn finished(mut answer: ChatResponse, asked: &str, usage: &Usage) -> ChatResponse {
    asked.clone_into(&mut answer.model);
    answer.usage = Some(usage.clone());
    nulls::clean_chat(&mut answer);
    answer
}

/// The same as it is written, if the container has counted all tokens, so that none are estimated
/// by the request.
pub(crate) fn as_written(answer: &ChatResponse, asked: &str) -> Option<Vec<u8>> {
    let is_counted = |usage: &&Usage| !usage.estimated && usage.prompt_tokens > 0 && usage.completion_tokens > 0;
    let usage = answer.usage.as_ref().filter(is_counted)?.clone().or_estimated(0, 0);
    serde_json::to_vec(&finished(answer.clone(), asked, &usage)).ok()
}

impl Ask for ChatRequest {
    fn model(&mut self) -> &mut String {
        &mut self.model
    }

    fn extra(&mut self) -> &mut Map<String, Value> {
        &mut self.extra
    }

    fn asked(&self) -> ask::Attributes {
        ask::sampling(
            [self.temperature, self.top_p, self.presence_penalty, self.frequency_penalty],
            self.max_completion_tokens.or(self.max_tokens),
            self.n,
        )
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

    fn check(&self, limits: &Limits) -> Checked {
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
