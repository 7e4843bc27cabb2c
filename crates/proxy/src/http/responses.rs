//! `POST /responses`: <https://platform.openai.com/docs/api-reference/responses/create>
//!
//! Owns OpenAI's Responses API on a chat model: the translation is `sagewire-api`'s. A container
//! that speaks it is [`native`]'s.

use http::Response;
use sagewire_api::responses::{Head, ResponsesRequest, TranslatedRequest};
use serde_json::{Value, json};

use self::{
    events::ResponseEvents,
    store::{Keeping, Owner, Room},
};
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
pub(crate) mod store;
pub(super) mod stored;

pub(super) const ROUTE: Route = Route {
    name: "responses",
    method: Verb::Post,
    paths: Paths::Versioned("/responses"),
    access: Access::Key,
    operation: Some("chat"),
    summary: "Answers a conversation in OpenAI's Responses API, as a whole or as a stream of events.",
    request: Some(request_schema),
    answer: Answer::Responses(answer_schema, event_schema),
    handler: |exchange| Box::pin(responses(exchange)),
};

async fn responses(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let (mut request, ready) = match native::pass_on::<ResponsesRequest>(exchange, &native::RESPONSES).await? {
        Passed::Answered(response) => return Ok(response),
        Passed::Not(request, ready) => (request, ready),
    };
    recall(exchange, &mut request).await?;
    let settings = exchange.state.settings.response_store.filter(|_| request.store != Some(false));
    let keeping = settings.map(|settings| Keeping::new(exchange, settings, &request));
    let translated = request.into_chat().map_err(|error| ApiError::from_provider(&error, &Disclosure::none()))?;
    let TranslatedRequest { chat, ignored_tools, form, .. } = translated;
    ignored_tools::check(exchange, &ignored_tools)?;
    let prepared = ask::ready_as_chat(exchange, chat, ready).await?;
    let id = store::new_id()?;
    let head = Head::new(id, &*prepared.asked, exchange.state.clock.unix()).stored(keeping.is_some());
    let Prepared { request, context, model, asked, deadline } = prepared;
    let provider = exchange.state.provider.clone();
    let mut response = if request.stream == Some(true) {
        let events = ResponseEvents::new(form, head, request.estimated_tokens(), keeping);
        let stream = ask::ask(exchange, &model, deadline, provider.chat_stream(request, &context)).await?;
        streaming::respond(exchange, stream, events, &model, asked, true)
    } else {
        let call = provider.chat(request, &context);
        let mut telling = None;
        let response = whole::respond(exchange, &model, deadline, call, |answer, usage| {
            let answer = form.response(&head, &answer, usage)?;
            telling = keeping.and_then(|keeping| keeping.keep(&answer));
            Ok(answer)
        })
        .await?;
        // Another replica may be asked for it next.
        if let Some(telling) = telling {
            telling.await;
        }
        response
    };
    ignored_tools::tell(exchange, &ignored_tools, response.headers_mut());
    Ok(response)
}

/// Puts what is stored in the place of what a request refers to.
async fn recall(exchange: &mut Exchange, request: &mut ResponsesRequest) -> Result<(), ApiError> {
    let store = &exchange.state.lasting.responses;
    let owner = Owner::of(&exchange.caller);
    let is_open = exchange.state.settings.response_store.is_some();
    let limit = exchange.state.limits.body_bytes;
    let mut room = Room::new(limit);
    if is_open {
        let ids = request.references().map(str::to_owned).collect();
        let items = store.items(&owner, ids, &mut room).await;
        request.resolve(|id| items.get(id).cloned());
        if room.is_exceeded() {
            return Err(too_large("input", limit));
        }
    }
    let Some(id) = request.previous_response_id() else { return Ok(()) };
    if !is_open {
        let message = "`previous_response_id` is not supported: this proxy stores no responses; send the whole conversation in `input`, or ask the operator to set `sagewire_settings.response_store`";
        return Err(ApiError::invalid(Some("previous_response_id"), message));
    }
    let Some(before) = store.get(&owner, id).await else {
        let message = "no stored response has this `previous_response_id`; it may have expired: send the whole conversation in `input`";
        return Err(ApiError::invalid(Some("previous_response_id"), message));
    };
    if !room.take(before.bytes()) {
        return Err(too_large("previous_response_id", limit));
    }
    request.continue_from(before.conversation());
    Ok(())
}

fn too_large(param: &str, limit: usize) -> ApiError {
    let message = format!(
        "invalid value for `{param}`: the stored items that it refers to have more than {limit} bytes (`sagewire_settings.limits.max_body_bytes`); refer to fewer"
    );
    ApiError::invalid(Some(param), message)
}

fn request_schema() -> Value {
    schema::request(
        "OpenAI's request. Other keys are sent to the model's container as they are.",
        &["model", "input"],
        json!({
            "input": schema::text_or_list(), "instructions": { "type": ["string", "null"] }, "stream": schema::flag(),
            "max_output_tokens": schema::count(), "tools": { "type": "array", "items": { "type": "object" } }, "tool_choice": {},
            "parallel_tool_calls": schema::flag(), "reasoning": { "type": ["object", "null"] }, "text": { "type": "object" },
            "include": { "type": "array", "items": schema::text() }, "store": schema::flag(),
            "previous_response_id": { "type": ["string", "null"] }, "temperature": { "type": "number" }, "top_p": { "type": "number" },
            "metadata": { "type": "object" }, "user": schema::text(),
        }),
    )
}

fn answer_schema() -> Value {
    json!({
        "type": "object",
        "required": ["id", "object", "created_at", "status", "model", "output", "usage"],
        "properties": {
            "id": schema::text(), "object": { "const": "response" }, "created_at": schema::count(), "status": schema::text(),
            "model": schema::text(), "output": { "type": "array", "items": { "type": "object" } }, "store": schema::flag(),
            "usage": { "type": ["object", "null"] }, "error": { "type": ["object", "null"] },
            "incomplete_details": { "type": ["object", "null"] },
        },
    })
}

fn event_schema() -> Value {
    json!({
        "type": "object",
        "required": ["type", "sequence_number"],
        "properties": { "type": schema::text(), "sequence_number": schema::count() },
    })
}
