//! Spans: what a request was, to follow it through several services.
//!
//! Owns their form, their ids and the [GenAI attributes](https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/). Where they go is a
//! [`SpanSink`]'s.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::SystemTime,
};

use sagewire_router::decision;
use sagewire_types::TraceContext;

use super::metrics::PROVIDER;

/// Takes finished spans. It must not block: it is called where a request ends.
pub trait SpanSink: fmt::Debug + Send + Sync {
    /// Takes a span.
    fn take(&self, span: Span);
}

/// A finished span.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// What was done: `POST /chat/completions`, or `chat my-model`.
    pub name: String,
    /// Its side of the call.
    pub kind: SpanKind,
    /// The trace's id, 32 hexadecimal digits.
    pub trace_id: String,
    /// Its own id, 16 hexadecimal digits.
    pub span_id: String,
    /// The id of the span that it is part of.
    pub parent_span_id: Option<String>,
    /// When it began.
    pub start: SystemTime,
    /// When it ended.
    pub end: SystemTime,
    /// What is known about it, by the names of OpenTelemetry's conventions.
    pub attributes: Vec<(&'static str, SpanValue)>,
    /// What kind of failure it ended with.
    pub error: Option<&'static str>,
}

/// Which side of a call a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpanKind {
    /// A request that the proxy answered.
    Server,
    /// A call that the proxy made.
    Client,
}

/// A value of a span's attribute.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SpanValue {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(u64),
    /// Any other number.
    Number(f64),
    /// True or false.
    Flag(bool),
}

impl From<&str> for SpanValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for SpanValue {
    fn from(number: u64) -> Self {
        Self::Integer(number)
    }
}

impl From<f64> for SpanValue {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for SpanValue {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// A router's decisions and their attributes.
const DECISIONS: &[(&str, &str)] = &[
    (decision::DEPLOYMENT, "sagewire.deployment"),
    (decision::MODEL_GROUP, "sagewire.model_group"),
    (decision::STRATEGY, "sagewire.strategy"),
    (decision::FAILED, "sagewire.failed"),
    (decision::SKIPPED, "sagewire.skipped"),
    (decision::FALLBACK, "sagewire.fallback"),
    (decision::CONTEXT_WINDOW_FALLBACK, "sagewire.context_window_fallback"),
    (decision::QUEUED, "sagewire.queued"),
];

/// The spans of one request under way: the proxy's own, and inside it the call of the model.
#[derive(Debug)]
pub(crate) struct RequestSpans {
    sink: Arc<dyn SpanSink>,
    trace_id: String,
    parent: Option<String>,
    server_id: String,
    client_id: String,
    start: SystemTime,
    state: Option<String>,
    /// What the call asks for, by the conventions' names, and what was decided about it.
    pub(crate) asked: Vec<(&'static str, SpanValue)>,
    path: String,
}

impl RequestSpans {
    /// Spans inside the caller's trace, or in a new one. None where the caller's trace is not
    /// sampled.
    pub(crate) fn begin(
        sink: &Arc<dyn SpanSink>,
        caller: Option<&TraceContext>,
        path: &str,
        start: SystemTime,
    ) -> Option<Self> {
        let parts: Vec<&str> = caller.map(|trace| trace.traceparent.split('-').collect()).unwrap_or_default();
        let (trace_id, parent) = match parts.as_slice() {
            [_, trace_id, parent, flags] => {
                let sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
                if !sampled {
                    return None;
                }
                ((*trace_id).to_owned(), Some((*parent).to_owned()))
            }
            _ => (format!("{}{}", id(), id()), None),
        };
        let state = caller.and_then(|trace| trace.tracestate.clone());
        Some(Self {
            sink: Arc::clone(sink),
            trace_id,
            parent,
            server_id: id(),
            client_id: id(),
            start,
            state,
            asked: Vec::new(),
            path: path.to_owned(),
        })
    }

    /// The trace as the model's side sees it: the call of the model is its parent.
    pub(crate) fn context(&self) -> TraceContext {
        TraceContext {
            traceparent: format!("00-{}-{}-01", self.trace_id, self.client_id),
            tracestate: self.state.clone(),
        }
    }

    fn span(&self, name: String, kind: SpanKind, took: std::time::Duration) -> Span {
        let (own, parent) = match kind {
            SpanKind::Server => (&self.server_id, self.parent.clone()),
            SpanKind::Client => (&self.client_id, Some(self.server_id.clone())),
        };
        Span {
            name,
            kind,
            trace_id: self.trace_id.clone(),
            span_id: own.clone(),
            parent_span_id: parent,
            start: self.start,
            end: self.start.checked_add(took).unwrap_or(self.start),
            attributes: Vec::new(),
            error: None,
        }
    }

    /// What a router decided, as the answer's headers say it. What came several times is told in
    /// one text.
    pub(crate) fn decided(&mut self, decisions: &[(&'static str, String)]) {
        for (name, key) in DECISIONS {
            let values: Vec<&str> =
                decisions.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
            if !values.is_empty() {
                self.asked.push((key, SpanValue::Text(values.join(", "))));
            }
        }
    }

    pub(crate) fn end(&self, ended: &Ended<'_>) {
        let mut server = self.span(format!("POST {}", ended.route), SpanKind::Server, ended.took);
        server.attributes = vec![
            ("http.request.method", "POST".into()),
            ("http.route", ended.route.into()),
            ("url.path", self.path.as_str().into()),
            ("http.response.status_code", u64::from(ended.status).into()),
            ("sagewire.request_id", ended.request_id.into()),
        ];
        server.error = ended.error.filter(|_| ended.status >= 500);
        if let Some(model) = ended.model {
            let mut client = self.span(format!("{} {model}", ended.operation), SpanKind::Client, ended.took);
            client.attributes = vec![
                ("gen_ai.operation.name", ended.operation.into()),
                ("gen_ai.provider.name", PROVIDER.into()),
                ("gen_ai.request.model", model.into()),
                ("sagewire.stream", ended.streamed.into()),
                ("sagewire.attempts", u64::from(ended.attempts).into()),
            ];
            client.attributes.extend(self.asked.iter().cloned());
            if let Some((input, output)) = ended.tokens {
                client.attributes.push(("gen_ai.usage.input_tokens", input.into()));
                client.attributes.push(("gen_ai.usage.output_tokens", output.into()));
            }
            if let Some(id) = ended.aws_request_id {
                client.attributes.push(("aws.request_id", id.into()));
            }
            if let Some(error) = ended.error {
                client.attributes.push(("error.type", error.into()));
            }
            client.error = ended.error;
            self.sink.take(client);
        }
        if let Some(error) = ended.error {
            server.attributes.push(("error.type", error.into()));
        }
        self.sink.take(server);
    }
}

/// How a request ended.
#[derive(Debug)]
pub(crate) struct Ended<'a> {
    pub(crate) route: &'a str,
    pub(crate) operation: &'static str,
    pub(crate) status: u16,
    pub(crate) request_id: &'a str,
    pub(crate) took: std::time::Duration,
    pub(crate) model: Option<&'a str>,
    pub(crate) streamed: bool,
    pub(crate) attempts: u32,
    pub(crate) tokens: Option<(u64, u64)>,
    pub(crate) aws_request_id: Option<&'a str>,
    pub(crate) error: Option<&'static str>,
}

/// Sixteen hexadecimal digits that nobody can foresee, and never all zero.
fn id() -> String {
    static RANDOM: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:016x}", RANDOM.hash_one(NEXT.fetch_add(1, Relaxed)).max(1))
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Mutex, PoisonError},
        time::{Duration, UNIX_EPOCH},
    };

    use super::*;

    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<Span>>);

    impl SpanSink for Kept {
        fn take(&self, span: Span) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(span);
        }
    }

    fn trace(flags: &str) -> TraceContext {
        TraceContext {
            traceparent: format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}"),
            tracestate: Some("a=b".to_owned()),
        }
    }

    fn ended<'a>() -> Ended<'a> {
        Ended {
            route: "/chat/completions",
            operation: "chat",
            status: 200,
            request_id: "r",
            took: Duration::from_secs(2),
            model: Some("m"),
            streamed: true,
            attempts: 1,
            tokens: Some((3, 4)),
            aws_request_id: Some("aws"),
            error: None,
        }
    }

    #[test]
    fn a_call_is_a_span_inside_the_requests_inside_the_callers() {
        let kept = Arc::new(Kept::default());
        let sink: Arc<dyn SpanSink> = kept.clone();
        let mut spans = RequestSpans::begin(&sink, Some(&trace("01")), "/v1/chat/completions", UNIX_EPOCH).unwrap();
        spans.asked = vec![("gen_ai.request.temperature", 0.5.into())];
        let context = spans.context();
        spans.decided(&[
            ("deployment", "b".to_owned()),
            ("failed", "a: throttled".to_owned()),
            ("failed", "c: timeout".to_owned()),
            ("other", "x".to_owned()),
        ]);
        spans.end(&ended());
        let kept = kept.0.lock().unwrap();
        let [client, server] = &kept[..] else { panic!("{kept:?}") };
        assert_eq!((client.name.as_str(), client.kind), ("chat m", SpanKind::Client));
        assert_eq!(server.parent_span_id.as_deref(), Some("00f067aa0ba902b7"));
        assert_eq!(client.parent_span_id.as_ref(), Some(&server.span_id));
        assert_eq!(context.traceparent, format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", client.span_id));
        assert_eq!(client.end, UNIX_EPOCH + Duration::from_secs(2));
        assert!(client.attributes.contains(&("gen_ai.usage.output_tokens", 4.into())));
        assert!(client.attributes.contains(&("gen_ai.operation.name", "chat".into())));
        assert!(client.attributes.contains(&("gen_ai.request.temperature", 0.5.into())));
        assert!(client.attributes.contains(&("sagewire.deployment", "b".into())));
        assert!(client.attributes.contains(&("sagewire.failed", "a: throttled, c: timeout".into())));
        assert!(server.attributes.contains(&("url.path", "/v1/chat/completions".into())));
    }

    #[test]
    fn a_trace_that_is_not_sampled_is_left_alone_and_a_missing_one_is_begun() {
        let sink: Arc<dyn SpanSink> = Arc::new(Kept::default());
        assert!(RequestSpans::begin(&sink, Some(&trace("00")), "/", UNIX_EPOCH).is_none());
        let new = RequestSpans::begin(&sink, None, "/", UNIX_EPOCH).unwrap();
        assert_eq!((new.trace_id.len(), new.server_id.len(), &new.parent), (32, 16, &None));
    }

    #[test]
    fn a_caller_that_goes_away_is_no_fault_of_the_server() {
        let kept = Arc::new(Kept::default());
        let sink: Arc<dyn SpanSink> = kept.clone();
        let spans = RequestSpans::begin(&sink, None, "/", UNIX_EPOCH).unwrap();
        spans.end(&Ended { status: 404, error: Some("model_not_found"), model: None, ..ended() });
        let kept = kept.0.lock().unwrap();
        assert_eq!((kept.len(), kept[0].error), (1, None));
    }
}
