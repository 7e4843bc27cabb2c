//! `POST /completions`: <https://platform.openai.com/docs/api-reference/completions/create>

use http::Response;
use sagewire_types::CompletionRequest;
use serde_json::{Value, json};

use super::{
    Exchange,
    ask::{self, Prepared},
    chat::usage_wanted,
    error::ApiError,
    nulls,
    openapi::schema,
    response::Body,
    route::{Access, Answer, Paths, Route, Verb},
    sse::Chunks,
    streaming::{self, Written as _},
};

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
        let show_usage = usage_wanted(&mut request.stream_options, exchange.state.settings.always_include_usage);
        let stream = ask::ask(exchange, &model, deadline, provider.complete_stream(request, &context)).await?;
        return Ok(streaming::respond(exchange, stream, Chunks::default(), &model, asked, show_usage));
    }
    let mut reply = ask::ask(exchange, &model, deadline, provider.complete(request, &context)).await?;
    ask::book(exchange, &reply.meta, reply.value.usage.as_ref(), reply.value.text_bytes());
    reply.value.model = asked;
    nulls::clean_completion(&mut reply.value);
    ask::answer(exchange, &reply.value, &reply.meta)
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
