//! Numbers of one name that differ in their labels.
//!
//! Owns the look-up by labels and the text format.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    Gauge,
    histogram::Histogram,
    reading::{Point, Reading, Value},
};

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }
}

/// One member of a family.
pub(crate) trait Series {
    const TYPE: &'static str;
    fn make(bounds: &'static [f64]) -> Self;
    /// Writes its lines; `labels` are inside the braces, without them.
    fn render(&self, name: &str, labels: &str, text: &mut String);
    /// What it says now.
    fn read(&self) -> Value;
}

impl Series for Counter {
    const TYPE: &'static str = "counter";

    fn make(_: &'static [f64]) -> Self {
        Self::default()
    }

    fn render(&self, name: &str, labels: &str, text: &mut String) {
        line(text, name, labels, &self.0.load(Relaxed).to_string());
    }

    fn read(&self) -> Value {
        Value::Count(self.0.load(Relaxed))
    }
}

impl Series for Histogram {
    const TYPE: &'static str = "histogram";

    fn make(bounds: &'static [f64]) -> Self {
        Self::new(bounds)
    }

    fn render(&self, name: &str, labels: &str, text: &mut String) {
        let comma = if labels.is_empty() { "" } else { "," };
        let bucket = format!("{name}_bucket");
        for (bound, count) in self.cumulative() {
            line(text, &bucket, &format!("{labels}{comma}le=\"{bound}\""), &count.to_string());
        }
        line(text, &bucket, &format!("{labels}{comma}le=\"+Inf\""), &self.count().to_string());
        line(text, &format!("{name}_sum"), labels, &self.sum().to_string());
        line(text, &format!("{name}_count"), labels, &self.count().to_string());
    }

    fn read(&self) -> Value {
        self.read()
    }
}

/// Numbers of one name.
#[derive(Debug)]
pub(crate) struct Family<const N: usize, T> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; N],
    bounds: &'static [f64],
    /// By the labels' text, as it stands in the page.
    series: RwLock<BTreeMap<String, Labelled<N, T>>>,
}

/// A number and its labels' values.
#[derive(Debug)]
struct Labelled<const N: usize, T> {
    values: [String; N],
    number: Arc<T>,
}

impl<const N: usize, T: Series> Family<N, T> {
    pub(crate) fn new(name: &'static str, help: &'static str, labels: [&'static str; N]) -> Self {
        Self { name, help, labels, bounds: &[], series: RwLock::default() }
    }

    pub(crate) fn with_bounds(mut self, bounds: &'static [f64]) -> Self {
        self.bounds = bounds;
        self
    }

    /// The number with these labels' values, made where it is new.
    pub(crate) fn with(&self, values: [&str; N]) -> Arc<T> {
        let key = text_of(self.labels.into_iter().zip(values));
        // A number is whole after every step, so a panic elsewhere leaves the map usable.
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        let known = series.get(&key).map(|known| Arc::clone(&known.number));
        drop(series);
        known.unwrap_or_else(|| {
            let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
            let new = || Labelled { values: values.map(str::to_owned), number: Arc::new(T::make(self.bounds)) };
            Arc::clone(&series.entry(key).or_insert_with(new).number)
        })
    }

    /// All of them at one moment.
    pub(crate) fn reading(&self) -> Reading {
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        let points = series.values().map(|Labelled { values, number }| Point {
            labels: self.labels.into_iter().zip(values.iter().cloned()).collect(),
            value: number.read(),
        });
        Reading { name: self.name, help: self.help, points: points.collect() }
    }

    pub(crate) fn render(&self, text: &mut String) {
        head(text, self.name, self.help, T::TYPE);
        for (labels, series) in &*self.series.read().unwrap_or_else(PoisonError::into_inner) {
            series.number.render(self.name, labels, text);
        }
    }
}

pub(super) fn gauge_readings(gauges: &[Gauge]) -> Vec<Reading> {
    let mut by_name: BTreeMap<&'static str, Reading> = BTreeMap::new();
    for gauge in gauges {
        let reading = by_name.entry(gauge.name).or_insert_with(|| Reading {
            name: gauge.name,
            help: gauge.help,
            points: Vec::new(),
        });
        reading.points.push(Point { labels: gauge.labels.clone(), value: Value::Level(gauge.value) });
    }
    by_name.into_values().collect()
}

pub(super) fn render_gauges(gauges: &[Gauge], text: &mut String) {
    let mut by_name: BTreeMap<&str, Vec<&Gauge>> = BTreeMap::new();
    for gauge in gauges {
        by_name.entry(gauge.name).or_default().push(gauge);
    }
    for (name, gauges) in by_name {
        head(text, name, gauges.first().map_or("", |gauge| gauge.help), "gauge");
        for gauge in gauges {
            let labels = text_of(gauge.labels.iter().map(|(name, value)| (*name, value.as_str())));
            line(text, name, &labels, &gauge.value.to_string());
        }
    }
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    // Writing to a `String` cannot fail.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn line(text: &mut String, name: &str, labels: &str, value: &str) {
    let _ =
        if labels.is_empty() { writeln!(text, "{name} {value}") } else { writeln!(text, "{name}{{{labels}}} {value}") };
}

fn text_of<'a>(pairs: impl Iterator<Item = (&'static str, &'a str)>) -> String {
    let mut text = String::with_capacity(64);
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        for c in value.chars() {
            match c {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                c => text.push(c),
            }
        }
        text.push('"');
    }
    text
}
