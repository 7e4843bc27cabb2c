//! Spans and numbers to an OpenTelemetry collector, as [OTLP over HTTP with JSON](https://opentelemetry.io/docs/specs/otlp/#otlphttp).
//!
//! Owns the sending, and the batches of spans with their form. A collector that is slow or away costs spans, never requests.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

pub use self::settings::OtlpSettings;
use super::span::{Span, SpanKind, SpanSink, SpanValue};
use crate::ServerHandle;

mod metrics;
mod settings;

/// As many spans wait to be sent; more are dropped.
const WAITING: usize = 4096;
/// As many spans go out together.
const BATCH: usize = 512;
/// No span waits longer than this.
const EVERY: Duration = Duration::from_secs(5);
/// A collector has this long to take a batch.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends spans and numbers to a collector. Dropping it ends the sending of spans; [`flush`](Self::flush) sends what waits before.
#[derive(Debug)]
pub struct OtlpExporter {
    settings: OtlpSettings,
    collector: Collector,
    sender: mpsc::Sender<Span>,
    task: JoinHandle<()>,
    numbers: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

/// The exporter's end for an app.
#[derive(Clone, Debug)]
struct Sink(mpsc::Sender<Span>);

impl SpanSink for Sink {
    fn take(&self, span: Span) {
        // A full queue means that the collector is away: the request matters more.
        let _ = self.0.try_send(span);
    }
}

impl OtlpExporter {
    /// Starts sending spans, on the Tokio runtime that it is called on.
    ///
    /// # Errors
    /// [`reqwest::Error`] where TLS cannot be set up.
    pub fn start(settings: OtlpSettings) -> Result<Self, reqwest::Error> {
        // It fails where a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let headers = settings.headers.clone().into_iter().collect();
        let collector = Collector { client, headers, service_name: settings.service_name.clone() };
        let (sender, receiver) = mpsc::channel(WAITING);
        let task = tokio::spawn(send_all(collector.clone(), settings.traces_url.clone(), receiver));
        Ok(Self { settings, collector, sender, task, numbers: None })
    }

    /// Sends the server's numbers, too, every [`metrics_interval`](OtlpSettings::metrics_interval): those of `/metrics`, and those of the
    /// [GenAI conventions](https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/).
    #[must_use]
    pub fn with_metrics(mut self, server: ServerHandle) -> Self {
        if let Some(url) = self.settings.metrics_url.clone() {
            let (stop, stopped) = oneshot::channel();
            let every = self.settings.metrics_interval;
            let task = tokio::spawn(metrics::send_all(self.collector.clone(), url, every, server, stopped));
            self.numbers = Some((stop, task));
        }
        self
    }

    /// Where an app puts its spans.
    #[must_use]
    pub fn sink(&self) -> std::sync::Arc<dyn SpanSink> {
        std::sync::Arc::new(Sink(self.sender.clone()))
    }

    /// Sends the numbers once more, and then the spans that wait, once every app that has its sink is gone.
    pub async fn flush(self) {
        if let Some((stop, task)) = self.numbers {
            let _ = stop.send(());
            let _ = tokio::time::timeout(PATIENCE, task).await;
        }
        drop(self.sender);
        let _ = tokio::time::timeout(PATIENCE, self.task).await;
    }
}

/// Who takes all of it.
#[derive(Clone)]
struct Collector {
    client: reqwest::Client,
    headers: Vec<(String, String)>,
    service_name: String,
}

impl std::fmt::Debug for Collector {
    /// The headers may be keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("service_name", &self.service_name).finish_non_exhaustive()
    }
}

impl Collector {
    async fn post(&self, url: &str, what: &str, count: usize, body: Value) {
        let mut request = self.client.post(url).header("content-type", "application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let outcome = request.body(body.to_string()).send().await;
        let problem = match outcome.map(|response| response.status()) {
            Ok(status) if status.is_success() => return,
            Ok(status) => format!("it answered {status}"),
            Err(error) => error.without_url().to_string(),
        };
        tracing::warn!(target: "sagewire::proxy", what, count, problem, "the OpenTelemetry collector did not take them");
    }
}

async fn send_all(collector: Collector, url: Option<String>, mut receiver: mpsc::Receiver<Span>) {
    let mut open = true;
    while open {
        let mut batch = Vec::new();
        let due = tokio::time::sleep(EVERY);
        tokio::pin!(due);
        while open && batch.len() < BATCH {
            tokio::select! {
                count = receiver.recv_many(&mut batch, BATCH) => open = count > 0,
                () = &mut due => break,
            }
        }
        if let Some(url) = url.as_deref().filter(|_| !batch.is_empty()) {
            collector.post(url, "spans", batch.len(), request_body(&collector.service_name, &batch)).await;
        }
    }
}

fn resource(service_name: &str) -> Value {
    json!({ "attributes": [attribute("service.name", &service_name.into())] })
}

fn scope() -> Value {
    json!({ "name": "sagewire-proxy", "version": env!("CARGO_PKG_VERSION") })
}

/// An `ExportTraceServiceRequest`.
fn request_body(service_name: &str, batch: &[Span]) -> Value {
    json!({
        "resourceSpans": [{
            "resource": resource(service_name),
            "scopeSpans": [{
                "scope": scope(),
                "spans": batch.iter().map(span).collect::<Vec<_>>(),
            }],
        }],
    })
}

fn span(span: &Span) -> Value {
    let nanos = |time: std::time::SystemTime| {
        // 64-bit numbers are texts in OTLP's JSON.
        time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
    };
    let mut json = json!({
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": match span.kind {
            SpanKind::Server => 2,
            SpanKind::Client => 3,
        },
        "startTimeUnixNano": nanos(span.start),
        "endTimeUnixNano": nanos(span.end),
        "attributes": span.attributes.iter().map(|(name, value)| attribute(name, value)).collect::<Vec<_>>(),
        "status": match span.error {
            Some(error) => json!({ "code": 2, "message": error }),
            None => json!({}),
        },
    });
    if let (Value::Object(json), Some(parent)) = (&mut json, &span.parent_span_id) {
        json.insert("parentSpanId".to_owned(), Value::from(parent.as_str()));
    }
    json
}

fn attribute(name: &str, value: &SpanValue) -> Value {
    let value = match value {
        SpanValue::Text(text) => json!({ "stringValue": text }),
        SpanValue::Integer(number) => json!({ "intValue": number.to_string() }),
        SpanValue::Number(number) => json!({ "doubleValue": number }),
        SpanValue::Flag(flag) => json!({ "boolValue": flag }),
    };
    json!({ "key": name, "value": value })
}

#[cfg(test)]
mod tests;
