//! From a request's head to its answer.
//!
//! Owns the paths and the order of checks: the path, then the caller's key, then a place at work, and only then the body.

use std::{borrow::Cow, time::SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use percent_encoding::percent_decode_str;
use tokio::time::Instant;

use crate::{
    app::App,
    callers::{self, Caller, Refusal},
    http::cors::Cors,
    http::error::ApiError,
    http::response::Body,
    telemetry::{CallRecord, Outcome},
};

mod ask;
pub(crate) mod body;
mod chat;
mod completions;
mod compression;
pub(crate) mod cors;
pub(crate) mod disclosure;
mod embeddings;
pub(crate) mod error;
mod health;
mod metrics;
mod models;
mod nulls;
mod openapi;
pub(crate) mod request_id;
pub(crate) mod response;
pub(crate) mod sse;
mod streaming;

/// What a path means. A model in the path stands before the body's.
#[derive(Debug, PartialEq, Eq)]
enum Target<'a> {
    Chat(Option<Cow<'a, str>>),
    Completions(Option<Cow<'a, str>>),
    Embeddings(Option<Cow<'a, str>>),
    Models,
    Model(Cow<'a, str>),
    ModelInfo,
    Health,
    Liveliness,
    Readiness,
    Metrics,
    OpenApi,
    Home,
}

impl<'a> Target<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
        let plain = path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')).unwrap_or(path);
        match plain {
            "/chat/completions" => return Some(Self::Chat(None)),
            "/completions" => return Some(Self::Completions(None)),
            "/embeddings" => return Some(Self::Embeddings(None)),
            "/models" => return Some(Self::Models),
            "/model/info" => return Some(Self::ModelInfo),
            _ => {}
        }
        if let Some(id) = plain.strip_prefix("/models/").filter(|id| !id.is_empty()) {
            return Some(Self::Model(decoded(id)?));
        }
        if let Some(rest) = plain.strip_prefix("/engines/").or_else(|| plain.strip_prefix("/openai/deployments/")) {
            return Self::of_engine(rest);
        }
        match path {
            "/health" => Some(Self::Health),
            "/health/liveliness" | "/health/liveness" => Some(Self::Liveliness),
            "/health/readiness" => Some(Self::Readiness),
            "/metrics" => Some(Self::Metrics),
            "/openapi.json" => Some(Self::OpenApi),
            "/" => Some(Self::Home),
            _ => None,
        }
    }

    /// `{model}/chat/completions` and its like; the model may hold slashes.
    fn of_engine(rest: &'a str) -> Option<Self> {
        let model = |name: &'a str| decoded(name).filter(|name| !name.is_empty()).map(Some);
        if let Some(name) = rest.strip_suffix("/chat/completions") {
            model(name).map(Self::Chat)
        } else if let Some(name) = rest.strip_suffix("/completions") {
            model(name).map(Self::Completions)
        } else if let Some(name) = rest.strip_suffix("/embeddings") {
            model(name).map(Self::Embeddings)
        } else {
            None
        }
    }

    /// What logs and numbers call it.
    fn name(&self) -> &'static str {
        match self {
            Self::Chat(_) => "chat",
            Self::Completions(_) => "completions",
            Self::Embeddings(_) => "embeddings",
            Self::Models | Self::Model(_) => "models",
            Self::ModelInfo => "model_info",
            Self::Health => "health",
            Self::Liveliness => "liveliness",
            Self::Readiness => "readiness",
            Self::Metrics => "metrics",
            Self::OpenApi => "openapi",
            Self::Home => "home",
        }
    }

    fn asks_a_model(&self) -> bool {
        matches!(self, Self::Chat(_) | Self::Completions(_) | Self::Embeddings(_))
    }

    fn allowed(&self) -> &'static str {
        if self.asks_a_model() { "POST" } else { "GET" }
    }

    fn needs_key(&self, app: &App) -> bool {
        match self {
            Self::Liveliness | Self::Readiness | Self::OpenApi | Self::Home => false,
            Self::Metrics => app.state().settings.metrics_need_key,
            _ => true,
        }
    }
}

fn decoded(text: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(text).decode_utf8().ok()
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) app: App,
    pub(crate) head: Parts,
    pub(crate) caller: Caller,
    /// The time of day at which the request came.
    pub(crate) began: SystemTime,
    /// Taken by a stream, which ends later than its head.
    pub(crate) record: Option<CallRecord>,
}

impl Exchange {
    pub(crate) fn note(&mut self, note: impl FnOnce(&mut CallRecord)) {
        if let Some(record) = &mut self.record {
            note(record);
        }
    }
}

/// Answers a request. Dropping the future means that the caller went away.
pub(crate) async fn answer<B>(app: App, request: Request<B>) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: std::error::Error,
{
    let started = Instant::now();
    let (head, body) = request.into_parts();
    let lasting = app.lasting();
    let id = lasting.request_ids.of(&head.headers);
    let path = head.uri.path().to_owned();
    let target = Target::of(&path);
    let route = target.as_ref().map_or("none", Target::name);
    let record = CallRecord::new(lasting.metrics.clone(), route, id.clone(), started);
    let began = app.state().clock.now();
    let mut exchange = Exchange { app, head, caller: Caller::Anyone, began, record: Some(record) };

    let outcome = match target {
        _ if Cors::is_preflight(&exchange.head.method, &exchange.head.headers) => {
            Ok(exchange.app.state().cors.preflight(&exchange.head.headers))
        }
        Some(target) => dispatch(&mut exchange, &target, body).await,
        None => Err(ApiError::unknown_path(&path)),
    };
    let mut response = match outcome {
        Ok(response) => {
            let status = response.status().as_u16();
            exchange.note(|record| record.ended(&Outcome::Status(status)));
            response
        }
        Err(error) => {
            exchange.note(|record| record.ended(&Outcome::Failed(&error)));
            let mut response = error.to_response();
            if error.status() == StatusCode::METHOD_NOT_ALLOWED {
                let allowed = Target::of(&path).map_or("GET", |target| target.allowed());
                response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
            }
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(request_id::HEADER, id);
    exchange.app.state().cors.decorate(&exchange.head.headers, headers);
    response
}

async fn dispatch<B>(exchange: &mut Exchange, target: &Target<'_>, body: B) -> Result<Response<Body>, ApiError>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: std::error::Error,
{
    let method = &exchange.head.method;
    let fits = match target.allowed() {
        "POST" => method == Method::POST,
        _ => method == Method::GET || method == Method::HEAD,
    };
    if !fits {
        return Err(ApiError::wrong_method(method, exchange.head.uri.path(), target.allowed()));
    }
    if target.needs_key(&exchange.app) {
        let state = exchange.app.state();
        state.cors.check(&exchange.head.headers)?;
        callers::refuse_key_in_url(exchange.head.uri.query())?;
        let caller = state.keyring.identify(&exchange.head.headers, exchange.began)?;
        exchange.note(|record| record.caller = caller.clone());
        exchange.caller = caller;
    }
    if target.asks_a_model() {
        admit(exchange).await?;
    }
    match target {
        Target::Chat(model) => chat::chat(exchange, model.as_deref(), body).await,
        Target::Completions(model) => completions::complete(exchange, model.as_deref(), body).await,
        Target::Embeddings(model) => embeddings::embed(exchange, model.as_deref(), body).await,
        Target::Models => Ok(models::list(exchange)),
        Target::Model(id) => models::one(exchange, id),
        Target::ModelInfo => Ok(models::info(exchange)),
        Target::Health => health::health(exchange).await,
        Target::Liveliness => Ok(health::liveliness()),
        Target::Readiness => Ok(health::readiness(exchange)),
        Target::Metrics => Ok(metrics::metrics(exchange).await),
        Target::OpenApi => Ok(openapi::openapi()),
        Target::Home => Ok(openapi::home()),
    }
}

/// The caller's own limits, then a place at work.
async fn admit(exchange: &mut Exchange) -> Result<(), ApiError> {
    let lasting = exchange.app.lasting().clone();
    if let Caller::Key(key) = &exchange.caller {
        lasting.ledger.admit(key).await.map_err(|refusal| match refusal {
            Refusal::Requests(wait) => ApiError::rate_limited(
                "rate_limit_exceeded",
                "Your key's requests a minute are used up: wait",
                Some(wait),
            ),
            Refusal::Tokens(wait) => ApiError::rate_limited(
                "rate_limit_exceeded",
                "Your key's tokens a minute are used up: wait",
                Some(wait),
            ),
            Refusal::Budget(wait) => ApiError::rate_limited(
                "insufficient_quota",
                "Your key's budget of tokens is used up: ask the proxy's operator for more",
                wait,
            ),
        })?;
        exchange.note(|record| record.ledger = Some(lasting.ledger.clone()));
    }
    let permit = lasting.admission.enter(&exchange.app.state().limits).await?;
    exchange.note(|record| record.permit = Some(permit));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_path_is_known() {
        let model = |name: &'static str| Some(Cow::Borrowed(name));
        for (path, target) in [
            ("/chat/completions", Target::Chat(None)),
            ("/v1/chat/completions", Target::Chat(None)),
            ("/v1/chat/completions/", Target::Chat(None)),
            ("/engines/m/chat/completions", Target::Chat(model("m"))),
            ("/v1/engines/m/completions", Target::Completions(model("m"))),
            ("/openai/deployments/sagemaker/a/chat/completions", Target::Chat(model("sagemaker/a"))),
            ("/openai/deployments/sagemaker%2Fa/embeddings", Target::Embeddings(model("sagemaker/a"))),
            ("/v1/completions", Target::Completions(None)),
            ("/embeddings", Target::Embeddings(None)),
            ("/v1/models", Target::Models),
            ("/models/sagemaker/a", Target::Model("sagemaker/a".into())),
            ("/v1/models/a%20b", Target::Model("a b".into())),
            ("/model/info", Target::ModelInfo),
            ("/v1/model/info", Target::ModelInfo),
            ("/health/liveness", Target::Liveliness),
            ("/health", Target::Health),
            ("/", Target::Home),
        ] {
            assert_eq!(Target::of(path), Some(target), "{path}");
        }
        for unknown in [
            "",
            "/v1",
            "/v1/",
            "/v2/models",
            "/v1/health",
            "/engines//chat/completions",
            "/models/%FF",
            "/v1models",
            "/engines/m",
        ] {
            assert_eq!(Target::of(unknown), None, "{unknown}");
        }
    }
}
