//! Spans and metrics to an OpenTelemetry collector, by [OTLP](https://opentelemetry.io/docs/specs/otlp/) over HTTP or gRPC.
//!
//! Owns the set-up of OpenTelemetry's exporters and the translation of our spans. Queues, batches
//! and retries are those of OpenTelemetry's crates: a collector that is slow or away costs spans,
//! never requests.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use opentelemetry::{InstrumentationScope, Key, KeyValue};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
    tonic_types::metadata::MetadataMap,
};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchSpanProcessor, SpanProcessor},
};
use tokio::runtime::Handle;

use self::metrics::ExportedMetrics;
pub use self::settings::{OtlpCollector, OtlpProtocol, OtlpSettings};
use super::span::SpanSink;
use crate::ServerHandle;

mod metrics;
mod settings;
mod spans;

/// How long the last spans and metrics may take at the end of the process.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the service is called, unless it is told otherwise.
const SERVICE_NAME: &str = "sagewire";

/// The exporter could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OtlpError {
    /// The HTTP client has no TLS.
    #[error("could not set up the HTTP client for the OpenTelemetry collector")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A setting cannot be used.
    #[error("invalid OpenTelemetry settings: check `sagewire_settings.otlp` and the variables `OTEL_EXPORTER_OTLP_*`")]
    Settings(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A header has another form.
    #[error("invalid header `{name}` in `sagewire_settings.otlp.headers`")]
    Header {
        /// Its name. The value may be a key and is not shown.
        name: String,
    },
}

impl From<ExporterBuildError> for OtlpError {
    fn from(error: ExporterBuildError) -> Self {
        Self::Settings(error.into())
    }
}

/// Sends spans and metrics to a collector. What waits is sent by [`flush`](Self::flush).
#[derive(Debug)]
pub struct OtlpExporter {
    settings: OtlpSettings,
    headers: HeaderMap,
    spans: Option<Arc<BatchSpanProcessor>>,
    metrics: Option<ExportedMetrics>,
}

impl OtlpExporter {
    /// Starts sending spans, on the Tokio runtime that it is called on.
    ///
    /// # Errors
    /// [`OtlpError`] if a setting cannot be used.
    pub fn start(settings: OtlpSettings) -> Result<Self, OtlpError> {
        // It fails if a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let headers = headers(&settings)?;
        let spans = settings.traces.as_ref().map(|collector| {
            let exporter = match collector.protocol {
                OtlpProtocol::Http => SpanExporter::builder()
                    .with_http()
                    .with_http_client(Client::new(collector, &headers)?)
                    .with_endpoint(&collector.url)
                    .with_timeout(collector.timeout)
                    .build()?,
                OtlpProtocol::Grpc => SpanExporter::builder()
                    .with_tonic()
                    .with_metadata(MetadataMap::from_headers(headers.clone()))
                    .with_endpoint(&collector.url)
                    .with_timeout(collector.timeout)
                    .build()?,
            };
            let mut processor = BatchSpanProcessor::builder(exporter).build();
            processor.set_resource(&resource(&settings));
            Ok::<_, OtlpError>(Arc::new(processor))
        });
        let spans = spans.transpose()?;
        Ok(Self { settings, headers, spans, metrics: None })
    }

    /// Sends the server's metrics too: those of `/metrics`, and those of the
    /// [GenAI conventions](https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/).
    ///
    /// # Errors
    /// [`OtlpError`] if a setting cannot be used.
    pub fn with_metrics(mut self, server: ServerHandle) -> Result<Self, OtlpError> {
        if let Some(collector) = &self.settings.metrics {
            let exporter = match collector.protocol {
                OtlpProtocol::Http => MetricExporter::builder()
                    .with_http()
                    .with_http_client(Client::new(collector, &self.headers)?)
                    .with_endpoint(&collector.url)
                    .with_timeout(collector.timeout)
                    .build()?,
                OtlpProtocol::Grpc => MetricExporter::builder()
                    .with_tonic()
                    .with_metadata(MetadataMap::from_headers(self.headers.clone()))
                    .with_endpoint(&collector.url)
                    .with_timeout(collector.timeout)
                    .build()?,
            };
            let resource = resource(&self.settings);
            self.metrics = Some(ExportedMetrics::start(exporter, resource, self.settings.metrics_interval, server));
        }
        Ok(self)
    }

    /// Where an app puts its spans; `None` if they are not sent.
    #[must_use]
    pub fn sink(&self) -> Option<Arc<dyn SpanSink>> {
        let spans = Arc::clone(self.spans.as_ref()?);
        Some(Arc::new(spans::Sink::new(spans)))
    }

    /// Sends the metrics once more and the spans that wait, and ends. Later spans are dropped.
    pub async fn flush(self) {
        if let Some(metrics) = self.metrics {
            metrics.finish().await;
        }
        if let Some(spans) = self.spans {
            // It waits for its own thread, which needs this runtime.
            let _ = tokio::task::spawn_blocking(move || spans.shutdown_with_timeout(PATIENCE)).await;
        }
    }
}

/// The headers of the settings.
fn headers(settings: &OtlpSettings) -> Result<HeaderMap, OtlpError> {
    let headers = settings.headers.iter();
    headers
        .map(|(name, value)| {
            let invalid = || OtlpError::Header { name: name.clone() };
            let mut value: http::HeaderValue = value.parse().map_err(|_| invalid())?;
            value.set_sensitive(true);
            Ok((name.parse::<http::HeaderName>().map_err(|_| invalid())?, value))
        })
        .collect()
}

/// What made the spans and metrics.
fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("sagewire-proxy").with_version(env!("CARGO_PKG_VERSION")).build()
}

fn resource(settings: &OtlpSettings) -> Resource {
    let builder = || Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let named = |name: String| builder().with_service_name(name).build();
    if let Some(name) = &settings.service_name {
        return named(name.clone());
    }
    let detected = builder().build();
    match detected.get(&Key::new("service.name")) {
        // What the crate says if no variable names the service.
        Some(name) if name.as_str().starts_with("unknown_service") => named(SERVICE_NAME.to_owned()),
        _ => detected,
    }
}

/// Sends the exporters' requests on our runtime: they ask from threads of their own.
#[derive(Clone)]
struct Client {
    client: reqwest::Client,
    runtime: Handle,
    headers: HeaderMap,
}

impl std::fmt::Debug for Client {
    /// The headers may be keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    fn new(collector: &OtlpCollector, headers: &HeaderMap) -> Result<Self, OtlpError> {
        let client = reqwest::Client::builder().timeout(collector.timeout).build();
        let client = client.map_err(|error| OtlpError::Client(error.into()))?;
        Ok(Self { client, runtime: Handle::current(), headers: headers.clone() })
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // Set last, so that the file counts before `OTEL_EXPORTER_OTLP_HEADERS`.
        for (name, value) in &self.headers {
            request.headers_mut().insert(name, value.clone());
        }
        let client = self.client.clone();
        self.runtime.spawn(async move { client.send_bytes(request).await }).await?
    }
}

#[cfg(test)]
mod tests;
