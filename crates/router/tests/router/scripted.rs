//! A provider that does what a script says, and remembers what it was asked.
//!
//! Owns the double and the short ways to build routers over it; it asserts nothing.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{
    Stream, StreamExt,
    future::{Either, select},
    stream,
};
use sagewire_router::{Deployment, Router, RouterSettings};
use sagewire_types::{
    Answer, Call, CallContext, ChatChunk, ChatRequest, ChatResponse, ChatStream, ChunkChoice, CompletionResponse,
    CompletionStream, EmbedResponse, Error, ErrorKind, Extension, FinishReason, Message, Provider, Reply, ReplyMeta,
    Retries, Upstream, Usage, Vector,
};
use tokio::time::{Instant, sleep, sleep_until};

/// What a scripted provider does when it is asked.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Answers, after this time.
    Answer(Duration),
    /// Fails with this kind, after this time.
    Fail(ErrorKind, Duration),
    /// Fails and asks to be left alone for this long.
    FailFor(ErrorKind, Duration),
    /// Fails with this kind, of which it says whether another try may help.
    FailButSays(ErrorKind, bool),
    /// Never answers.
    Hang,
    /// Streams this many chunks, one each second after the first, then breaks with this kind.
    Break(usize, ErrorKind),
    /// Streams one chunk and then nothing more.
    Stall,
}

impl From<ErrorKind> for Step {
    fn from(kind: ErrorKind) -> Self {
        Self::Fail(kind, Duration::ZERO)
    }
}

pub(crate) fn ok() -> Step {
    Step::Answer(Duration::ZERO)
}

pub(crate) fn ok_after(seconds: u64) -> Step {
    Step::Answer(Duration::from_secs(seconds))
}

/// One thing that a provider was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    pub(crate) retries: Retries,
    pub(crate) deadline: Option<std::time::Instant>,
    pub(crate) answer_by: Option<std::time::Instant>,
    pub(crate) tenant: Option<&'static str>,
    /// Where the request's text lies in memory: the same for a request that was passed on, another
    /// for a copy.
    pub(crate) text_at: usize,
}

/// An extension that a call's context may carry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tenant(pub(crate) &'static str);

impl Extension for Tenant {}

#[derive(Debug)]
pub(crate) struct Scripted {
    script: Mutex<VecDeque<Step>>,
    /// What it does when the script is over.
    then: Step,
    asked: Mutex<Vec<Asked>>,
    /// Tokens that it reports for an answer, if it reports any.
    usage: Option<u64>,
    /// Calls and streams that are under way.
    active: Arc<AtomicU32>,
    most_active: AtomicU32,
}

/// Counts a call or stream as under way until it is dropped.
struct Active(Arc<AtomicU32>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Scripted {
    /// Does these steps, then answers.
    pub(crate) fn new(script: impl IntoIterator<Item = impl Into<Step>>) -> Arc<Self> {
        Self::with(script, ok(), Some(10))
    }

    /// Always does the same.
    pub(crate) fn always(step: impl Into<Step>) -> Arc<Self> {
        Self::with(Vec::<Step>::new(), step.into(), Some(10))
    }

    pub(crate) fn with(script: impl IntoIterator<Item = impl Into<Step>>, then: Step, usage: Option<u64>) -> Arc<Self> {
        Arc::new(Self {
            script: Mutex::new(script.into_iter().map(Into::into).collect()),
            then,
            asked: Mutex::default(),
            usage,
            active: Arc::default(),
            most_active: AtomicU32::new(0),
        })
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(crate) fn active(&self) -> u32 {
        self.active.load(Ordering::SeqCst)
    }

    pub(crate) fn most_active(&self) -> u32 {
        self.most_active.load(Ordering::SeqCst)
    }

    /// Replaces what is left of the script.
    pub(crate) fn script(&self, script: impl IntoIterator<Item = impl Into<Step>>) {
        *self.script.lock().unwrap() = script.into_iter().map(Into::into).collect();
    }

    fn begin(&self, call: &Call, context: &CallContext) -> (Step, Active) {
        self.asked.lock().unwrap().push(Asked {
            at: Instant::now(),
            retries: context.retries,
            deadline: context.deadline,
            answer_by: context.answer_by,
            tenant: context.get::<Tenant>().map(|tenant| tenant.0),
            text_at: match call {
                Call::Chat(request) | Call::ChatStream(request) => request.messages.as_ptr() as usize,
                _ => 0,
            },
        });
        let active = self.active.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_active.fetch_max(active, Ordering::SeqCst);
        let step = self.script.lock().unwrap().pop_front().unwrap_or_else(|| self.then.clone());
        (step, Active(Arc::clone(&self.active)))
    }

    /// Runs the step up to the answer's beginning.
    async fn play(&self, step: &Step) -> Result<(), Error> {
        match step {
            Step::Answer(after) => pass(*after).await,
            Step::Fail(kind, after) => {
                pass(*after).await;
                return Err(failure(*kind));
            }
            Step::FailFor(kind, retry_after) => {
                let mut upstream = Upstream::default();
                upstream.retry_after = Some(*retry_after);
                return Err(failure(*kind).with_upstream(upstream));
            }
            Step::FailButSays(kind, retryable) => return Err(failure(*kind).with_retryable(*retryable)),
            Step::Hang => std::future::pending().await,
            Step::Break(..) | Step::Stall => {}
        }
        Ok(())
    }

    /// A stream of this step, under way until it is dropped.
    fn chunks(
        &self,
        model: &str,
        step: Step,
        active: Active,
    ) -> impl Stream<Item = Result<ChatChunk, Error>> + Send + use<> {
        let chunk = |text: &str| Ok(ChatChunk::new("id".into(), model.into(), 0, vec![ChunkChoice::text(text)]));
        let mut last = ChatChunk::new("id".into(), model.into(), 0, Vec::new());
        last.usage = self.usage();
        let pieces: Vec<Result<ChatChunk, Error>> = match step {
            Step::Break(count, kind) => (0..count).map(|_| chunk("abcd")).chain([Err(failure(kind))]).collect(),
            Step::Stall => vec![chunk("abcd")],
            _ => vec![chunk("abcd"), chunk("efgh"), Ok(last)],
        };
        let stalls = matches!(step, Step::Stall);
        let timed = stream::iter(pieces.into_iter().enumerate()).then(|(index, piece)| async move {
            if index > 0 {
                sleep(Duration::from_secs(1)).await;
            }
            piece
        });
        let rest = stream::once(async move {
            if stalls {
                std::future::pending::<()>().await;
            }
        })
        .filter_map(|()| async { None });
        timed.chain(rest).map(move |piece| {
            let _held = &active;
            piece
        })
    }

    fn usage(&self) -> Option<Usage> {
        self.usage.map(|total| Usage::reported(0, total))
    }
}

/// Lets time pass; none where there is none, which a timer would round up.
async fn pass(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

fn failure(kind: ErrorKind) -> Error {
    Error::new(kind, format!("scripted {kind}")).with_attempts(1)
}

fn meta() -> ReplyMeta {
    let mut meta = ReplyMeta::default();
    meta.attempts = 1;
    meta
}

fn reply<T>(value: T) -> Reply<T> {
    Reply { value, meta: meta() }
}

/// The error of a call or a stream whose time is over, then.
fn end_at(at: Option<std::time::Instant>) -> impl Future<Output = Error> + Send + Unpin + use<> {
    Box::pin(async move {
        match at {
            Some(at) => sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
        failure(ErrorKind::Timeout)
    })
}

/// A stream within its call's limits.
fn within<T: Send + 'static>(
    context: &CallContext,
    pieces: impl Stream<Item = Result<T, Error>> + Send + 'static,
) -> impl Stream<Item = Result<T, Error>> + Send + 'static {
    // After the error of its end a stream is asked for nothing more.
    stream::unfold(Some((Box::pin(pieces), end_at(context.deadline))), |state| async move {
        let (mut pieces, end) = state?;
        match select(pieces.next(), end).await {
            Either::Left((item, end)) => Some((item?, Some((pieces, end)))),
            Either::Right((error, _)) => Some((Err(error), None)),
        }
    })
}

#[async_trait]
impl Provider for Scripted {
    async fn call(&self, call: Call, context: &CallContext) -> Result<Answer, Error> {
        let (step, active) = self.begin(&call, context);
        let answer_by = [context.deadline, context.answer_by].into_iter().flatten().min();
        match select(Box::pin(self.play(&step)), end_at(answer_by)).await {
            Either::Left((outcome, _)) => outcome?,
            Either::Right((error, _)) => return Err(error),
        }
        let model = call.model().to_owned();
        Ok(match call {
            Call::Chat(_) => {
                let mut response = ChatResponse::text(model, "12345678", FinishReason::Stop);
                response.usage = self.usage();
                reply(response).into()
            }
            Call::ChatStream(_) => ChatStream::new(meta(), within(context, self.chunks(&model, step, active))).into(),
            Call::Embed(_) => {
                let mut response = EmbedResponse::new(model, [Vector::Floats(vec![0.5])]);
                response.usage = self.usage();
                reply(response).into()
            }
            Call::Complete(_) => {
                reply(CompletionResponse::new("id".into(), model.as_str().into(), 0, Vec::new())).into()
            }
            Call::CompleteStream(_) => {
                let piece = CompletionResponse::new("id".into(), model.as_str().into(), 0, Vec::new());
                let held = stream::iter([Ok(piece)]).inspect(move |_| {
                    let _held = &active;
                });
                CompletionStream::new(meta(), held).into()
            }
            other => return Err(other.unsupported()),
        })
    }
}

/// A deployment whose id and provider's model are both `id`.
pub(crate) fn deployment(model_name: &str, id: &str, provider: &Arc<Scripted>) -> Deployment {
    Deployment::new(model_name, id, Arc::clone(provider) as Arc<dyn Provider>).with_id(id)
}

/// A router over one model `m`, with these deployments in this order of preference: `a`, `b`, ...
pub(crate) fn ordered(settings: RouterSettings, providers: &[&Arc<Scripted>]) -> Router {
    let ids = ["a", "b", "c", "d", "e"];
    let deployments = providers
        .iter()
        .zip(ids)
        .zip(0..)
        .map(|((provider, id), order)| deployment("m", id, provider).with_order(order));
    router(settings, deployments)
}

pub(crate) fn router(settings: RouterSettings, deployments: impl IntoIterator<Item = Deployment>) -> Router {
    Router::builder().deployments(deployments).settings(settings).seed(1).build().expect("a router")
}

pub(crate) fn settings() -> RouterSettings {
    RouterSettings::default()
}

pub(crate) fn request(model: &str) -> ChatRequest {
    ChatRequest::new(model, [Message::user("1234")])
}

/// Asks for `m` and gives the id of the deployment that answered.
pub(crate) async fn ask(router: &Router) -> Result<String, Error> {
    ask_for(router, "m").await
}

pub(crate) async fn ask_for(router: &Router, model: &str) -> Result<String, Error> {
    let reply = router.chat(request(model), &CallContext::new()).await?;
    Ok(reply.value.model)
}

/// The calls that hold a place anywhere.
pub(crate) async fn in_flight(router: &Router) -> u32 {
    router.health().await.iter().map(|status| status.state.in_flight).sum()
}

/// The values of one decision.
pub(crate) fn decided<'m>(meta: &'m ReplyMeta, name: &str) -> Vec<&'m str> {
    meta.decisions.iter().filter(|(key, _)| *key == name).map(|(_, value)| value.as_str()).collect()
}

/// What an error and everything behind it says, in every form.
pub(crate) fn everything(error: &impl std::error::Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    text
}
