//! `POST /messages`: <https://docs.anthropic.com/en/api/messages>
//!
//! Owns Anthropic's Messages API on a chat model: the translation is `sagewire-api`'s. A container
//! that speaks it is [`native`]'s.

use http::Response;
use sagewire_api::messages::{AnswerForm, MessagesRequest, Translated};
use sagewire_types::ChatRequest;
use serde_json::{Value, json};

use self::events::MessageEvents;
use super::{
    Exchange,
    ask::{self, Prepared},
    disclosure::Disclosure,
    ignored_tools,
    native::{self, Passed},
    route::{Access, Answer, ApiError, Body, Paths, Route, Verb, schema},
    streaming, whole,
};

pub(super) mod events;

pub(super) const ROUTE: Route = Route {
    name: "messages",
    method: Verb::Post,
    paths: Paths::Versioned("/messages"),
    access: Access::Key,
    operation: Some("chat"),
    summary: "Answers a conversation in Anthropic's Messages API, as a whole or as a stream of events.",
    request: Some(request_schema),
    answer: Answer::Anthropic(answer_schema, Some(event_schema)),
    handler: |exchange| Box::pin(messages(exchange)),
};

async fn messages(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let (request, ready) = match native::pass_on(exchange, &native::MESSAGES).await? {
        Passed::Answered(response) => return Ok(response),
        Passed::Not(request, ready) => (request, ready),
    };
    let Asked { prepared, ignored_tools, form } = prepare(exchange, request, ready).await?;
    let Prepared { request, context, model, asked, deadline } = prepared;
    let provider = exchange.state.provider.clone();
    let mut response = if request.stream == Some(true) {
        let events = MessageEvents::new(form, &asked, request.estimated_tokens());
        let stream = ask::ask(exchange, &model, deadline, provider.chat_stream(request, &context)).await?;
        streaming::respond(exchange, stream, events, &model, asked, true)
    } else {
        let call = provider.chat(request, &context);
        whole::respond(exchange, &model, deadline, call, |answer, usage| form.message(&answer, &asked, usage)).await?
    };
    ignored_tools::tell(exchange, &ignored_tools, response.headers_mut());
    Ok(response)
}

/// A request as a chat request that is ready for the provider.
pub(super) struct Asked {
    pub(super) prepared: Prepared<ChatRequest>,
    ignored_tools: Vec<String>,
    form: AnswerForm,
}

/// Makes a chat request of a request.
pub(super) async fn prepare(
    exchange: &mut Exchange,
    request: MessagesRequest,
    ready: Option<Prepared<()>>,
) -> Result<Asked, ApiError> {
    let translated = request.into_chat().map_err(|error| ApiError::from_provider(&error, &Disclosure::none()))?;
    let Translated { chat, ignored_tools, form, .. } = translated;
    ignored_tools::check(exchange, &ignored_tools)?;
    let prepared = ask::ready_as_chat(exchange, chat, ready).await?;
    Ok(Asked { prepared, ignored_tools, form })
}

pub(super) fn request_schema() -> Value {
    schema::request(
        "Anthropic's request. Other keys are sent to the model's container as they are.",
        &["model", "messages"],
        json!({
            "messages": { "type": "array", "items": { "type": "object" }, "minItems": 1 },
            "max_tokens": schema::count(), "system": schema::text_or_list(), "stream": schema::flag(),
            "tools": { "type": "array", "items": { "type": "object" } }, "tool_choice": { "type": "object" },
            "stop_sequences": { "type": "array", "items": schema::text() }, "temperature": { "type": "number" },
            "top_p": { "type": "number" }, "top_k": schema::count(), "thinking": { "type": "object" },
            "output_config": { "type": "object" }, "metadata": { "type": "object" },
        }),
    )
}

fn answer_schema() -> Value {
    json!({
        "type": "object",
        "required": ["id", "type", "role", "model", "content", "stop_reason", "usage"],
        "properties": {
            "id": schema::text(), "type": { "const": "message" }, "role": { "const": "assistant" }, "model": schema::text(),
            "content": { "type": "array", "items": { "type": "object" } }, "stop_reason": { "type": ["string", "null"] },
            "stop_sequence": { "type": ["string", "null"] }, "usage": { "type": "object" },
        },
    })
}

fn event_schema() -> Value {
    json!({ "type": "object", "required": ["type"], "properties": { "type": schema::text() } })
}
