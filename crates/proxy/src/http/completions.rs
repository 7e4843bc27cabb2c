//! `POST /completions`: <https://platform.openai.com/docs/api-reference/completions/create>

use http::Response;
use sagewire_types::{CompletionRequest, Prompt};
use serde_json::{Map, Value, json};

use super::{
    Exchange,
    ask::{self, Ask, Prepared},
    chat::ask_for_usage,
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
    name: "completions",
    method: Verb::Post,
    paths: Paths::OfModel("/completions"),
    access: Access::Key,
    operation: Some("text_completion"),
    summary: "Continues a raw prompt, as a whole or as a stream.",
    request: Some(request_schema),
    answer: Answer::JsonOrStream(answer_schema, answer_schema),
    handler: |exchange| Box::pin(complete(exchange)),
};

async fn complete(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let prepared: Prepared<CompletionRequest> = ask::prepare(exchange).await?;
    let Prepared { mut request, context, model, asked, deadline } = prepared;
    let provider = exchange.state.provider.clone();
    if request.stream == Some(true) {
        let show_usage = ask_for_usage(&mut request.stream_options, exchange.state.settings.always_include_usage);
        let stream = ask::ask(exchange, &model, deadline, provider.complete_stream(request, &context)).await?;
        return Ok(streaming::respond(exchange, stream, Chunks::default(), &model, asked, show_usage));
    }
    let mut reply = ask::ask(exchange, &model, deadline, provider.complete(request, &context)).await?;
    let usage = ask::book(exchange, &reply.meta, reply.value.usage.take(), reply.value.text_bytes());
    reply.value.model = asked;
    reply.value.usage = Some(usage.clone());
    nulls::clean_completion(&mut reply.value);
    let mut response = ask::answer(exchange, &reply.value, &reply.meta)?;
    ask::mark_estimate(&usage, &mut response);
    Ok(response)
}

impl Ask for CompletionRequest {
    const TOKEN_IDS: Option<&'static str> = Some("prompt");

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
            max_tokens: self.max_tokens,
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
            answers: (prompts(&self.prompt) as u64).saturating_mul(u64::from(self.n.unwrap_or(1))),
            max_output: self.max_tokens,
        }
    }

    fn check(&self, limits: &Limits) -> Result<(), ApiError> {
        ask::at_most("prompt", "texts", prompts(&self.prompt), limits.inputs, "max_inputs")?;
        ask::check_stops(self.stop.as_ref(), limits)
    }
}

/// How many texts are continued.
fn prompts(prompt: &Prompt) -> usize {
    match prompt {
        Prompt::Text(_) | Prompt::Tokens(_) => 1,
        Prompt::Texts(texts) => texts.len(),
        Prompt::TokenLists(lists) => lists.len(),
    }
}

fn request_schema() -> Value {
    let mut schema = schema::request(
        "OpenAI's completion request. Other keys are sent to the model's container as they are.",
        &["model", "prompt"],
        json!({ "prompt": schema::text_or_list(), "echo": schema::flag(), "logprobs": schema::count() }),
    );
    schema::add(&mut schema, schema::sampling());
    schema
}

fn answer_schema() -> Value {
    schema::answer(
        "text_completion",
        json!({
            "index": schema::count(), "text": schema::text(), "finish_reason": { "type": ["string", "null"] }, "logprobs": {},
        }),
    )
}
