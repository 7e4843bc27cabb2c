//! APIs that a container speaks itself: the request is passed on, and only the model's name is
//! written anew on the way there and back.
//!
//! Owns which requests go this way. One that the container does not know is translated as if it had
//! never been sent.

use std::{borrow::Cow, sync::Arc};

use http::Response;
use sagewire_types::{Error, ForwardRequest, Reply, json};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use self::events::NativeEvents;
use super::{
    Exchange, answer,
    ask::{self, Ask, Prepared},
    body,
    error::ApiError,
    response::Body,
    streaming,
};
use crate::{app::State, callers::Wanted, limits::Limits};

mod events;

/// What the APIs differ in.
#[derive(Debug)]
pub(super) struct Api {
    /// The path of the container's route.
    path: &'static str,
    /// The parameter that limits the answer's tokens.
    limit: &'static str,
    /// What breaks the silence of a stream.
    silence: &'static [u8],
}

pub(super) static RESPONSES: Api =
    Api { path: "/v1/responses", limit: "max_output_tokens", silence: b": keep-alive\n\n" };
pub(super) static MESSAGES: Api =
    Api { path: "/v1/messages", limit: "max_tokens", silence: b"event: ping\ndata: {\"type\":\"ping\"}\n\n" };
pub(super) static COUNT_TOKENS: Api = Api { path: "/v1/messages/count_tokens", limit: "max_tokens", silence: b"" };

/// Parameters that a container cannot heed, or does not have what they name: the translation
/// refuses them.
const OF_THE_SERVICE: [&str; 4] = ["background", "conversation", "prompt", "thread"];

impl Api {
    fn is(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

/// What came of a request.
pub(super) enum Passed<R> {
    /// The container has answered.
    Answered(Response<Body>),
    /// The request must be translated. What was made ready for the container is still good.
    Not(R, Option<Prepared<()>>),
}

/// Reads a request and passes it on if its model's container speaks the API.
pub(super) async fn pass_on<R: DeserializeOwned>(
    exchange: &mut Exchange,
    api: &'static Api,
) -> Result<Passed<R>, ApiError> {
    let state = Arc::clone(&exchange.state);
    let bytes = ask::bytes(exchange).await?;
    if !named_model(&bytes).is_some_and(|name| has_route(&state, &name, api)) {
        return Ok(Passed::Not(body::parse(&bytes, &state.limits)?, None));
    }
    let mut request = NativeRequest::new(api, body::parse(&bytes, &state.limits)?, bytes.len());
    if !request.is_for_the_container(&state) {
        return Ok(Passed::Not(body::parse(&bytes, &state.limits)?, None));
    }
    request.cap_output(exchange);
    let Prepared { request, context, model, asked, deadline } = ask::ready(exchange, request).await?;
    let ready = Prepared { request: (), context, model, asked, deadline };
    match request.ask(exchange, &ready).await? {
        Some(response) => Ok(Passed::Answered(response)),
        None => Ok(Passed::Not(request.into_request()?, Some(ready))),
    }
}

/// The model that a body names; `None` if that is not certain, which what reads the body explains.
fn named_model(bytes: &[u8]) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow, default)]
        model: Option<Cow<'a, str>>,
    }
    serde_json::from_slice(bytes).ok().map(|Named { model }| model.unwrap_or_default())
}

/// Whether the model of this name, or the default one, has a container with the route.
fn has_route(state: &State, name: &str, api: &Api) -> bool {
    let name = state.settings.default_model.as_deref().filter(|_| name.is_empty()).unwrap_or(name);
    state.models.find(name).is_some_and(|model| model.has_route(api.path))
}

/// A request whose container speaks its API.
#[derive(Debug)]
struct NativeRequest {
    api: &'static Api,
    model: String,
    /// Everything but the model.
    fields: Map<String, Value>,
    bytes: usize,
}

impl NativeRequest {
    fn new(api: &'static Api, mut fields: Map<String, Value>, bytes: usize) -> Self {
        let model = match fields.shift_remove("model") {
            Some(Value::String(model)) => model,
            _ => String::new(),
        };
        Self { api, model, fields, bytes }
    }

    /// Whether the container can answer it. Responses are stored by the proxy alone.
    fn is_for_the_container(&self, state: &State) -> bool {
        let is_set = |name: &str| !matches!(self.fields.get(name), None | Some(Value::Null | Value::Bool(false)));
        if OF_THE_SERVICE.into_iter().any(is_set) || !self.says_how_to_answer() {
            return false;
        }
        let is_stored =
            state.settings.response_store.is_some() && self.fields.get("store") != Some(&Value::Bool(false));
        let refers = |item: &Value| item.get("type").and_then(Value::as_str) == Some("item_reference");
        let items = self.fields.get("input").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        !self.api.is(&RESPONSES) || !(is_stored || is_set("previous_response_id") || items.iter().any(refers))
    }

    /// Whether `stream` is a flag. A container may take other values for one, and would stream where a
    /// whole answer is expected; the translation refuses them.
    fn says_how_to_answer(&self) -> bool {
        matches!(self.fields.get("stream"), None | Some(Value::Null | Value::Bool(_)))
    }

    fn cap_output(&mut self, exchange: &Exchange) {
        let most = ask::most_output(exchange, &self.model);
        if let (Some(most), Some(limit)) = (most, self.fields.get_mut(self.api.limit))
            && limit.as_u64().is_some_and(|limit| limit > most)
        {
            *limit = Value::from(most);
        }
    }

    /// Asks the container; `None` if it does not have the route.
    async fn ask(&self, exchange: &mut Exchange, ready: &Prepared<()>) -> Result<Option<Response<Body>>, ApiError> {
        let mut fields = self.fields.clone();
        if self.api.is(&RESPONSES) {
            // Nothing is stored in a container.
            fields.insert("store".to_owned(), Value::Bool(false));
        }
        let body = json::restore_integers(Value::Object(fields).to_string().into());
        let request = ForwardRequest::new(self.model.as_str(), self.api.path, body).checked();
        let provider = exchange.state.provider.clone();
        let Prepared { context, model, asked, deadline, .. } = ready;
        if self.stream() == Some(true) {
            let request = request.with_accept("text/event-stream");
            let call = async { known(provider.forward_stream(request, context).await) };
            let Some(stream) = ask::ask(exchange, model, *deadline, call).await? else { return Ok(None) };
            let events = NativeEvents::new(self.api, asked);
            return Ok(Some(streaming::respond(exchange, stream, events, model, Arc::clone(asked), true)));
        }
        let call = async { known(provider.forward(request, context).await) };
        let Some(Reply { value, meta }) = ask::ask(exchange, model, *deadline, call).await? else { return Ok(None) };
        let (usage, text_bytes) =
            value.reading.as_ref().map_or((None, 0), |reading| (reading.usage.clone(), reading.text_bytes));
        if self.api.is(&COUNT_TOKENS) {
            charge_no_tokens(exchange);
        }
        answer::book(exchange, &meta, usage, text_bytes);
        let json = match value.around_model() {
            Some((before, after)) => [before, Value::from(&**asked).to_string().as_bytes(), after].concat().into(),
            None => value.bytes,
        };
        answer::written(exchange, Ok(json), &meta).map(Some)
    }

    /// The request as it would have been read in the first place.
    fn into_request<R: DeserializeOwned>(mut self) -> Result<R, ApiError> {
        self.fields.insert("model".to_owned(), Value::from(self.model));
        serde_json::from_value(Value::Object(self.fields))
            .map_err(|error| ApiError::invalid(None, format!("invalid request body: {error}")))
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.fields.get(name)?.as_f64()
    }
}

/// A request that only counts is counted itself, and no tokens are.
pub(super) fn charge_no_tokens(exchange: &mut Exchange) {
    if let Some(booking) = exchange.booking() {
        booking.uses_no_tokens();
    }
}

/// An answer, or nothing if the container does not have the route.
pub(super) fn known<T>(outcome: Result<T, Error>) -> Result<Option<T>, Error> {
    match outcome {
        Err(error) if error.is_unknown_route() => Ok(None),
        outcome => outcome.map(Some),
    }
}

impl Ask for NativeRequest {
    fn model(&mut self) -> &mut String {
        &mut self.model
    }

    fn extra(&mut self) -> &mut Map<String, Value> {
        &mut self.fields
    }

    fn asked(&self) -> ask::Attributes {
        let most = self.fields.get(self.api.limit).and_then(Value::as_u64);
        ask::sampling([self.number("temperature"), self.number("top_p"), None, None], most, None)
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            prompt: ask::tokens_of(self.bytes),
            answers: u64::from(!self.api.is(&COUNT_TOKENS)),
            max_output: self.fields.get(self.api.limit).and_then(Value::as_u64),
        }
    }

    fn stream(&self) -> Option<bool> {
        Some(self.fields.get("stream") == Some(&Value::Bool(true)))
    }

    fn check(&self, limits: &Limits) -> Result<(), ApiError> {
        let tools = self.fields.get("tools").and_then(Value::as_array).map_or(0, Vec::len);
        ask::at_most("tools", "tools", tools, limits.tools, "max_tools")
    }
}
