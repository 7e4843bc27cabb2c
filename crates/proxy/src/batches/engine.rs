//! Lines of batches as requests of the app.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request, StatusCode, header};
use indexmap::IndexMap;
use sagewire_batch::{Engine, Line, Outcome, Owner, Response};
use sagewire_types::{Error, ErrorKind};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use super::service;
use crate::{
    App,
    callers::{Caller, KeyLimit},
    http::request_id,
};

/// The pause after an answer that says nothing of one.
const PAUSE: Duration = Duration::from_secs(1);

/// Who a request is from, in its extensions: only the program itself puts it there, in place of a
/// key.
#[derive(Clone, Debug)]
pub(crate) struct Sender(pub(crate) Caller);

/// The members of a body, as they were written. One that is there twice is refused, so that the body
/// stays as it is for the route to refuse.
struct Members<'a>(IndexMap<Name<'a>, Cow<'a, RawValue>>);

/// The name of a member.
#[derive(PartialEq, Eq, Hash, Deserialize, Serialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Name<'a> {
    fn of(name: &'a str) -> Self {
        Self(Cow::Borrowed(name))
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = IndexMap::new();
                while let Some((name, value)) = map.next_entry::<_, &'de RawValue>()? {
                    if members.insert(name, Cow::Borrowed(value)).is_some() {
                        return Err(A::Error::custom("duplicate member"));
                    }
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Each)
    }
}

/// Answers lines of batches as the app answers requests.
#[derive(Clone)]
pub struct BatchEngine {
    app: App,
    caller: Caller,
    model: Option<Box<RawValue>>,
    parameters: Vec<(String, Box<RawValue>)>,
    stops_at_faults_of_all: bool,
}

impl fmt::Debug for BatchEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchEngine").field("caller", &self.caller.name()).finish_non_exhaustive()
    }
}

impl App {
    /// An engine whose lines are requests of the operator's. It stops at a failure that every line
    /// would have, such as missing credentials.
    #[must_use]
    pub fn batch_engine(&self) -> BatchEngine {
        let caller = if self.asks_for_key() { Caller::Master } else { Caller::Anyone };
        BatchEngine { app: self.clone(), caller, model: None, parameters: Vec::new(), stops_at_faults_of_all: true }
    }
}

impl BatchEngine {
    /// Asks this model, whatever a line says.
    #[must_use]
    pub fn with_model(mut self, model: &str) -> Self {
        self.model = serde_json::value::to_raw_value(model).ok();
        self
    }

    /// Adds parameters to the body of every line that does not have them.
    #[must_use]
    pub fn with_parameters(mut self, parameters: Map<String, Value>) -> Self {
        let written = |(name, value)| Some((name, serde_json::value::to_raw_value(&value).ok()?));
        self.parameters = parameters.into_iter().filter_map(written).collect();
        self
    }

    /// The body as it is sent.
    fn body(&self, line: &Line) -> Result<Vec<u8>, &'static str> {
        let text = line.body.get();
        let Ok(Members(mut body)) = serde_json::from_str(text) else {
            // The route says what is wrong with it.
            return Ok(text.as_bytes().to_vec());
        };
        if body.get(&Name::of("stream")).is_some_and(|stream| stream.get() == "true") {
            return Err("`stream` is not possible in a batch; leave it out");
        }
        let mut is_changed = false;
        for (name, value) in &self.parameters {
            is_changed |= !body.contains_key(&Name::of(name));
            body.entry(Name::of(name)).or_insert(Cow::Borrowed(value));
        }
        if let Some(model) = &self.model {
            is_changed = true;
            body.insert(Name::of("model"), Cow::Borrowed(model));
        }
        let written = if is_changed { serde_json::to_vec(&body).ok() } else { None };
        Ok(written.unwrap_or_else(|| text.as_bytes().to_vec()))
    }

    /// What an answer means for the batch.
    fn judge(&self, response: Response, headers: &HeaderMap) -> Outcome {
        let wait = || {
            let seconds = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            seconds.map_or(PAUSE, Duration::from_secs)
        };
        let may_pass = headers.get("x-should-retry").is_some_and(|value| value == "true");
        match StatusCode::from_u16(response.status) {
            Ok(StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) if may_pass => Outcome::Later(wait()),
            Ok(status) if status.is_server_error() && may_pass => Outcome::Retry { after: wait(), otherwise: response },
            Ok(status) if self.stops_at_faults_of_all && !status.is_success() => match self.fault_of_all(&response) {
                Some(error) => Outcome::Stop(error),
                None => Outcome::Answered(response),
            },
            _ => Outcome::Answered(response),
        }
    }

    /// The failure, if every other line would have it, too.
    fn fault_of_all(&self, response: &Response) -> Option<Error> {
        #[derive(Deserialize)]
        struct Body {
            error: Fault,
        }
        #[derive(Deserialize)]
        struct Fault {
            code: Option<String>,
            message: String,
        }
        let Body { error: Fault { code, message } } = serde_json::from_slice(&response.body).ok()?;
        let kind = match code.as_deref()? {
            "upstream_authentication_failed" => ErrorKind::Authentication,
            "upstream_permission_denied" => ErrorKind::Permission,
            "proxy_misconfigured" => ErrorKind::Configuration,
            "model_not_found" if self.model.is_some() => ErrorKind::NotFound,
            _ => return None,
        };
        Some(Error::new(kind, message))
    }
}

#[async_trait]
impl Engine for BatchEngine {
    async fn answer(&self, line: &Line) -> Outcome {
        let failed =
            |message: &str| Outcome::Failed { code: "invalid_request".to_owned(), message: message.to_owned() };
        let body = match self.body(line) {
            Ok(body) => body,
            Err(message) => return failed(message),
        };
        let request = Request::builder()
            .method(Method::POST)
            .uri(line.endpoint.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .extension(Sender(self.caller.clone()))
            .body(Body::from(body));
        let Ok(request) = request else { return failed("the line cannot be sent") };
        let (head, body) = self.app.answer(request).await.into_parts();
        let Ok(body) = to_bytes(body, usize::MAX).await else {
            let code = "answer_broken".to_owned();
            return Outcome::Failed { code, message: "the answer broke off".to_owned() };
        };
        let request_id = head.headers.get(request_id::HEADER).and_then(|id| id.to_str().ok()).unwrap_or_default();
        let response = Response { status: head.status.as_u16(), request_id: request_id.to_owned(), body };
        self.judge(response, &head.headers)
    }
}

/// Answers lines as requests of their owner, whose key is looked up for each of them: it may have
/// been removed in the meantime.
pub(super) struct OwnersEngine {
    app: Arc<Mutex<Option<App>>>,
    owner: Owner,
    share: f64,
}

impl fmt::Debug for OwnersEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnersEngine").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl OwnersEngine {
    pub(super) fn new(app: Arc<Mutex<Option<App>>>, owner: Owner, share: f64) -> Self {
        Self { app, owner, share }
    }

    /// How long live requests go first.
    async fn pause(&self, app: &App, caller: &Caller) -> Option<Duration> {
        let state = app.state();
        let admission = &state.lasting.admission;
        if admission.waiting() > 0 || admission.at_work() >= part(state.limits.concurrent, self.share) {
            return Some(PAUSE);
        }
        let Caller::Key(key) = caller else { return None };
        let limits = key.limits();
        if limits.rpm.is_none() && limits.tpm.is_none() {
            return None;
        }
        let standing = state.lasting.ledger.standing(&limits).await;
        let mut used = standing.limits(&limits).filter(|(limit, ..)| *limit != KeyLimit::Budget);
        let reached = used.find(|(_, allowed, used, _)| *used >= part_of_count(*allowed, self.share));
        reached.map(|(.., resets_in)| resets_in.unwrap_or(PAUSE).max(PAUSE))
    }
}

#[async_trait]
impl Engine for OwnersEngine {
    async fn answer(&self, line: &Line) -> Outcome {
        let app = self.app.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(app) = app else { return Outcome::Later(PAUSE) };
        let Some(caller) = service::caller(&self.owner, &app.state().keyring, app.state().clock.now()) else {
            let message = "the key of this batch is no longer accepted";
            return Outcome::Failed { code: "invalid_api_key".to_owned(), message: message.to_owned() };
        };
        if let Some(pause) = self.pause(&app, &caller).await {
            return Outcome::Later(pause);
        }
        BatchEngine { app, caller, model: None, parameters: Vec::new(), stops_at_faults_of_all: false }
            .answer(line)
            .await
    }
}

/// A share of a limit, at least one.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share need not be exact"
)]
fn part_of_count(limit: u64, share: f64) -> u64 {
    ((limit as f64 * share) as u64).max(1).min(limit)
}

fn part(limit: usize, share: f64) -> usize {
    usize::try_from(part_of_count(limit as u64, share)).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use sagewire_types::{Answer, Call, CallContext, ChatResponse, FinishReason, Provider, Reply, Usage};

    use super::*;
    use crate::{AppBuilder, ServedModel, callers::KeyDigest, clock::Clock, config::CallerKey, limits::Limits};

    /// Answers every chat.
    #[derive(Debug)]
    struct Ready;

    #[async_trait]
    impl Provider for Ready {
        async fn call(&self, call: Call, _: &CallContext) -> Result<Answer, Error> {
            let Call::Chat(request) = call else { return Err(call.unsupported()) };
            let mut response = ChatResponse::text(request.model, "yes", FinishReason::Stop);
            response.usage = Some(Usage::reported(40, 20));
            Ok(Reply::new(response).into())
        }
    }

    fn engine(change: impl FnOnce(AppBuilder) -> AppBuilder, owner: &Owner) -> (App, OwnersEngine) {
        let builder = App::builder().provider(Arc::new(Ready)).model(ServedModel::new("m"));
        let app = change(builder.clock(Clock::new(|| UNIX_EPOCH + Duration::from_secs(90)))).build().unwrap();
        (app.clone(), OwnersEngine::new(Arc::new(Mutex::new(Some(app))), owner.clone(), 0.5))
    }

    fn line() -> Line {
        let text = br#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"?"}]}}"#;
        Line::parse(text, None).unwrap()
    }

    /// The status of a line's answer; nothing if it was put off.
    async fn status(engine: &OwnersEngine) -> Option<u16> {
        match engine.answer(&line()).await {
            Outcome::Answered(response) => Some(response.status),
            Outcome::Later(pause) => {
                assert!(pause >= PAUSE);
                None
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn batches_leave_the_rest_of_a_keys_limits_to_live_requests() {
        let with = |change: fn(&mut CallerKey)| {
            let mut key = CallerKey::new("one", KeyDigest::of("sk-one"));
            change(&mut key);
            let owner = service::owner(&Caller::Key(Arc::new(key.clone()))).unwrap();
            engine(|app| app.caller_key(key), &owner)
        };
        let (app, batch) = with(|key| key.rpm = Some(10));
        for _ in 0..5 {
            assert_eq!(status(&batch).await, Some(200));
        }
        assert_eq!(status(&batch).await, None, "half of the limit is used");
        let caller = service::caller(&batch.owner, &app.state().keyring, UNIX_EPOCH).unwrap();
        let live = BatchEngine { caller, ..app.batch_engine() };
        for _ in 0..5 {
            assert!(matches!(live.answer(&line()).await, Outcome::Answered(Response { status: 200, .. })));
        }
        assert!(
            matches!(live.answer(&line()).await, Outcome::Later(_)),
            "the limit is that of all requests of the key"
        );
        let (_, batch) = with(|key| key.tpm = Some(100));
        assert_eq!(status(&batch).await, Some(200));
        assert_eq!(status(&batch).await, None, "60 of 100 tokens are used");
    }

    #[tokio::test]
    async fn lines_wait_while_live_requests_take_their_share_or_are_queued() {
        let owner = service::owner(&Caller::Anyone).unwrap();
        let limits = Limits { concurrent: 4, queued: 1, ..Limits::default() };
        let (app, batch) = engine(|app| app.limits(limits), &owner);
        let (state, mut live) = (app.state(), Vec::new());
        for expected in [Some(200), Some(200), None, None] {
            assert_eq!(status(&batch).await, expected, "beside {} live requests", live.len());
            live.push(state.lasting.admission.enter(&state.limits).await.unwrap());
        }
        let queued = state.lasting.admission.enter(&state.limits);
        let mut queued = std::pin::pin!(queued);
        assert!(futures_util::poll!(&mut queued).is_pending());
        assert_eq!(status(&batch).await, None);
        live.clear();
        assert_eq!(status(&batch).await, None, "the one that was queued goes first");
        drop(queued.await.unwrap());
        assert_eq!(status(&batch).await, Some(200));
    }

    #[tokio::test]
    async fn a_key_that_is_gone_fails_its_lines() {
        let gone = service::owner(&Caller::Key(Arc::new(CallerKey::new("gone", KeyDigest::of("sk-gone"))))).unwrap();
        let (_, batch) = engine(|app| app, &gone);
        assert!(matches!(batch.answer(&line()).await, Outcome::Failed { code, .. } if code == "invalid_api_key"));
    }

    #[tokio::test]
    async fn a_body_with_a_member_twice_is_refused_as_that_of_a_live_request() {
        let (app, _) = engine(|app| app, &service::owner(&Caller::Anyone).unwrap());
        let text = br#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"messages":[],"messages":[{"role":"user","content":"?"}]}}"#;
        let line = Line::parse(text, None).unwrap();
        let Outcome::Answered(response) = app.batch_engine().with_model("m").answer(&line).await else { panic!() };
        assert_eq!(response.status, 400);
        assert!(String::from_utf8_lossy(&response.body).contains("duplicate parameter `messages`"), "{response:?}");
    }
}
