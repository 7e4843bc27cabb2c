//! Where spans and metrics go: what the configuration says, and [OpenTelemetry's variables](https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
//!
//! Owns which variable or key counts. Compression, further headers, the queue of spans, the
//! interval of metrics and the resource's attributes are read from their variables by
//! OpenTelemetry's own crates.

use std::{collections::BTreeMap, time::Duration};

use crate::Config;

/// The collector's time to take a batch, unless a variable says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How spans and metrics travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtlpProtocol {
    /// Protobuf over HTTP: `http/protobuf`.
    #[default]
    Http,
    /// `grpc`.
    Grpc,
}

/// Where one kind of data goes.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtlpCollector {
    /// The URL that is called: with the path for HTTP, as in `http://localhost:4318/v1/traces`, without one for gRPC. It may hold a password and is
    /// not shown.
    pub url: String,
    /// How the data travels.
    pub protocol: OtlpProtocol,
    /// The time to take a batch.
    pub timeout: Duration,
}

impl std::fmt::Debug for OtlpCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpCollector")
            .field("protocol", &self.protocol)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Where spans and metrics go.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtlpSettings {
    /// Where spans go; `None`: they are not sent.
    pub traces: Option<OtlpCollector>,
    /// Where metrics go; `None`: they are not sent.
    pub metrics: Option<OtlpCollector>,
    /// The time between two exports of the metrics; `None`: that of `OTEL_METRIC_EXPORT_INTERVAL`,
    /// or a minute.
    pub metrics_interval: Option<Duration>,
    /// Further headers, such as a key for the collector. Their values are not shown.
    pub headers: BTreeMap<String, String>,
    /// The name of the service; `None`: that of `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES`,
    /// or `sagewire`.
    pub service_name: Option<String>,
}

impl std::fmt::Debug for OtlpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpSettings")
            .field("traces", &self.traces)
            .field("metrics", &self.metrics)
            .field("metrics_interval", &self.metrics_interval)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("service_name", &self.service_name)
            .finish()
    }
}

impl OtlpSettings {
    /// The settings of the configuration, completed from OpenTelemetry's variables; `None` if
    /// neither names a collector.
    #[must_use]
    pub fn from_config(config: &Config, env: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let own = &config.sagewire_settings.otlp;
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        if set("OTEL_SDK_DISABLED").is_some_and(|disabled| disabled.eq_ignore_ascii_case("true")) {
            return None;
        }
        let collector = |signal: &str, path: &str| {
            let general_or = |suffix: &str| {
                set(&format!("OTEL_EXPORTER_OTLP_{signal}_{suffix}"))
                    .or_else(|| set(&format!("OTEL_EXPORTER_OTLP_{suffix}")))
            };
            if set(&format!("OTEL_{signal}_EXPORTER")).is_some_and(|exporter| exporter == "none") {
                return None;
            }
            let protocol = match general_or("PROTOCOL").as_deref() {
                Some("grpc") => OtlpProtocol::Grpc,
                _ => OtlpProtocol::Http,
            };
            let below = |url: &str| match protocol {
                OtlpProtocol::Http => format!("{}{path}", url.trim_end_matches('/')),
                OtlpProtocol::Grpc => url.to_owned(),
            };
            // The variable of one signal is a whole URL; the others are those of all signals.
            let url = own
                .endpoint
                .as_deref()
                .map(below)
                .or_else(|| set(&format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")))
                .or_else(|| set("OTEL_EXPORTER_OTLP_ENDPOINT").as_deref().map(below))?;
            let timeout = general_or("TIMEOUT").and_then(|text| text.parse().ok()).map(Duration::from_millis);
            Some(OtlpCollector { url, protocol, timeout: timeout.unwrap_or(TIMEOUT) })
        };
        let (traces, metrics) = (collector("TRACES", "/v1/traces"), collector("METRICS", "/v1/metrics"));
        (traces.is_some() || metrics.is_some()).then(|| Self {
            traces,
            metrics,
            metrics_interval: own.metrics_interval,
            headers: own.headers.clone(),
            service_name: own.service_name.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(otlp: &str) -> Config {
        let yaml = format!(
            "model_list: [{{model_name: m, litellm_params: {{model: sagemaker/x}}}}]\nsagewire_settings: {{otlp: {otlp}}}"
        );
        Config::from_yaml(&yaml, &|_| None).unwrap().0
    }

    fn settings(otlp: &str, variables: &[(&str, &str)]) -> Option<OtlpSettings> {
        let env = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        OtlpSettings::from_config(&config(otlp), &env)
    }

    fn url(collector: &Option<OtlpCollector>) -> Option<&str> {
        collector.as_ref().map(|collector| collector.url.as_str())
    }

    const GENERAL: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");

    #[test]
    fn without_a_collector_nothing_is_sent() {
        assert_eq!(settings("{}", &[]), None);
        assert_eq!(settings("{}", &[GENERAL, ("OTEL_SDK_DISABLED", "true")]), None);
        assert_eq!(
            settings("{}", &[GENERAL, ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none")]),
            None
        );
    }

    #[test]
    fn the_general_endpoint_is_a_base_and_that_of_a_signal_is_whole() {
        let both = settings("{}", &[GENERAL]).unwrap();
        assert_eq!(url(&both.traces), Some("http://collector:4318/v1/traces"));
        assert_eq!(url(&both.metrics), Some("http://collector:4318/v1/metrics"));
        let one = settings("{}", &[GENERAL, ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t/x")]).unwrap();
        assert_eq!(
            (url(&one.traces), url(&one.metrics)),
            (Some("http://t/x"), Some("http://collector:4318/v1/metrics"))
        );
        let metrics = settings("{}", &[GENERAL, ("OTEL_TRACES_EXPORTER", "none")]).unwrap();
        assert_eq!((url(&metrics.traces), metrics.metrics.is_some()), (None, true));
    }

    #[test]
    fn grpc_has_no_path_and_each_signal_may_have_its_own_protocol_and_timeout() {
        let variables = [
            GENERAL,
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"),
            ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "20"),
        ];
        let settings = settings("{}", &variables).unwrap();
        let traces = settings.traces.unwrap();
        assert_eq!((traces.url.as_str(), traces.protocol), ("http://collector:4318/", OtlpProtocol::Grpc));
        assert_eq!(traces.timeout, Duration::from_millis(1500));
        let metrics = settings.metrics.unwrap();
        assert_eq!((metrics.protocol, metrics.timeout), (OtlpProtocol::Http, Duration::from_millis(20)));
    }

    #[test]
    fn the_file_comes_before_the_variables_and_its_secrets_are_not_shown() {
        let file = "{endpoint: 'http://user:hush@own', service_name: s, metrics_interval: 5, headers: {x-key: hush}}";
        let settings = settings(file, &[GENERAL]).unwrap();
        assert_eq!(url(&settings.traces), Some("http://user:hush@own/v1/traces"));
        assert_eq!(settings.service_name.as_deref(), Some("s"));
        assert_eq!(settings.metrics_interval, Some(Duration::from_secs(5)));
        assert_eq!(settings.headers["x-key"], "hush");
        assert!(!format!("{settings:?} {settings:#?}").contains("hush"));
    }
}
