//! A provider that does what the model's name says, and remembers what it was asked.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use sagewire::sagemaker::CallerParameters;
use sagewire_types::{
    Answer, Call, CallContext, ChatChunk, ChatRequest, ChatResponse, ChatStream, ChunkChoice, CompletionChoice,
    CompletionRequest, CompletionResponse, CompletionStream, EmbedInput, EmbedRequest, EmbedResponse, Error, ErrorKind,
    FinishReason, Forwarded, Message, Prompt, Provider, Reply, ReplyMeta, ReplyStream, RerankRequest, RerankResponse,
    RerankResult, Upstream, Usage, Vector,
};
use tokio::sync::{Notify, mpsc};

/// The endpoint behind every model: callers must not see it.
pub(crate) const REAL_NAME: &str = "sagemaker/hidden-endpoint-7";

#[derive(Debug, Default)]
pub(crate) struct Double {
    pub(crate) asked: Mutex<Vec<Asked>>,
    /// Calls that were given up before they ended.
    pub(crate) given_up: AtomicUsize,
    /// Raised when a call is given up.
    pub(crate) gave_up: Notify,
    /// Raised when a call that hangs has begun.
    pub(crate) began: Notify,
    /// Lets a call that hangs go on.
    pub(crate) go_on: Notify,
    /// Feeds the streams of the model `fed`.
    pub(crate) feed: Mutex<Option<mpsc::UnboundedReceiver<Result<ChatChunk, Error>>>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) body: serde_json::Value,
    pub(crate) parameters: Option<CallerParameters>,
    pub(crate) traceparent: Option<String>,
    pub(crate) has_deadline: bool,
}

/// Counts a call that is dropped before it is disarmed.
struct Watch {
    double: Arc<Double>,
    armed: bool,
}

impl Watch {
    fn disarm(&mut self) {
        self.armed = false;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.armed {
            self.double.given_up.fetch_add(1, SeqCst);
            self.double.gave_up.notify_one();
        }
    }
}

/// The provider's side of a [`Double`].
#[derive(Clone, Debug)]
pub(crate) struct Served(pub(crate) Arc<Double>);

impl Served {
    fn remember(&self, body: serde_json::Value, context: &CallContext) {
        self.0.asked.lock().unwrap().push(Asked {
            body,
            parameters: context.get::<CallerParameters>().cloned(),
            traceparent: context.trace.as_ref().map(|trace| trace.traceparent.clone()),
            has_deadline: context.deadline.is_some(),
        });
    }

    async fn obey(&self, model: &str) -> Result<(), Error> {
        if let Some(kind) = model.strip_prefix("fail-") {
            return Err(failure(kind));
        }
        if model == "hang" {
            let mut watch = Watch { double: Arc::clone(&self.0), armed: true };
            self.0.began.notify_one();
            self.0.go_on.notified().await;
            watch.disarm();
        }
        Ok(())
    }
}

/// A failure of this kind, as talkative as AWS.
pub(crate) fn failure(kind: &str) -> Error {
    let kind = match kind {
        "invalid" => ErrorKind::InvalidRequest,
        "context" => ErrorKind::ContextTooLong,
        "authentication" => ErrorKind::Authentication,
        "permission" => ErrorKind::Permission,
        "throttled" => ErrorKind::Throttled,
        "model" => ErrorKind::ModelFailed,
        "timeout" => ErrorKind::Timeout,
        "missing" => ErrorKind::NotFound,
        other => panic!("unknown failure {other}"),
    };
    let mut upstream = Upstream::default();
    upstream.status = Some(424);
    upstream.request_id = Some("aws-request-1".to_owned());
    upstream.message = Some("Received server error from arn:aws:iam::123456789012:role/r UPSTREAM-BODY".to_owned());
    upstream.original_message = Some("CUDA out of memory UPSTREAM-BODY".to_owned());
    upstream.log_stream_arn = Some("arn:aws:logs:us-east-1:123456789012:LOG-STREAM".to_owned());
    upstream.body = Some("UPSTREAM-BODY".into());
    upstream.retry_after = (kind == ErrorKind::Throttled).then_some(Duration::from_secs(7));
    Error::new(kind, format!("`{REAL_NAME}` failed, see https://console.aws.amazon.com/x for account 123456789012"))
        .with_upstream(upstream)
        .with_source(std::io::Error::other("CAUSE"))
}

fn meta() -> ReplyMeta {
    let mut meta = ReplyMeta::default();
    meta.request_id = Some("aws-request-1".to_owned());
    meta.attempts = 1;
    meta.decisions = vec![("deployment", "d-1".to_owned())];
    meta
}

fn chunk(text: &str) -> ChatChunk {
    ChatChunk::new("chatcmpl-1".into(), REAL_NAME.into(), 7, vec![ChunkChoice::text(text)])
}

#[async_trait]
impl Provider for Served {
    async fn call(&self, call: Call, context: &CallContext) -> Result<Answer, Error> {
        match call {
            Call::Chat(request) => self.answer(*request, context).await.map(Answer::from),
            Call::ChatStream(request) => self.stream(*request, context).await.map(Answer::from),
            Call::Embed(request) => self.embed(*request, context).await.map(Answer::from),
            Call::Complete(request) => self.complete(*request, context).await.map(Answer::from),
            Call::CompleteStream(request) => Ok(self.stream_completion(&request, context).into()),
            Call::Rerank(request) => self.rerank(*request, context).await.map(Answer::from),
            Call::Forward(request) => self.pass_on(&request.model, &request.body, context).await.map(Answer::from),
            Call::Transcribe(request) => self.pass_on(&request.model, b"{}", context).await.map(Answer::from),
            Call::ForwardStream(request) => {
                let Reply { value, meta } = self.pass_on(&request.model, &request.body, context).await?;
                Ok(ReplyStream::new(meta, stream::iter([Ok(value)])).into())
            }
            other => Err(other.unsupported()),
        }
    }
}

impl Served {
    async fn answer(&self, request: ChatRequest, context: &CallContext) -> Result<Reply<ChatResponse>, Error> {
        self.remember(serde_json::to_value(&request).unwrap(), context);
        self.obey(&request.model).await?;
        let said = request.messages.last().map(Message::text).unwrap_or_default().into_owned();
        let mut response = ChatResponse::text(REAL_NAME, said, FinishReason::Stop);
        response.usage = Some(Usage::reported(3, 4));
        response.extra.insert("service_tier".to_owned(), serde_json::Value::Null);
        Ok(Reply { value: response, meta: meta() })
    }

    async fn stream(&self, request: ChatRequest, context: &CallContext) -> Result<ChatStream, Error> {
        self.remember(serde_json::to_value(&request).unwrap(), context);
        self.obey(&request.model).await?;
        let said = request.messages.last().map(Message::text).unwrap_or_default().into_owned();
        let mut pieces: Vec<Result<ChatChunk, Error>> = said.split_inclusive(' ').map(|word| Ok(chunk(word))).collect();
        match request.model.as_str() {
            "fed" => {
                let feed = self.0.feed.lock().unwrap().take().expect("a feed");
                let watch = Watch { double: Arc::clone(&self.0), armed: true };
                let fed = stream::unfold((feed, watch), |(mut feed, mut watch)| async move {
                    match feed.recv().await {
                        Some(piece) => Some((piece, (feed, watch))),
                        None => {
                            watch.disarm();
                            None
                        }
                    }
                });
                // The promise of `chat_stream`: it is there once its first piece is.
                let mut fed = Box::pin(fed);
                let first = fed.next().await;
                return Ok(ReplyStream::new(meta(), stream::iter(first).chain(fed)));
            }
            "broken" => pieces.push(Err(failure("model"))),
            _ => {
                let mut last = chunk("");
                last.choices = vec![ChunkChoice::finished(FinishReason::Stop)];
                pieces.push(Ok(last));
                let mut usage = chunk("");
                usage.choices.clear();
                usage.usage = Some(Usage::reported(3, 4));
                pieces.push(Ok(usage));
            }
        }
        Ok(ReplyStream::new(meta(), stream::iter(pieces)))
    }

    async fn embed(&self, request: EmbedRequest, context: &CallContext) -> Result<Reply<EmbedResponse>, Error> {
        self.remember(serde_json::to_value(&request).unwrap(), context);
        self.obey(&request.model).await?;
        let count = match &request.input {
            EmbedInput::Text(_) | EmbedInput::Tokens(_) => 1,
            many => many.len(),
        };
        let vector: Vector = serde_json::from_str("[1.0,-2.00]").unwrap();
        let mut response = EmbedResponse::new(REAL_NAME, std::iter::repeat_n(vector, count));
        response.usage = Some(Usage::reported(2, 0));
        Ok(Reply { value: response, meta: meta() })
    }

    async fn rerank(&self, request: RerankRequest, context: &CallContext) -> Result<Reply<RerankResponse>, Error> {
        self.remember(serde_json::to_value(&request).unwrap(), context);
        self.obey(&request.model).await?;
        let results = (0..request.results()).map(|index| RerankResult::new(index, 0.5));
        Ok(Reply { value: RerankResponse::new(REAL_NAME, results), meta: meta() })
    }

    /// What a container answers at a route of its own.
    async fn pass_on(&self, model: &str, body: &[u8], context: &CallContext) -> Result<Reply<Forwarded>, Error> {
        self.remember(serde_json::from_slice(body).unwrap(), context);
        self.obey(model).await?;
        Ok(Reply { value: Bytes::from_static(br#"{"object":"list","data":[]}"#).into(), meta: meta() })
    }

    async fn complete(
        &self,
        request: CompletionRequest,
        context: &CallContext,
    ) -> Result<Reply<CompletionResponse>, Error> {
        self.remember(serde_json::to_value(&request).unwrap(), context);
        self.obey(&request.model).await?;
        let text = match request.prompt {
            Prompt::Text(text) => text,
            other => format!("{other:?}"),
        };
        let choice = CompletionChoice::new(0, text, Some(FinishReason::Length));
        Ok(Reply { value: CompletionResponse::new("cmpl-1".into(), REAL_NAME.into(), 7, vec![choice]), meta: meta() })
    }

    fn stream_completion(&self, request: &CompletionRequest, context: &CallContext) -> CompletionStream {
        self.remember(serde_json::to_value(request).unwrap(), context);
        let choice = CompletionChoice::new(0, "more", None);
        let piece = CompletionResponse::new("cmpl-1".into(), REAL_NAME.into(), 7, vec![choice]);
        ReplyStream::new(meta(), stream::iter([Ok(piece)]))
    }
}
