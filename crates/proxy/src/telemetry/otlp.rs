//! Spans to an OpenTelemetry collector, as [OTLP over HTTP with JSON](https://opentelemetry.io/docs/specs/otlp/#otlphttp).
//!
//! Owns the batches and their form. A collector that is slow or away costs spans, never requests.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinHandle};

use super::span::{Span, SpanKind, SpanSink, SpanValue};
use crate::Config;

/// As many spans wait to be sent; more are dropped.
const WAITING: usize = 4096;
/// As many spans go out together.
const BATCH: usize = 512;
/// No span waits longer than this.
const EVERY: Duration = Duration::from_secs(5);
/// A collector has this long to take a batch.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where spans go.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtlpSettings {
    /// The URL that batches are posted to: `http://localhost:4318/v1/traces`.
    pub traces_url: String,
    /// Further headers, such as a key of the collector's.
    pub headers: BTreeMap<String, String>,
    /// What the spans' service is called.
    pub service_name: String,
}

impl std::fmt::Debug for OtlpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpSettings")
            .field("traces_url", &self.traces_url)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("service_name", &self.service_name)
            .finish()
    }
}

impl OtlpSettings {
    /// What the configuration says, completed from
    /// [OpenTelemetry's variables](https://opentelemetry.io/docs/specs/otel/protocol/exporter/); `None` where neither names a collector.
    #[must_use]
    pub fn from_config(config: &Config, env: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let own = &config.sagewire_settings.otlp;
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let below = |url: &str| format!("{}/v1/traces", url.trim_end_matches('/'));
        let traces_url = own
            .endpoint
            .as_deref()
            .map(below)
            .or_else(|| set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"))
            .or_else(|| set("OTEL_EXPORTER_OTLP_ENDPOINT").as_deref().map(below))?;
        let mut headers: BTreeMap<String, String> = set("OTEL_EXPORTER_OTLP_HEADERS")
            .iter()
            .flat_map(|text| text.split(','))
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        headers.extend(own.headers.clone());
        let service_name = own.service_name.clone().or_else(|| set("OTEL_SERVICE_NAME"));
        Some(Self { traces_url, headers, service_name: service_name.unwrap_or_else(|| "sagewire".to_owned()) })
    }
}

/// Sends spans to a collector. Dropping it ends the sending; [`flush`](Self::flush) sends what waits before.
#[derive(Debug)]
pub struct OtlpExporter {
    sender: mpsc::Sender<Span>,
    task: JoinHandle<()>,
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
    /// Starts sending, on the Tokio runtime that it is called on.
    ///
    /// # Errors
    /// [`reqwest::Error`] where TLS cannot be set up.
    pub fn start(settings: OtlpSettings) -> Result<Self, reqwest::Error> {
        // It fails where a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let task = tokio::spawn(send_all(settings, client, receiver));
        Ok(Self { sender, task })
    }

    /// Where an app puts its spans.
    #[must_use]
    pub fn sink(&self) -> std::sync::Arc<dyn SpanSink> {
        std::sync::Arc::new(Sink(self.sender.clone()))
    }

    /// Sends what waits, once every app that has its sink is gone.
    pub async fn flush(self) {
        drop(self.sender);
        let _ = tokio::time::timeout(PATIENCE, self.task).await;
    }
}

async fn send_all(settings: OtlpSettings, client: reqwest::Client, mut receiver: mpsc::Receiver<Span>) {
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
        if !batch.is_empty() {
            send(&settings, &client, &batch).await;
        }
    }
}

async fn send(settings: &OtlpSettings, client: &reqwest::Client, batch: &[Span]) {
    let mut request = client.post(&settings.traces_url).header("content-type", "application/json");
    for (name, value) in &settings.headers {
        request = request.header(name, value);
    }
    let outcome = request.body(request_body(&settings.service_name, batch).to_string()).send().await;
    let problem = match outcome.map(|response| response.status()) {
        Ok(status) if status.is_success() => return,
        Ok(status) => format!("it answered {status}"),
        Err(error) => error.without_url().to_string(),
    };
    tracing::warn!(target: "sagewire::proxy", spans = batch.len(), problem, "the OpenTelemetry collector did not take spans");
}

/// An `ExportTraceServiceRequest`.
fn request_body(service_name: &str, batch: &[Span]) -> Value {
    json!({
        "resourceSpans": [{
            "resource": { "attributes": [attribute("service.name", &service_name.into())] },
            "scopeSpans": [{
                "scope": { "name": "sagewire-proxy", "version": env!("CARGO_PKG_VERSION") },
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
        SpanValue::Flag(flag) => json!({ "boolValue": flag }),
    };
    json!({ "key": name, "value": value })
}

#[cfg(test)]
mod tests;
