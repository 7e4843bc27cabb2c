//! What every call of a model has in common, until it is answered.
//!
//! Owns the way from a body to a request for the provider, and the wait for its answer.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::{self, Either};
use http::header;
use sagewire_types::{CallContext, ChatRequest, Error, ErrorKind, StopSequences, Tally};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{Exchange, answer_cache, arrival::Stopping, body, disclosure::Disclosure, error::ApiError, kinds};
use crate::{
    app::{AppSettings, Model},
    callers::{Wanted, parameters},
    limits::Limits,
    telemetry::{RequestSpans, SpanValue, trace_context},
};

/// A request body that names a model.
pub(super) trait Ask: Sized {
    /// The parameter that may be lists of token ids.
    const TOKEN_IDS: Option<&'static str> = None;

    fn model(&mut self) -> &mut String;
    fn extra(&mut self) -> &mut Map<String, Value>;
    /// What it asks for, as [spans](https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/) say it.
    fn asked(&self) -> Attributes {
        Vec::new()
    }
    /// What its answer seems to need.
    fn wanted(&self) -> Wanted;
    /// Whether it asks for a stream; `None` if it cannot.
    fn stream(&self) -> Option<bool> {
        None
    }
    /// Checks its lists, whose length multiplies what an answer costs.
    fn check(&self, limits: &Limits) -> Checked;
}

/// Whether a request may be asked.
pub(super) type Checked = Result<(), ApiError>;

pub(super) type Attributes = Vec<(&'static str, SpanValue)>;

/// How a text is sampled, as spans say it: temperature, top-p, presence and frequency penalty, the
/// most tokens, and the number of answers. One answer is what everyone gets and is not mentioned.
pub(super) fn sampling(numbers: [Option<f64>; 4], max_tokens: Option<u64>, n: Option<u32>) -> Attributes {
    const NUMBERS: [&str; 4] = [
        "gen_ai.request.temperature",
        "gen_ai.request.top_p",
        "gen_ai.request.presence_penalty",
        "gen_ai.request.frequency_penalty",
    ];
    let numbers = NUMBERS.into_iter().zip(numbers);
    let counts = [
        ("gen_ai.request.max_tokens", max_tokens),
        ("gen_ai.request.choice.count", n.filter(|n| *n != 1).map(u64::from)),
    ];
    let counts = counts.into_iter().filter_map(|(name, count)| Some((name, SpanValue::from(count?))));
    counts.chain(numbers.filter_map(|(name, number)| Some((name, SpanValue::from(number?))))).collect()
}

/// Checks the stop texts of a request.
pub(super) fn check_stops(stop: Option<&StopSequences>, limits: &Limits) -> Result<(), ApiError> {
    let texts = stop.map(StopSequences::as_slice).unwrap_or_default();
    at_most("stop", "texts", texts.len(), limits.stop_texts, "max_stop_texts")?;
    at_most("stop", "bytes", texts.iter().map(String::len).sum(), limits.stop_bytes, "max_stop_bytes")
}

/// Refuses what is longer than a limit, named by its setting.
pub(super) fn at_most(param: &str, what: &str, count: usize, limit: usize, setting: &str) -> Result<(), ApiError> {
    if count <= limit {
        return Ok(());
    }
    let message = format!(
        "invalid value for `{param}`: it has {count} {what}, more than the {limit} that are allowed (`sagewire_settings.limits.{setting}`); send fewer"
    );
    Err(ApiError::invalid(Some(param), message))
}

/// A request that is ready for the provider.
#[derive(Debug)]
pub(super) struct Prepared<T> {
    pub(super) request: T,
    pub(super) context: CallContext,
    pub(super) model: Arc<Model>,
    /// The model's name as the caller wrote it: the answer bears it.
    pub(super) asked: Arc<str>,
    pub(super) deadline: Instant,
}

/// Reads and checks a body.
pub(super) async fn prepare<T: Ask + DeserializeOwned>(exchange: &mut Exchange) -> Result<Prepared<T>, ApiError> {
    let bytes = bytes(exchange).await?;
    let request = body::parse_with_token_ids(&bytes, &exchange.state.limits, T::TOKEN_IDS)?;
    drop(bytes);
    ready(exchange, request).await
}

/// Reads the bytes of a body.
pub(super) async fn bytes(exchange: &mut Exchange) -> Result<Bytes, ApiError> {
    let state = Arc::clone(&exchange.state);
    let body = exchange.take_body();
    let bytes = body::read(&exchange.head.headers, body, &state.limits).await?;
    log_body(exchange, &state.settings, "request", &bytes);
    Ok(bytes)
}

/// Notes for the log which model a request asks for that is refused by its head. Its body is read
/// only if it is small, and soon there.
pub(super) async fn note_model(exchange: &mut Exchange) {
    const SMALL: u64 = 16 * 1024;
    const SOON: Duration = Duration::from_millis(500);

    #[derive(Deserialize)]
    struct Asked {
        model: String,
        stream: Option<bool>,
    }

    if let Some(model) = &exchange.parameter {
        let model = model.clone();
        return exchange.note(|record| record.asks_for(&model, None));
    }
    let headers = &exchange.head.headers;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_none_or(|length| length > SMALL) {
        return;
    }
    let state = Arc::clone(&exchange.state);
    let body = exchange.take_body();
    let read = body::read(&exchange.head.headers, body, &state.limits);
    let Ok(Ok(bytes)) = tokio::time::timeout(SOON, read).await else { return };
    if let Ok(Asked { model, stream }) = body::parse(&bytes, &state.limits) {
        exchange.note(|record| record.asks_for(&model, stream));
    }
}

/// Checks a request: its model, its parameters, and the caller's limits.
pub(super) async fn ready<T: Ask>(exchange: &mut Exchange, mut request: T) -> Result<Prepared<T>, ApiError> {
    let state = Arc::clone(&exchange.state);
    request.check(&state.limits)?;
    let name = request.model();
    if let Some(model) = exchange.parameter.take() {
        *name = model;
    } else if name.is_empty()
        && let Some(model) = &state.settings.default_model
    {
        name.clone_from(model);
    }
    let name = name.clone();
    exchange.note(|record| record.asks_for(&name, request.stream()));
    if name.is_empty() {
        return Err(ApiError::invalid(Some("model"), "missing required parameter `model`"));
    }
    // A model that the key may not use looks like one that is not there.
    let model = state.models.find(&name).filter(|model| exchange.caller.may_use(model, &name));
    let Some(model) = model.map(Arc::clone) else { return Err(ApiError::unknown_model(&name)) };
    let asked: Arc<str> = name.as_str().into();
    exchange.note(|record| record.model = Some(Arc::clone(&model)));
    let operation = exchange.call.as_ref().map_or("", |call| call.record.operation());
    kinds::check(operation, &name, &model)?;

    let cache = answer_cache::Wishes::take_from(request.extra(), state.settings.cache.as_ref())?;
    let mut callers = parameters::from_headers(&exchange.head.headers)?;
    let own_limit = parameters::take_from(&mut callers, request.extra(), &model)?;
    let limit = own_limit.unwrap_or(Duration::MAX).min(state.settings.request_timeout);
    let deadline = Instant::now() + limit.min(Duration::from_secs(86_400));
    let mut context = CallContext::new().with_deadline(deadline.into_std());
    let callers_trace = trace_context::of(&exchange.head.headers);
    let mut spans = state
        .spans
        .as_ref()
        .and_then(|sink| RequestSpans::begin(sink, callers_trace.as_ref(), exchange.head.uri.path(), exchange.began));
    if let Some(spans) = &mut spans {
        spans.asked = request.asked();
    }
    if let Some(trace) = spans.as_ref().map(RequestSpans::context).or(callers_trace) {
        context = context.with_trace(trace);
    }
    exchange.note(|record| record.spans = spans);
    if let Some(admission) =
        exchange.booking().and_then(|booking| booking.wants(request.wanted(), &model.expected_output))
    {
        context = context.with(admission);
    }
    if !state.id_sources.is_empty() {
        let (caller, headers) = (&exchange.caller, &exchange.head.headers);
        context = context.with(parameters::identity(&state.id_sources, caller, &state.keyring, headers));
    }
    exchange.operators_names = !model.is_wildcard() && !parameters::name_a_target(&callers);
    if callers != Default::default() {
        // What a caller chooses of where its call goes decides the answer, and is not in the request.
        context = context.with(callers);
    } else if let Some(terms) = cache.and_then(|wishes| wishes.terms(exchange, &model)) {
        context = context.with(terms);
    }
    Ok(Prepared { request, context, model, asked, deadline })
}

/// A translated request that is ready for the provider. `ready` is what was made ready before the
/// translation, if anything was.
pub(super) async fn ready_as_chat(
    exchange: &mut Exchange,
    mut chat: ChatRequest,
    ready: Option<Prepared<()>>,
) -> Result<Prepared<ChatRequest>, ApiError> {
    cap_output(exchange, &mut chat);
    match ready {
        Some(Prepared { context, model, asked, deadline, .. }) => {
            chat.check(&exchange.state.limits)?;
            Ok(Prepared { request: chat, context, model, asked, deadline })
        }
        None => self::ready(exchange, chat).await,
    }
}

/// Lowers a limit of tokens to what the model's deployments say that they can give: agents ask for
/// the most that they could use.
fn cap_output(exchange: &Exchange, request: &mut ChatRequest) {
    if let Some(most) = most_output(exchange, &request.model) {
        request.max_tokens = request.max_tokens.map(|asked| asked.min(most));
    }
}

/// The most tokens that the deployments of a model say that they can give.
pub(super) fn most_output(exchange: &Exchange, model: &str) -> Option<u64> {
    let state = &exchange.state;
    let name = state.settings.default_model.as_deref().filter(|_| model.is_empty()).unwrap_or(model);
    let limits = state.models.find(name)?.deployments.iter().filter_map(|deployment| {
        ["max_output_tokens", "max_tokens"].iter().find_map(|name| deployment.info.get(*name)?.as_u64())
    });
    limits.min()
}

/// About how many tokens a text of so many bytes has.
pub(super) fn tokens_of(text_bytes: usize) -> u64 {
    Tally::new(None, text_bytes).generated()
}

/// A failed call as its caller may see it; the log has the rest.
pub(super) fn failed(exchange: &mut Exchange, model: &Model, error: &Error) -> ApiError {
    let mut shown = ApiError::from_provider(error, &disclosure(&exchange.state.settings, model));
    let by_container = error.upstream().is_some_and(|upstream| upstream.original_status.is_some());
    if error.kind() == ErrorKind::NotFound && exchange.operators_names && !by_container {
        shown = shown.misconfigured();
    }
    exchange.note(|record| record.failed(&shown, error));
    shown
}

/// Asks the provider and the limits of the caller's key, waits no longer than the deadline, and
/// takes the time.
pub(super) async fn ask<T>(
    exchange: &mut Exchange,
    model: &Model,
    deadline: Instant,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, ApiError> {
    let began = Instant::now();
    let admitted = exchange.booking().map(|booking| {
        booking.asked();
        booking.admitted()
    });
    let stopping = Stopping::of(&exchange.head.extensions);
    let asked = async {
        tokio::select! {
            biased;
            outcome = tokio::time::timeout_at(deadline, call) => outcome,
            () = stopping.cut_off() => Ok(Err(Stopping::error())),
        }
    };
    let outcome = match unless_refused(admitted, asked).await {
        Ok(outcome) => outcome,
        Err(refusal) => {
            if let Some(booking) = exchange.booking() {
                booking.was_refused();
            }
            return Err(refusal);
        }
    };
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::new(
            ErrorKind::Timeout,
            format!(
                "the model did not answer within {:.1} seconds: request fewer tokens, or raise `request_timeout`",
                began.elapsed().as_secs_f64()
            ),
        )),
    };
    exchange.note(|record| record.upstream_took(began.elapsed()));
    if let Some(booking) = exchange.booking() {
        match &outcome {
            Ok(_) => booking.answering(),
            Err(error) => booking.failed(error),
        }
    }
    outcome.map_err(|error| failed(exchange, model, &error))
}

/// What a call brings, unless the limits of its key refuse it. Both are asked at once: the call
/// waits for the answer of the other before it reaches a model.
async fn unless_refused<T>(
    admitted: Option<impl Future<Output = Result<(), ApiError>>>,
    call: impl Future<Output = T>,
) -> Result<T, ApiError> {
    let admitted = async {
        match admitted {
            Some(admitted) => admitted.await,
            None => Ok(()),
        }
    };
    let (mut admitted, call) = (pin!(admitted), pin!(call));
    match future::select(admitted.as_mut(), call).await {
        Either::Left((answer, call)) => {
            answer?;
            Ok(call.await)
        }
        // It came from a cache, or failed on its way.
        Either::Right((outcome, _)) => admitted.await.map(|()| outcome),
    }
}

pub(super) fn disclosure<'a>(settings: &AppSettings, model: &'a Model) -> Disclosure<'a> {
    Disclosure {
        names: &model.hidden_names,
        expose_upstream: settings.expose_upstream,
        expose_names: settings.expose_names,
    }
}

/// Prompts and answers are logged only where the operator asks for it.
pub(super) fn log_body(exchange: &Exchange, settings: &AppSettings, which: &str, bytes: &[u8]) {
    if settings.log_prompts {
        tracing::debug!(
            target: "sagewire::proxy::prompts",
            request_id = exchange.request_id(),
            which,
            body = %String::from_utf8_lossy(bytes),
        );
    }
}
