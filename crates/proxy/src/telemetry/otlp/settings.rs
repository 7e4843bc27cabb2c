//! Where spans and numbers go.
//!
//! Owns completing the configuration from [OpenTelemetry's variables](https://opentelemetry.io/docs/specs/otel/protocol/exporter/).

use std::{collections::BTreeMap, time::Duration};

use percent_encoding::percent_decode_str;

use crate::Config;

/// OpenTelemetry's own default.
const METRICS_EVERY: Duration = Duration::from_secs(60);

/// Where spans and numbers go.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtlpSettings {
    /// The URL that spans are posted to: `http://localhost:4318/v1/traces`; without one none are sent.
    pub traces_url: Option<String>,
    /// The URL that numbers are posted to: `http://localhost:4318/v1/metrics`; without one none are sent.
    pub metrics_url: Option<String>,
    /// The time between two sendings of the numbers.
    pub metrics_interval: Duration,
    /// Further headers, such as a key of the collector's.
    pub headers: BTreeMap<String, String>,
    /// What the service is called.
    pub service_name: String,
}

impl std::fmt::Debug for OtlpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpSettings")
            .field("traces_url", &self.traces_url)
            .field("metrics_url", &self.metrics_url)
            .field("metrics_interval", &self.metrics_interval)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("service_name", &self.service_name)
            .finish()
    }
}

impl OtlpSettings {
    /// What the configuration says, completed from OpenTelemetry's variables; `None` where neither names a collector.
    #[must_use]
    pub fn from_config(config: &Config, env: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let own = &config.sagewire_settings.otlp;
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let url = |path: &str, exporter: &str, endpoint: &str| {
            let below = |url: &str| format!("{}{path}", url.trim_end_matches('/'));
            if set(exporter).is_some_and(|exporter| exporter == "none") {
                return None;
            }
            let own = own.endpoint.as_deref().map(below);
            own.or_else(|| set(endpoint)).or_else(|| set("OTEL_EXPORTER_OTLP_ENDPOINT").as_deref().map(below))
        };
        let traces_url = url("/v1/traces", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        let metrics_url = url("/v1/metrics", "OTEL_METRICS_EXPORTER", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
        if traces_url.is_none() && metrics_url.is_none() {
            return None;
        }
        let milliseconds = || set("OTEL_METRIC_EXPORT_INTERVAL")?.parse().ok().map(Duration::from_millis);
        let interval = own.metrics_interval.or_else(milliseconds).unwrap_or(METRICS_EVERY);
        let mut headers: BTreeMap<String, String> = set("OTEL_EXPORTER_OTLP_HEADERS")
            .iter()
            .flat_map(|text| text.split(','))
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect();
        headers.extend(own.headers.clone());
        let service_name = own.service_name.clone().or_else(|| set("OTEL_SERVICE_NAME"));
        Some(Self {
            traces_url,
            metrics_url,
            metrics_interval: interval.max(Duration::from_millis(1)),
            headers,
            service_name: service_name.unwrap_or_else(|| "sagewire".to_owned()),
        })
    }
}

/// The variable has [the form of W3C baggage](https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables).
fn decoded(text: &str) -> String {
    percent_decode_str(text.trim()).decode_utf8_lossy().into_owned()
}
