//! One request from its head to the end of its answer.
//!
//! Owns what is remembered of it, and says it once, as a log line and in the numbers. A record that
//! is dropped early says that the caller went away.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http::HeaderValue;
use sagewire_router::{cache::Found, decision};
use sagewire_types::{Error, ReplyMeta};
use tokio::time::Instant;

use super::{
    activity::{ActivityOwner, EndedRequest, FailedRequest, RequestResult},
    failed_call::FailedCall,
    metrics::{Metrics, Operation},
    span::{Ended, RequestSpans},
};
use crate::{
    app::Model,
    callers::{Caller, Count},
    http::{
        error::{ApiError, CLIENT_CLOSED_REQUEST},
        route::Route,
    },
};

/// The longest name of a model that is logged, in bytes. A caller may ask for any.
const LONGEST_NAME: usize = 256;

/// The decision of an inference router of AWS.
const ROUTING_REASON: &str = "routing_reason";

/// What is remembered of a request.
#[derive(Debug)]
pub(crate) struct CallRecord {
    metrics: Arc<Metrics>,
    /// `None` if the path is unknown.
    route: Option<&'static Route>,
    request_id: HeaderValue,
    /// Where the request came from, if the server says so.
    client: Option<SocketAddr>,
    started: Instant,
    /// How long the provider had the call, where it answered as a whole.
    upstream: Duration,
    first_byte: Option<Instant>,
    last_piece: Option<Instant>,
    pieces: u64,
    streamed: bool,
    status: u16,
    error_kind: Option<&'static str>,
    failed: Option<FailedCall>,
    /// What the caller was told of the failure.
    told: Option<String>,
    /// The deployment that answers.
    deployment: Option<String>,
    /// How much of the answer was kept, if a cache was asked.
    found: Option<Found>,
    attempts: u32,
    aws_request_id: Option<String>,
    /// `None` if no model worked on it.
    tokens: Option<Count>,
    /// The request's spans, where anyone takes them.
    pub(crate) spans: Option<RequestSpans>,
    pub(crate) caller: Caller,
    pub(crate) model: Option<Arc<Model>>,
    /// The model that was asked for, which there may not be.
    asked: Option<Arc<str>>,
    /// Whether a stream was asked for.
    asks_for_stream: Option<bool>,
}

/// How a request ended.
#[derive(Debug)]
pub(crate) enum Outcome<'a> {
    /// With this status.
    Status(u16),
    /// With this failure.
    Failed(&'a ApiError),
}

impl CallRecord {
    pub(crate) fn new(
        metrics: Arc<Metrics>,
        route: Option<&'static Route>,
        request_id: HeaderValue,
        client: Option<SocketAddr>,
        started: Instant,
    ) -> Self {
        Self {
            metrics,
            route,
            request_id,
            client,
            started,
            upstream: Duration::ZERO,
            first_byte: None,
            last_piece: None,
            pieces: 0,
            streamed: false,
            status: CLIENT_CLOSED_REQUEST,
            error_kind: None,
            failed: None,
            told: None,
            deployment: None,
            found: None,
            attempts: 0,
            aws_request_id: None,
            tokens: None,
            spans: None,
            caller: Caller::Anyone,
            model: None,
            asked: None,
            asks_for_stream: None,
        }
    }

    /// What the body asks for.
    pub(crate) fn asks_for(&mut self, model: &str, stream: Option<bool>) {
        let longest = LONGEST_NAME.min(model.len());
        let end = (0..=longest).rfind(|at| model.is_char_boundary(*at)).unwrap_or_default();
        self.asked = model.get(..end).map(Arc::from);
        self.asks_for_stream = stream;
    }

    pub(crate) fn request_id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }

    /// The provider had the call for so long.
    pub(crate) fn upstream_took(&mut self, time: Duration) {
        self.upstream += time;
    }

    pub(crate) fn learned(&mut self, meta: &ReplyMeta) {
        self.attempts = meta.attempts;
        self.found = Found::of(meta);
        self.aws_request_id.clone_from(&meta.request_id);
        let deployment = meta.decisions.iter().find(|(name, _)| *name == decision::DEPLOYMENT);
        self.deployment = deployment.map(|(_, id)| id.clone());
        for (_, failed) in meta.decisions.iter().filter(|(name, _)| *name == decision::FAILED) {
            if let Some((deployment, kind)) = failed.rsplit_once(": ") {
                self.metrics.activity.deployment_failed(deployment, kind, self.request_id());
            }
        }
        if let Some(arn) = &meta.invoked_resource_arn {
            // Region, kind and name, without the account.
            let mut parts = arn.split(':').skip(3);
            let resource = [parts.next(), parts.nth(1)].map(Option::unwrap_or_default).join("/");
            let reason = meta.decisions.iter().find(|(name, _)| *name == ROUTING_REASON);
            let model = self.model.as_ref().map(|model| model.name.as_str()).unwrap_or_default();
            let reason = reason.map(|(_, reason)| reason.as_str()).unwrap_or_default();
            self.metrics.routed.add([model, &resource, reason], 1);
        }
        if let Some(spans) = &mut self.spans {
            spans.decided(&meta.decisions);
        }
    }

    /// So many tokens were counted.
    pub(crate) fn counted(&mut self, count: Count) {
        self.tokens = Some(count);
    }

    /// The answer is a stream, and its first piece is here.
    pub(crate) fn streams(&mut self) {
        self.streamed = true;
        self.first_byte = Some(Instant::now());
    }

    /// So many pieces were written together.
    pub(crate) fn wrote(&mut self, pieces: usize) {
        let now = Instant::now();
        if let (Some(model), Some(last)) = (&self.model, self.last_piece) {
            model.metrics.between_tokens.observe(now - last);
        }
        self.last_piece = Some(now);
        self.pieces += pieces as u64;
    }

    /// The model failed. The request may still end well with another try.
    pub(crate) fn failed(&mut self, error: &ApiError, cause: &Error) {
        self.failed = Some(FailedCall::of(cause));
        self.told = Some(error.message().to_owned());
        if let Some(deployment) = self.deployment() {
            self.metrics.activity.deployment_failed(deployment, error.kind(), self.request_id());
        }
        self.error_kind = Some(error.kind());
        self.attempts = self.attempts.max(error.attempts());
        if let Some(id) = error.aws_request_id() {
            self.aws_request_id = Some(id.to_owned());
        }
        if let Some(model) = &self.model {
            let status = error.upstream_status().map_or_else(String::new, |status| status.to_string());
            self.metrics.upstream.add([&model.name, error.kind(), &status], 1);
        }
    }

    /// How it ended. The record says so when it is dropped.
    pub(crate) fn ended(&mut self, outcome: &Outcome<'_>) {
        match outcome {
            Outcome::Status(status) => self.status = *status,
            Outcome::Failed(error) => {
                self.status = error.status().as_u16();
                self.told = Some(error.message().to_owned());
                if self.error_kind.is_none() {
                    self.error_kind = Some(error.kind());
                    self.metrics.refused.add([error.kind()], 1);
                }
            }
        }
    }

    fn measure(&self, took: Duration) {
        let model = self.model.as_ref();
        let name = model.map_or("", |model| &model.name);
        // Texts of the usual statuses are not made anew each time.
        let status = match self.status {
            200 => "200",
            499 => "499",
            _ => &self.status.to_string(),
        };
        let key = self.caller.name();
        self.metrics.requests.add([self.route_name(), name, status, key], 1);
        let Some(model) = model else { return };
        if let Some(gen_ai) = self.metrics.gen_ai() {
            gen_ai.ended(&Operation {
                name: self.operation(),
                model: &model.name,
                took,
                first_token: self.first_byte.map(|at| at - self.started),
                error: self.error_kind,
                tokens: self.reported_tokens(),
            });
        }
        let numbers = &model.metrics;
        if self.status == 200 {
            numbers.duration.observe(took);
            numbers.first_byte.observe(self.first_byte.map_or(took, |at| at - self.started));
            if !self.streamed {
                numbers.overhead.observe(took.saturating_sub(self.upstream));
            }
        }
        if let Some(found) = self.found {
            self.metrics.cache.add([name, found.as_str(), key], 1);
        }
        numbers.retries.add(u64::from(self.attempts.saturating_sub(1)));
        if let Some(tokens) = self.tokens {
            self.metrics.tokens.add([name, "prompt", key], tokens.prompt);
            self.metrics.tokens.add([name, "completion", key], tokens.completion);
        }
    }

    /// Adds a call of a model to what was done of late.
    fn remember(&self, took: Duration) {
        if self.route.is_none_or(|route| route.operation.is_none()) {
            return;
        }
        let result = match self.status {
            200 => RequestResult::Answered,
            CLIENT_CLOSED_REQUEST => RequestResult::Cancelled,
            _ => RequestResult::Failed,
        };
        let (prompt_tokens, completion_tokens) =
            self.tokens.map_or((0, 0), |tokens| (tokens.prompt, tokens.completion));
        let owner = ActivityOwner::of(&self.caller);
        let model = self.model.as_deref().map(|model| model.name.as_str());
        let activity = &self.metrics.activity;
        activity.ended(&EndedRequest {
            owner: owner.clone(),
            model,
            result,
            took,
            first_piece: self.first_byte.map(|at| at - self.started),
            retries: u64::from(self.attempts.saturating_sub(1)),
            prompt_tokens,
            completion_tokens,
        });
        if result == RequestResult::Failed {
            activity.failed(FailedRequest {
                owner,
                request_id: self.request_id().to_owned(),
                route: self.route_name(),
                model: model.or(self.asked.as_deref()).map(str::to_owned),
                deployment: self.deployment().map(str::to_owned),
                status: self.status,
                kind: self.error_kind.unwrap_or_default(),
                message: self.told.clone().unwrap_or_default(),
                aws_request_id: self.aws_request_id.clone(),
                took,
            });
        }
    }

    /// What logs and metrics call the route.
    pub(crate) fn route_name(&self) -> &'static str {
        self.route.map_or("none", |route| route.name)
    }

    /// The operation as OpenTelemetry calls it.
    pub(crate) fn operation(&self) -> &'static str {
        self.route.and_then(|route| route.operation).unwrap_or_default()
    }

    /// Prompt and completion tokens as the model reported them.
    fn reported_tokens(&self) -> Option<(u64, u64)> {
        self.tokens.filter(|tokens| !tokens.estimated).map(|tokens| (tokens.prompt, tokens.completion))
    }

    fn trace(&self, took: Duration) {
        let Some(spans) = &self.spans else { return };
        spans.end(&Ended {
            route: self.route.map_or("", Route::path),
            operation: self.operation(),
            status: self.status,
            request_id: self.request_id(),
            took,
            model: self.model.as_ref().map(|model| model.name.as_str()),
            streamed: self.streamed,
            attempts: self.attempts,
            tokens: self.reported_tokens(),
            aws_request_id: self.aws_request_id.as_deref(),
            error: self.error_kind,
        });
    }

    /// The deployment that answered, or the last one that failed.
    fn deployment(&self) -> Option<&str> {
        let sole = || match self.model.as_deref()?.deployments.as_slice() {
            [sole] => Some(sole.id.as_str()),
            _ => None,
        };
        let failed = self.failed.as_ref();
        self.deployment.as_deref().or_else(|| failed?.deployment.as_deref()).or_else(|| failed.and_then(|_| sole()))
    }

    fn log(&self, took: Duration) {
        let model = self.model.as_ref().map(|model| model.name.as_str()).or(self.asked.as_deref());
        let failed = self.failed.as_ref();
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "sagewire::proxy::access",
                    // It has the request's id itself.
                    parent: None,
                    request_id = self.request_id(),
                    client = self.client.map(tracing::field::display),
                    route = self.route_name(),
                    status = self.status,
                    model,
                    deployment = self.deployment(),
                    key = self.caller.name(),
                    stream = self.asks_for_stream,
                    duration_ms = millis(took),
                    first_byte_ms = self.first_byte.map(|at| millis(at - self.started)),
                    prompt_tokens = self.tokens.map(|tokens| tokens.prompt),
                    completion_tokens = self.tokens.map(|tokens| tokens.completion),
                    tokens_estimated = self.tokens.filter(|tokens| tokens.estimated).map(|_| true),
                    cache = self.found.map(Found::as_str),
                    attempts = self.attempts,
                    aws_request_id = self.aws_request_id.as_deref(),
                    error = self.error_kind,
                    reason = failed.map(|failed| failed.reason.as_str()),
                    aws_status = failed.and_then(|failed| failed.aws_status),
                    aws_code = failed.and_then(|failed| failed.aws_code.as_deref()),
                    container_status = failed.and_then(|failed| failed.container_status),
                    container_said = failed.and_then(|failed| failed.container_said.as_deref()),
                    log_stream = failed.and_then(|failed| failed.log_stream.as_deref()),
                    causes = failed.and_then(|failed| failed.causes.as_deref()),
                )
            };
        }
        // Probes of the proxy's own pages come every few seconds.
        match failed {
            Some(_) => line!(warn),
            None if self.route.is_none_or(|route| route.operation.is_some()) => line!(info),
            None => line!(debug),
        }
    }
}

/// Milliseconds with three decimals.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        self.measure(took);
        self.remember(took);
        self.trace(took);
        self.log(took);
    }
}
