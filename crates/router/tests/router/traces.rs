//! What a router logs.

use std::{
    fmt::{self, Write},
    sync::{Arc, Mutex},
};

use futures_util::StreamExt;
use sagewire_types::{CallContext, ChatRequest, ErrorKind, Message, Provider};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::scripted::{Scripted, Step, Tenant, deployment, ok, router, settings};

/// Collects events as lines of text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

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

#[tokio::test(start_paused = true)]
async fn every_decision_is_an_event_and_none_tells_a_secret() {
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(lines.clone());
    let (a, b) = (Scripted::always(ErrorKind::Throttled), Scripted::always(Step::Break(1, ErrorKind::StreamBroken)));
    let healthy = Scripted::always(ok());
    let mut deployments = [deployment("m", "a", &a), deployment("f", "b", &b), deployment("g", "c", &healthy)];
    for deployment in &mut deployments {
        deployment.model = "hidden-endpoint".to_owned();
    }
    let deployments =
        deployments.map(|deployment| deployment.with_context(|context| context.with(Tenant("wJalrXUtnFEMI"))));
    let router =
        router(settings().with_allowed_fails(0).with_num_retries(1).with_fallbacks("m", ["f", "g"]), deployments);
    let request = ChatRequest::new("m", [Message::user("the prompt")]);
    let stream = router.chat_stream(request.clone(), &CallContext::new()).await.unwrap();
    assert_eq!(stream.collect::<Vec<_>>().await.len(), 2);
    router.chat(request, &CallContext::new()).await.unwrap();

    let lines = lines.0.lock().unwrap().join("\n");
    for expected in [
        r#"DEBUG message=asking deployment="a" model_group="m" attempt=1"#,
        r#"WARN message=attempt failed deployment="a" kind=throttled"#,
        r#"WARN message=cooling down deployment="a""#,
        r#"DEBUG message=skipping deployment="a" refusal=cooling down"#,
        r#"INFO message=falling back model_group="m" fallback="f""#,
        r#"WARN message=a stream broke after its first chunk deployment="b" kind=stream_broken"#,
        r#"DEBUG message=answered deployment="c""#,
    ] {
        assert!(lines.contains(expected), "{expected}\nin\n{lines}");
    }
    for secret in ["hidden-endpoint", "wJalrXUtnFEMI", "the prompt", "12345678", "abcd"] {
        assert!(!lines.contains(secret), "{secret}\nin\n{lines}");
    }
}
