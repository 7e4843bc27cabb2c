//! The metrics behind `/metrics`.
//!
//! Owns which there are and what they are called. <https://prometheus.io/docs/practices/naming/>

use std::{
    collections::BTreeMap,
    sync::{OnceLock, atomic::AtomicU64},
};

use prometheus_client::{
    encoding::prometheus_text,
    metrics::{family::Family, gauge, info::Info},
    registry::Registry,
};

#[cfg(feature = "otlp")]
pub(crate) use self::families::exported_name;
use self::families::{Counter, Counters, Histogram, Histograms};
pub(crate) use self::gen_ai::{GenAiMetrics, Operation, PROVIDER};
use super::{activity::Activity, log_writer};

mod families;
mod gen_ai;
mod process;

/// A number that is read when `/metrics` is asked for, such as a cooldown or the age of
/// credentials.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Gauge {
    /// Its name, such as `sagewire_deployment_cooling_down`.
    pub name: &'static str,
    /// What it means, in one sentence.
    pub help: &'static str,
    /// Its labels: name and value.
    pub labels: Vec<(&'static str, String)>,
    /// The number.
    pub value: f64,
}

impl Gauge {
    /// A number without labels.
    #[must_use]
    pub fn new(name: &'static str, help: &'static str, value: f64) -> Self {
        Self { name, help, labels: Vec::new(), value }
    }

    /// Adds a label.
    #[must_use]
    pub fn with_label(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.labels.push((name, value.into()));
        self
    }
}

/// Answers take from milliseconds to minutes.
const ANSWER_SECONDS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
/// Tokens follow each other within milliseconds.
const TOKEN_SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Our own share is well below a millisecond.
const OVERHEAD_SECONDS: &[f64] = &[0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1];

/// The kinds of failure that no retry can fix, and the HTTP status that AWS gives them: what
/// `deploy/alerts.yaml` watches. Their counters exist from the start, because Prometheus does not
/// see the first increase of a series that it has not seen before.
const REFUSED_BY_AWS: [(&str, &str); 3] = [("authentication", "403"), ("permission", "403"), ("configuration", "")];

/// The results of reading a changed configuration.
const RELOADED: [&str; 2] = ["taken", "refused"];

const BUILD_INFO: &str = "sagewire_build_info";
const LOG_LINES_DROPPED: &str = "sagewire_log_lines_dropped_total";

/// Every number that the proxy keeps.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) requests: Counters<4>,
    pub(crate) refused: Counters<1>,
    pub(crate) upstream: Counters<3>,
    pub(crate) reloads: Counters<1>,
    pub(crate) discoveries: Counters<2>,
    pub(crate) routed: Counters<3>,
    retries: Counters<1>,
    pub(crate) tokens: Counters<3>,
    pub(crate) cache: Counters<3>,
    duration: Histograms<1>,
    first_byte: Histograms<1>,
    between_tokens: Histograms<1>,
    overhead: Histograms<1>,
    /// What was done of late, for people rather than for Prometheus.
    pub(crate) activity: Activity,
    registry: Registry,
    /// Kept once an exporter is attached.
    gen_ai: OnceLock<GenAiMetrics>,
}

/// The numbers of one model, at hand without a look-up.
#[derive(Clone, Debug)]
pub(crate) struct ModelMetrics {
    pub(crate) retries: Counter,
    pub(crate) duration: Histogram,
    pub(crate) first_byte: Histogram,
    pub(crate) between_tokens: Histogram,
    pub(crate) overhead: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        // The registry adds the full stop of each help text, and suffixes such as `_info` and `_total`.
        let mut registry = Registry::default();
        let r = &mut registry;
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        r.register(BUILD_INFO.trim_end_matches("_info"), "The version that runs", version);
        let dropped = log_writer::dropped().clone();
        let help = "Log lines dropped because nothing reads standard error fast enough";
        r.register(LOG_LINES_DROPPED.trim_end_matches("_total"), help, dropped);
        let metrics = Self {
            requests: Counters::new(
                r,
                "sagewire_requests_total",
                "Requests answered, by route, model, HTTP status and the key's name; 499 if the caller disconnected",
                ["route", "model", "status", "key"],
            ),
            refused: Counters::new(
                r,
                "sagewire_refused_total",
                "Requests refused before they reached a model, by reason",
                ["reason"],
            ),
            upstream: Counters::new(
                r,
                "sagewire_upstream_errors_total",
                "Failed calls of models, by model, kind of failure and HTTP status of AWS",
                ["model", "kind", "status"],
            ),
            reloads: Counters::new(
                r,
                "sagewire_config_reloads_total",
                "Reloads of the configuration, by result",
                ["result"],
            ),
            routed: Counters::new(
                r,
                "sagewire_routed_total",
                "Answers through inference routers of AWS, by model, the resource that answered and the reason",
                ["model", "resource", "reason"],
            ),
            discoveries: Counters::new(
                r,
                "sagewire_discovery_total",
                "Looks for endpoints in the account, by region and result (read or failed)",
                ["region", "result"],
            ),
            retries: Counters::new(r, "sagewire_retries_total", "Attempts after the first, by model", ["model"]),
            tokens: Counters::new(
                r,
                "sagewire_tokens_total",
                "Tokens used, by model, kind (prompt or completion) and the key's name",
                ["model", "kind", "key"],
            ),
            cache: Counters::new(
                r,
                "sagewire_cache_lookups_total",
                "Answers looked for in the cache, by model, result (hit, partial or miss) and the key's name",
                ["model", "result", "key"],
            ),
            duration: Histograms::new(
                r,
                "sagewire_request_duration_seconds",
                "Time from the head of a request to the end of its answer, by model",
                ["model"],
                ANSWER_SECONDS,
            ),
            first_byte: Histograms::new(
                r,
                "sagewire_time_to_first_byte_seconds",
                "Time from the head of a request to the first byte of its answer, by model",
                ["model"],
                ANSWER_SECONDS,
            ),
            between_tokens: Histograms::new(
                r,
                "sagewire_time_between_tokens_seconds",
                "Time between two pieces of a stream, by model",
                ["model"],
                TOKEN_SECONDS,
            ),
            overhead: Histograms::new(
                r,
                "sagewire_overhead_seconds",
                "Time that the proxy itself took for a whole answer, by model",
                ["model"],
                OVERHEAD_SECONDS,
            ),
            activity: Activity::default(),
            registry,
            gen_ai: OnceLock::new(),
        };
        for result in RELOADED {
            metrics.reloads.with([result]);
        }
        metrics
    }
}

impl Metrics {
    pub(crate) fn of_model(&self, model: &str) -> ModelMetrics {
        for (kind, status) in REFUSED_BY_AWS {
            self.upstream.with([model, kind, status]);
        }
        ModelMetrics {
            retries: self.retries.with([model]),
            duration: self.duration.with([model]),
            first_byte: self.first_byte.with([model]),
            between_tokens: self.between_tokens.with([model]),
            overhead: self.overhead.with([model]),
        }
    }

    /// Shows no numbers of models and keys that a new configuration has not. What was exported
    /// stays with its collector.
    pub(crate) fn forget_others(&self, has_model: &dyn Fn(&str) -> bool, has_key: &dyn Fn(&str) -> bool) {
        let holds = |label: &str, value: &str| match label {
            "model" => value.is_empty() || has_model(value),
            "key" => value.is_empty() || has_key(value),
            _ => true,
        };
        self.requests.retain(&holds);
        self.upstream.retain(&holds);
        self.retries.retain(&holds);
        self.tokens.retain(&holds);
        self.cache.retain(&holds);
        for histograms in [&self.duration, &self.first_byte, &self.between_tokens, &self.overhead] {
            histograms.retain(&holds);
        }
    }

    /// The metrics of the GenAI conventions, if they are kept.
    pub(crate) fn gen_ai(&self) -> Option<&GenAiMetrics> {
        self.gen_ai.get()
    }

    /// Records everything with this meter too, and the metrics of the GenAI conventions, from now
    /// on.
    #[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "only an exporter has a meter"))]
    pub(crate) fn export_to(&self, meter: &opentelemetry::metrics::Meter) {
        self.requests.export_to(meter);
        self.refused.export_to(meter);
        self.upstream.export_to(meter);
        self.reloads.export_to(meter);
        self.discoveries.export_to(meter);
        self.routed.export_to(meter);
        self.retries.export_to(meter);
        self.tokens.export_to(meter);
        self.cache.export_to(meter);
        self.duration.export_to(meter);
        self.first_byte.export_to(meter);
        self.between_tokens.export_to(meter);
        self.overhead.export_to(meter);
        self.gen_ai.get_or_init(|| GenAiMetrics::new(meter));
    }

    /// All of it in Prometheus's [text format](https://prometheus.io/docs/instrumenting/exposition_formats/).
    pub(crate) fn render(&self, gauges: &[Gauge]) -> String {
        let mut now = Registry::default();
        process::register(&mut now);
        register_gauges(&mut now, gauges);
        let mut page = String::with_capacity(16 * 1024);
        for registry in [&self.registry, &now] {
            // Writing to a `String` cannot fail.
            let _ = prometheus_text::encode(&mut page, registry);
        }
        page
    }
}

fn register_gauges(registry: &mut Registry, gauges: &[Gauge]) {
    type Readings = Family<Vec<(&'static str, String)>, gauge::Gauge<f64, AtomicU64>>;
    let mut by_name: BTreeMap<&str, (&str, Readings)> = BTreeMap::new();
    for gauge in gauges {
        let (_, readings) = by_name.entry(gauge.name).or_insert_with(|| (gauge.help, Readings::default()));
        readings.get_or_create(&gauge.labels).set(gauge.value);
    }
    for (name, (help, readings)) in by_name {
        registry.register(name, help.trim_end_matches('.'), readings);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_page_is_in_prometheus_form() {
        let metrics = Metrics::default();
        metrics.requests.add(["chat", "a \"quoted\" \\ model\n", "200", "team-a"], 2);
        let model = metrics.of_model("m");
        metrics.tokens.add(["m", "prompt", ""], 7);
        model.first_byte.observe(Duration::from_millis(20));
        model.first_byte.observe(Duration::from_secs(1000));
        let gauges = [
            Gauge::new("sagewire_in_flight", "Requests in flight.", 3.0),
            Gauge::new("sagewire_cooling", "Whether it cools down.", 1.0).with_label("deployment", "a"),
            Gauge::new("sagewire_cooling", "Whether it cools down.", 0.5).with_label("deployment", "b"),
        ];
        let page = metrics.render(&gauges);
        for line in [
            "# TYPE sagewire_requests_total counter",
            r#"sagewire_requests_total{route="chat",model="a \"quoted\" \\ model\n",status="200",key="team-a"} 2"#,
            r#"sagewire_tokens_total{model="m",kind="prompt",key=""} 7"#,
            "# TYPE sagewire_time_to_first_byte_seconds histogram",
            r#"sagewire_time_to_first_byte_seconds_bucket{model="m",le="0.01"} 0"#,
            r#"sagewire_time_to_first_byte_seconds_bucket{model="m",le="0.025"} 1"#,
            r#"sagewire_time_to_first_byte_seconds_bucket{model="m",le="300"} 1"#,
            r#"sagewire_time_to_first_byte_seconds_bucket{model="m",le="+Inf"} 2"#,
            r#"sagewire_time_to_first_byte_seconds_count{model="m"} 2"#,
            r#"sagewire_time_to_first_byte_seconds_sum{model="m"} 1000.02"#,
            "# HELP sagewire_in_flight Requests in flight.",
            "# TYPE sagewire_in_flight gauge",
            "sagewire_in_flight 3.0",
            r#"sagewire_cooling{deployment="b"} 0.5"#,
            concat!(r#"sagewire_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""} 1"#),
        ] {
            assert!(page.lines().any(|found| found == line), "no line {line} in\n{page}");
        }
        assert_eq!(page.matches("# TYPE sagewire_cooling gauge").count(), 1);
    }

    #[test]
    fn models_and_keys_that_are_gone_are_not_shown_and_the_others_go_on() {
        let metrics = Metrics::default();
        for (model, key) in [("m", "a"), ("m", "b"), ("old", "a"), ("", "master")] {
            metrics.requests.add(["chat", model, "200", key], 1);
            metrics.of_model(model).duration.observe(Duration::from_secs(1));
        }
        let shown = || metrics.render(&[]);
        assert!(shown().contains(r#"key="b""#) && shown().contains(r#"model="old""#));
        metrics.forget_others(&|model| model == "m", &|key| ["a", "master"].contains(&key));
        metrics.requests.add(["chat", "m", "200", "a"], 1);
        let page = shown();
        assert!(!page.contains(r#"key="b""#) && !page.contains(r#"model="old""#), "{page}");
        for line in [
            r#"sagewire_requests_total{route="chat",model="m",status="200",key="a"} 2"#,
            r#"sagewire_requests_total{route="chat",model="",status="200",key="master"} 1"#,
            r#"sagewire_request_duration_seconds_count{model="m"} 2"#,
        ] {
            assert!(page.lines().any(|found| found == line), "no line {line} in\n{page}");
        }
    }

    #[test]
    fn what_the_shipped_alerts_watch_is_there_before_the_first_event() {
        let metrics = Metrics::default();
        metrics.of_model("m");
        let page = metrics.render(&[]);
        for line in [
            r#"sagewire_config_reloads_total{result="refused"} 0"#,
            r#"sagewire_upstream_errors_total{model="m",kind="authentication",status="403"} 0"#,
            r#"sagewire_upstream_errors_total{model="m",kind="permission",status="403"} 0"#,
            r#"sagewire_upstream_errors_total{model="m",kind="configuration",status=""} 0"#,
        ] {
            assert!(page.lines().any(|found| found == line), "no line {line} in\n{page}");
        }
    }
}
