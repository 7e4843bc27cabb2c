//! From a request's head to its answer.
//!
//! Owns the list of routes, the router made from it, and the order of checks: the path, the method,
//! the caller's key, a place at work, and only then the body.

use std::{net::SocketAddr, sync::Arc, time::SystemTime};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State as Shared},
    routing::{MethodRouter, any},
};
use http::{HeaderValue, Response, header, request::Parts};
use percent_encoding::percent_decode_str;
use tokio::time::Instant;
use tracing::Instrument as _;

pub(crate) use self::chat::as_written as chat_as_written;
use self::{
    arrival::Arrival,
    call::Call,
    cors::Cors,
    error::{ApiError, ErrorForm},
    response::Body,
    route::{Access, Route},
};
use crate::{
    app::State,
    batches::Sender,
    callers::{self, Booking, Caller},
    telemetry::{CallRecord, Outcome},
};

mod activity;
mod answer;
mod answer_cache;
pub(crate) mod arrival;
mod ask;
mod batches;
pub(crate) mod body;
mod call;
mod chat;
mod completions;
mod compression;
pub(crate) mod cors;
mod count_tokens;
pub(crate) mod disclosure;
mod embeddings;
pub(crate) mod error;
mod files;
mod forwarded;
mod health;
mod ignored_tools;
mod key_info;
mod kinds;
mod messages;
mod metrics;
mod models;
mod multipart;
mod native;
mod nulls;
mod openapi;
mod rate_limits;
pub(crate) mod request_id;
mod rerank;
pub(crate) mod response;
pub(crate) mod responses;
pub(crate) mod route;
mod scrub;
pub(crate) mod sse;
mod streaming;
mod transcription;
mod ui;
mod whole;

/// Every route that there is. The router and `/openapi.json` are made from this list.
pub(crate) static ROUTES: &[&Route] = &[
    &chat::ROUTE,
    &completions::ROUTE,
    &embeddings::ROUTE,
    &rerank::ROUTE,
    &forwarded::SCORE,
    &forwarded::CLASSIFY,
    &forwarded::POOLING,
    &forwarded::TOKENIZE,
    &forwarded::DETOKENIZE,
    &forwarded::IMAGES,
    &forwarded::SPEECH,
    &transcription::TRANSCRIPTIONS,
    &transcription::TRANSLATIONS,
    &messages::ROUTE,
    &count_tokens::ROUTE,
    &responses::ROUTE,
    &responses::stored::READ,
    &responses::stored::DELETE,
    &responses::stored::ITEMS,
    &responses::stored::CANCEL,
    &files::UPLOAD,
    &files::LIST,
    &files::ONE,
    &files::DELETE,
    &files::CONTENT,
    &batches::CREATE,
    &batches::LIST,
    &batches::ONE,
    &batches::CANCEL,
    &models::LIST,
    &models::ONE,
    &models::INFO,
    &key_info::ROUTE,
    &activity::ROUTE,
    &health::HEALTH,
    &health::PROBE,
    &health::LIVELINESS,
    &health::READINESS,
    &metrics::ROUTE,
    &openapi::ROUTE,
    &ui::HOME,
    &ui::DOCS,
    &ui::FILES,
];

/// A router for every route.
pub(crate) fn router(state: Arc<State>) -> Router {
    let mut router = Router::new();
    for (form, routes) in route::by_form(ROUTES) {
        router = router.route(&form, methods(&form, &routes));
    }
    // The model in the path may hold slashes, and what follows it says which route is meant.
    for prefix in route::MODEL_PREFIXES {
        for version in ["", "/v1"] {
            let start = version.len() + prefix.len() + 1;
            let asked = move |Shared(state): Shared<Arc<State>>, request: Request| async move {
                let target = of_model(request.uri().path().get(start..).unwrap_or_default(), request.method());
                answer(state, target, request).await
            };
            router = router.route(&format!("{version}{prefix}/{{*rest}}"), any(asked));
        }
    }
    router =
        router.fallback(|Shared(state): Shared<Arc<State>>, request: Request| answer(state, Target::Unknown, request));
    if state.settings.compression {
        router = router.layer(compression::layer());
    }
    router.with_state(state)
}

/// The handlers of one form of a path, by method.
fn methods(form: &str, routes: &[&'static Route]) -> MethodRouter<Arc<State>> {
    let form: Arc<str> = form.into();
    let mut methods = MethodRouter::new();
    for &route in routes {
        let form = Arc::clone(&form);
        let handler = move |Shared(state): Shared<Arc<State>>, request: Request| {
            let target = match route::parameter(&form, request.uri().path()).map(decoded) {
                None => Target::Route(route, None),
                Some(Some(parameter)) => Target::Route(route, Some(parameter)),
                Some(None) => Target::Unknown,
            };
            answer(state, target, request)
        };
        methods = methods.on(route.method.filter(), handler);
    }
    let first = routes.first().copied();
    let allowed = routes.iter().map(|route| route.method.as_str()).collect::<Vec<_>>().join(", ");
    methods.fallback(move |Shared(state): Shared<Arc<State>>, request: Request| {
        answer(state, Target::WrongMethod(first, allowed), request)
    })
}

/// What `{model}/chat/completions` and its like mean.
fn of_model(rest: &str, method: &http::Method) -> Target {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let found = ROUTES.iter().copied().filter_map(|route| Some((route, rest.strip_suffix(route.after_model()?)?)));
    // `/chat/completions` ends as `/completions` does: the longest end is meant, and with it the
    // shortest model.
    let Some((route, model)) = found.min_by_key(|(_, model)| model.len()) else { return Target::Unknown };
    match decoded(model) {
        Some(model) if !model.is_empty() && route.method.is(method) => Target::Route(route, Some(model)),
        Some(model) if !model.is_empty() => Target::WrongMethod(Some(route), route.method.as_str().to_owned()),
        _ => Target::Unknown,
    }
}

fn decoded(text: &str) -> Option<String> {
    let text = text.strip_suffix('/').unwrap_or(text);
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// What a path and a method mean.
#[derive(Debug)]
enum Target {
    /// This route, with what stands in its path in place of a parameter.
    Route(&'static Route, Option<String>),
    /// A path of this route, which takes these methods and not the one that was sent.
    WrongMethod(Option<&'static Route>, String),
    /// No route.
    Unknown,
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) state: Arc<State>,
    pub(crate) head: Parts,
    /// Taken by the route that reads it.
    body: Body,
    /// What stands in the path in place of a parameter. A model in the path takes precedence over
    /// the body's.
    pub(crate) parameter: Option<String>,
    pub(crate) caller: Caller,
    /// Whether every part of the endpoint's name is the operator's choice.
    pub(crate) operators_names: bool,
    /// The time of day at which the request came.
    pub(crate) began: SystemTime,
    /// Taken by a stream, which ends later than its head.
    pub(crate) call: Option<Call>,
}

impl Exchange {
    pub(crate) fn note(&mut self, note: impl FnOnce(&mut CallRecord)) {
        if let Some(call) = &mut self.call {
            note(&mut call.record);
        }
    }

    /// The request's id, for log lines.
    pub(crate) fn request_id(&self) -> &str {
        self.call.as_ref().map_or("", |call| call.record.request_id())
    }

    fn booking(&mut self) -> Option<&mut Booking> {
        self.call.as_mut()?.booking.as_mut()
    }

    fn take_body(&mut self) -> Body {
        std::mem::take(&mut self.body)
    }
}

/// Answers a request, within a span that gives its id to every log line. Dropping the future means
/// that the caller went away.
async fn answer(state: Arc<State>, target: Target, request: Request) -> Response<Body> {
    let id = state.lasting.request_ids.of(request.headers());
    let span = tracing::info_span!(target: "sagewire::proxy", "request", request_id = id.to_str().unwrap_or_default());
    answer_with_id(state, target, request, id).instrument(span).await
}

async fn answer_with_id(state: Arc<State>, target: Target, request: Request, id: HeaderValue) -> Response<Body> {
    let started = Instant::now();
    let (head, body) = request.into_parts();
    let route = match &target {
        Target::Route(route, _) => Some(*route),
        Target::WrongMethod(route, _) => *route,
        Target::Unknown => None,
    };
    let client = head.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(client)| *client);
    let record = CallRecord::new(state.lasting.metrics.clone(), route, id.clone(), client, started);
    let began = state.clock.now();
    let mut exchange = Exchange {
        state,
        head,
        body,
        parameter: None,
        caller: Caller::Anyone,
        operators_names: false,
        began,
        call: Some(Call::new(record)),
    };

    let form = ErrorForm::of(route, &exchange.head.headers);
    let mut allowed = None;
    let well_formed = match exchange.head.extensions.get::<Arrival>() {
        Some(_) => arrival::check_host(exchange.head.version, &exchange.head.headers),
        None => Ok(()),
    };
    let outcome = match (well_formed, target) {
        (Err(error), _) => Err(error),
        (Ok(()), _) if Cors::is_preflight(&exchange.head.method, &exchange.head.headers) => {
            Ok(exchange.state.cors.preflight(&exchange.head.headers))
        }
        (Ok(()), Target::Route(route, parameter)) => {
            exchange.parameter = parameter;
            dispatch(&mut exchange, route).await
        }
        (Ok(()), Target::WrongMethod(_, methods)) => {
            let error = ApiError::wrong_method(&exchange.head.method, exchange.head.uri.path(), &methods);
            allowed = HeaderValue::from_str(&methods).ok();
            Err(error)
        }
        (Ok(()), Target::Unknown) => Err(ApiError::unknown_path(exchange.head.uri.path())),
    };
    let mut response = match outcome {
        Ok(response) => {
            let status = response.status().as_u16();
            exchange.note(|record| record.ended(&Outcome::Status(status)));
            response
        }
        Err(error) => {
            exchange.note(|record| record.ended(&Outcome::Failed(&error)));
            error.to_response(form, &id)
        }
    };
    let headers = response.headers_mut();
    if form == ErrorForm::Anthropic {
        headers.insert(request_id::ANTHROPIC, id.clone());
    }
    headers.insert(request_id::HEADER, id);
    if let Some(allowed) = allowed {
        headers.insert(header::ALLOW, allowed);
    }
    exchange.state.cors.decorate(&exchange.head.headers, headers);
    rate_limits::decorate(&*exchange.state.lasting.ledger, &exchange.caller, headers).await;
    response
}

async fn dispatch(exchange: &mut Exchange, route: &'static Route) -> Result<Response<Body>, ApiError> {
    let state = Arc::clone(&exchange.state);
    let needs_key = match route.access {
        Access::Anyone => false,
        Access::Key => true,
        Access::Metrics => state.settings.metrics_need_key,
    };
    if route.access != Access::Anyone {
        state.cors.check(&exchange.head)?;
    }
    if needs_key {
        let caller = match exchange.head.extensions.remove::<Sender>() {
            Some(Sender(caller)) => caller,
            None => sender(&state, &exchange.head, exchange.began).await?,
        };
        exchange.note(|record| record.caller = caller.clone());
        exchange.caller = caller;
    }
    if route.operation.is_some() {
        let booking = match Booking::enter(&state.lasting, &exchange.caller, &state.limits).await {
            Ok(booking) => booking,
            Err(refusal) => {
                ask::note_model(exchange).await;
                return Err(refusal);
            }
        };
        if let Some(call) = &mut exchange.call {
            call.booking = Some(booking);
        }
    }
    (route.handler)(exchange).await
}

/// Who has sent the key of a request.
async fn sender(state: &State, head: &Parts, now: SystemTime) -> Result<Caller, ApiError> {
    callers::refuse_key_in_url(head.uri.query(), |value| state.keyring.has(value))?;
    let caller = state.keyring.identify(&head.headers, now);
    if caller.is_err() {
        let client = head.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = client.map(|ConnectInfo(client)| client.ip());
        state.lasting.wrong_keys.slow_down(address, state.limits.wrong_key_delay).await;
    }
    caller
}
