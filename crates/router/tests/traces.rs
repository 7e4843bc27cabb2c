//! What a router logs.
//!
//! A process of its own, with one test: whether an event is wanted is decided once for a whole
//! process, and another test's thread could decide it while this one begins to listen.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    fmt::{self, Write},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use sagewire_router::{Deployment, Router, RouterSettings};
use sagewire_types::{
    Answer, Call, CallContext, ChatChunk, ChatRequest, ChatResponse, ChatStream, ChunkChoice, Error, ErrorKind,
    Extension, FinishReason, Message, Provider, Reply, ReplyMeta,
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// Collects events as lines of text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

/// What no log may show.
#[derive(Clone)]
struct Keys(#[expect(dead_code, reason = "nothing reads it")] &'static str);

impl Extension for Keys {}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sagewire::router"
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Fails at once, breaks after a chunk, or answers.
#[derive(Debug)]
enum Endpoint {
    Throttled,
    Breaking,
    Healthy,
}

const TOLD_BY_THE_MODEL: &str = "the answer";

#[async_trait]
impl Provider for Endpoint {
    async fn call(&self, call: Call, _: &CallContext) -> Result<Answer, Error> {
        match (self, call) {
            (Self::Throttled, _) => Err(Error::new(ErrorKind::Throttled, "slow down")),
            (Self::Breaking, Call::ChatStream(_)) => {
                let chunk = ChatChunk::new("id".into(), "m".into(), 0, vec![ChunkChoice::text(TOLD_BY_THE_MODEL)]);
                let pieces = [Ok(chunk), Err(Error::new(ErrorKind::StreamBroken, "cut"))];
                Ok(ChatStream::new(ReplyMeta::default(), stream::iter(pieces)).into())
            }
            (Self::Breaking, _) => Err(Error::new(ErrorKind::Connection, "no connection")),
            (Self::Healthy, call) => {
                Ok(Reply::new(ChatResponse::text(call.model(), TOLD_BY_THE_MODEL, FinishReason::Stop)).into())
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_decision_is_an_event_and_none_tells_a_secret() {
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(lines.clone());
    let deployment = |model_name: &str, id: &str, endpoint| {
        Deployment::new(model_name, "hidden-endpoint", Arc::new(endpoint)).with_id(id)
    };
    let router = Router::builder()
        .deployment(deployment("m", "a", Endpoint::Throttled))
        .deployment(deployment("f", "b", Endpoint::Breaking))
        .deployment(deployment("g", "c", Endpoint::Healthy))
        .settings(RouterSettings::default().with_allowed_fails(0).with_num_retries(1).with_fallbacks("m", ["f", "g"]))
        .build()
        .unwrap();
    let request = ChatRequest::new("m", [Message::user("the prompt")]);
    let context = CallContext::new().with(Keys("wJalrXUtnFEMI"));
    let stream = router.chat_stream(request.clone(), &context).await.unwrap();
    assert_eq!(stream.collect::<Vec<_>>().await.len(), 2);
    router.chat(request, &context).await.unwrap();

    let lines = lines.0.lock().unwrap().join("\n");
    for expected in [
        r#"DEBUG message=asking deployment="a" model_group="m" attempt=1"#,
        r#"DEBUG message=attempt failed deployment="a" kind=throttled"#,
        r#"WARN message=cooling down deployment="a""#,
        r#"DEBUG message=skipping deployment="a" refusal=cooling down"#,
        r#"INFO message=falling back model_group="m" fallback="f""#,
        r#"DEBUG message=a stream broke after its first chunk deployment="b" kind=stream_broken"#,
        r#"DEBUG message=answered deployment="c""#,
    ] {
        assert!(lines.contains(expected), "{expected}\nin\n{lines}");
    }
    for secret in ["hidden-endpoint", "wJalrXUtnFEMI", "the prompt", TOLD_BY_THE_MODEL] {
        assert!(!lines.contains(secret), "{secret}\nin\n{lines}");
    }
}
