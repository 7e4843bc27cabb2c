//! The numbers behind `/metrics`.
//!
//! Owns which there are and what they are called. <https://prometheus.io/docs/practices/naming/>

use std::sync::{Arc, OnceLock};

#[cfg(feature = "otlp")]
pub(crate) use self::reading::{Point, Value};
use self::{
    family::{Counter, Family},
    histogram::Histogram,
};
pub(crate) use self::{
    gen_ai::{GenAiMetrics, Operation, PROVIDER},
    reading::Reading,
};

mod family;
mod gen_ai;
mod histogram;
mod reading;

/// A number that someone else keeps, read when `/metrics` is asked for: a cooldown, the age of credentials.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Gauge {
    /// Its name, such as `sagewire_deployment_cooling_down`.
    pub name: &'static str,
    /// What it says, in one sentence.
    pub help: &'static str,
    /// What tells it from others of its name.
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

/// Every number that the proxy keeps.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) requests: Family<3, Counter>,
    pub(crate) refused: Family<1, Counter>,
    pub(crate) upstream: Family<3, Counter>,
    pub(crate) reloads: Family<1, Counter>,
    retries: Family<1, Counter>,
    tokens: Family<2, Counter>,
    duration: Family<1, Histogram>,
    first_byte: Family<1, Histogram>,
    between_tokens: Family<1, Histogram>,
    overhead: Family<1, Histogram>,
    /// Kept once somebody exports them.
    gen_ai: OnceLock<GenAiMetrics>,
}

/// The numbers of one model, at hand without a look-up.
#[derive(Clone, Debug)]
pub(crate) struct ModelMetrics {
    pub(crate) retries: Arc<Counter>,
    pub(crate) prompt_tokens: Arc<Counter>,
    pub(crate) completion_tokens: Arc<Counter>,
    pub(crate) duration: Arc<Histogram>,
    pub(crate) first_byte: Arc<Histogram>,
    pub(crate) between_tokens: Arc<Histogram>,
    pub(crate) overhead: Arc<Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::new(
                "sagewire_requests_total",
                "Requests answered, by route, model and HTTP status; 499 where the caller went away.",
                ["route", "model", "status"],
            ),
            refused: Family::new(
                "sagewire_refused_total",
                "Requests that never reached a model, by reason.",
                ["reason"],
            ),
            upstream: Family::new(
                "sagewire_upstream_errors_total",
                "Failed calls of models, by model, kind of failure and AWS's HTTP status.",
                ["model", "kind", "status"],
            ),
            reloads: Family::new(
                "sagewire_config_reloads_total",
                "Reloads of the configuration, by result.",
                ["result"],
            ),
            retries: Family::new("sagewire_retries_total", "Tries after the first, by model.", ["model"]),
            tokens: Family::new(
                "sagewire_tokens_total",
                "Tokens used, by model and kind (prompt or completion).",
                ["model", "kind"],
            ),
            duration: Family::new(
                "sagewire_request_duration_seconds",
                "From a request's head to the end of its answer, by model.",
                ["model"],
            )
            .with_bounds(ANSWER_SECONDS),
            first_byte: Family::new(
                "sagewire_time_to_first_byte_seconds",
                "From a request's head to the first byte of its answer, by model.",
                ["model"],
            )
            .with_bounds(ANSWER_SECONDS),
            between_tokens: Family::new(
                "sagewire_time_between_tokens_seconds",
                "Between two pieces of a stream, by model.",
                ["model"],
            )
            .with_bounds(TOKEN_SECONDS),
            overhead: Family::new(
                "sagewire_overhead_seconds",
                "The time of a whole answer that was the proxy's own, by model.",
                ["model"],
            )
            .with_bounds(OVERHEAD_SECONDS),
            gen_ai: OnceLock::new(),
        }
    }
}

impl Metrics {
    pub(crate) fn of_model(&self, model: &str) -> ModelMetrics {
        ModelMetrics {
            retries: self.retries.with([model]),
            prompt_tokens: self.tokens.with([model, "prompt"]),
            completion_tokens: self.tokens.with([model, "completion"]),
            duration: self.duration.with([model]),
            first_byte: self.first_byte.with([model]),
            between_tokens: self.between_tokens.with([model]),
            overhead: self.overhead.with([model]),
        }
    }

    /// The numbers of the GenAI conventions, where they are kept.
    pub(crate) fn gen_ai(&self) -> Option<&GenAiMetrics> {
        self.gen_ai.get()
    }

    /// Keeps the numbers of the GenAI conventions from now on.
    #[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "only an exporter wants them"))]
    pub(crate) fn keep_gen_ai(&self) {
        self.gen_ai.get_or_init(GenAiMetrics::default);
    }

    /// All of it at one moment.
    #[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "only an exporter wants them"))]
    pub(crate) fn readings(&self, gauges: &[Gauge]) -> Vec<Reading> {
        let mut readings = vec![
            self.requests.reading(),
            self.refused.reading(),
            self.upstream.reading(),
            self.reloads.reading(),
            self.retries.reading(),
            self.tokens.reading(),
            self.duration.reading(),
            self.first_byte.reading(),
            self.between_tokens.reading(),
            self.overhead.reading(),
        ];
        readings.extend(family::gauge_readings(gauges));
        readings.extend(self.gen_ai().map(GenAiMetrics::readings).unwrap_or_default());
        readings
    }

    /// All of it in Prometheus's [text format](https://prometheus.io/docs/instrumenting/exposition_formats/).
    pub(crate) fn render(&self, gauges: &[Gauge]) -> String {
        let mut text = String::with_capacity(4096);
        for family in [&self.refused, &self.reloads, &self.retries] {
            family.render(&mut text);
        }
        self.requests.render(&mut text);
        self.upstream.render(&mut text);
        self.tokens.render(&mut text);
        for family in [&self.duration, &self.first_byte, &self.between_tokens, &self.overhead] {
            family.render(&mut text);
        }
        family::render_gauges(gauges, &mut text);
        text
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_page_is_in_prometheus_form() {
        let metrics = Metrics::default();
        metrics.requests.with(["chat", "a \"quoted\" \\ model", "200"]).add(2);
        let model = metrics.of_model("m");
        model.prompt_tokens.add(7);
        model.first_byte.observe(Duration::from_millis(20));
        model.first_byte.observe(Duration::from_secs(1000));
        let gauges = [
            Gauge::new("sagewire_in_flight", "Requests at work.", 3.0),
            Gauge::new("sagewire_cooling", "Whether it rests.", 1.0).with_label("deployment", "a"),
            Gauge::new("sagewire_cooling", "Whether it rests.", 0.0).with_label("deployment", "b"),
        ];
        let page = metrics.render(&gauges);
        for line in [
            "# TYPE sagewire_requests_total counter",
            r#"sagewire_requests_total{route="chat",model="a \"quoted\" \\ model",status="200"} 2"#,
            r#"sagewire_tokens_total{model="m",kind="prompt"} 7"#,
            "# TYPE sagewire_time_to_first_byte_seconds histogram",
            r#"sagewire_time_to_first_byte_seconds_bucket{model="m",le="0.01"} 0"#,
            r#"sagewire_time_to_first_byte_seconds_bucket{model="m",le="0.025"} 1"#,
            r#"sagewire_time_to_first_byte_seconds_bucket{model="m",le="300"} 1"#,
            r#"sagewire_time_to_first_byte_seconds_bucket{model="m",le="+Inf"} 2"#,
            r#"sagewire_time_to_first_byte_seconds_count{model="m"} 2"#,
            r#"sagewire_time_to_first_byte_seconds_sum{model="m"} 1000.02"#,
            "# TYPE sagewire_in_flight gauge",
            "sagewire_in_flight 3",
            r#"sagewire_cooling{deployment="b"} 0"#,
        ] {
            assert!(page.lines().any(|found| found == line), "no line {line} in\n{page}");
        }
        assert_eq!(page.matches("# TYPE sagewire_cooling gauge").count(), 1);
    }
}
