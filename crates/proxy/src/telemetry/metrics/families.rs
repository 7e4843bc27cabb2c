//! Counters and histograms that are told apart by their labels.
//!
//! Each number is kept for `/metrics` by `prometheus-client`. Once an exporter has handed over its
//! meter, the number is recorded by OpenTelemetry too, as no library can read the one out of the
//! other.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use opentelemetry::{KeyValue, metrics as otel};
use prometheus_client::{
    metrics::{
        counter,
        family::{Family, MetricConstructor},
        histogram,
    },
    registry::{Registry, Unit},
};

/// The names and values of one number's labels.
type Labels<const N: usize> = [(&'static str, String); N];

/// What all numbers of one name share.
#[derive(Debug)]
struct Description<const N: usize> {
    /// As `/metrics` calls them.
    name: &'static str,
    help: &'static str,
    labels: [&'static str; N],
}

impl<const N: usize> Description<N> {
    fn labels(&self, values: [&str; N]) -> Labels<N> {
        let mut values = values.into_iter();
        self.labels.map(|name| (name, values.next().unwrap_or_default().to_owned()))
    }
}

/// Counters of one name.
#[derive(Debug)]
pub(crate) struct Counters<const N: usize> {
    description: Description<N>,
    shown: Family<Labels<N>, counter::Counter>,
    /// The labels of those that are shown: no family lists its own.
    known: Mutex<Vec<Labels<N>>>,
    exported: Arc<OnceLock<otel::Counter<u64>>>,
}

/// A number that only grows.
#[derive(Clone, Debug)]
pub(crate) struct Counter {
    shown: counter::Counter,
    exported: Exported<otel::Counter<u64>>,
}

/// A number as an exporter sees it, once there is one.
#[derive(Clone, Debug)]
struct Exported<I> {
    instrument: Arc<OnceLock<I>>,
    attributes: Arc<[KeyValue]>,
}

impl<I> Exported<I> {
    fn new<const N: usize>(instrument: &Arc<OnceLock<I>>, labels: Labels<N>) -> Self {
        Self { instrument: Arc::clone(instrument), attributes: attributes(labels).collect() }
    }
}

/// An empty label is the same as none in Prometheus; OpenTelemetry would keep it.
fn attributes<const N: usize>(labels: Labels<N>) -> impl Iterator<Item = KeyValue> {
    labels.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| KeyValue::new(name, value))
}

impl<const N: usize> Counters<N> {
    /// Registers counters, whose name ends in `_total`.
    pub(super) fn new(
        registry: &mut Registry,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
    ) -> Self {
        let shown = Family::default();
        // The registry adds the suffix.
        registry.register(name.trim_end_matches("_total"), help, shown.clone());
        let description = Description { name, help, labels };
        Self { description, shown, known: Mutex::default(), exported: Arc::default() }
    }

    /// The counter with these labels' values. It exists from then on, as 0.
    pub(crate) fn with(&self, values: [&str; N]) -> Counter {
        let labels = self.description.labels(values);
        if self.shown.get(&labels).is_none() {
            lock(&self.known).push(labels.clone());
        }
        let shown = self.shown.get_or_create_owned(&labels);
        Counter { shown, exported: Exported::new(&self.exported, labels) }
    }

    /// Adds to the counter with these labels' values, which a handle would cost twice as much for.
    pub(crate) fn add(&self, values: [&str; N], more: u64) {
        let labels = self.description.labels(values);
        let is_known = self.shown.get(&labels).map(|counter| counter.inc_by(more)).is_some();
        if !is_known {
            lock(&self.known).push(labels.clone());
            self.shown.get_or_create(&labels).inc_by(more);
        }
        if let Some(counter) = self.exported.get() {
            counter.add(more, &attributes(labels).collect::<Vec<_>>());
        }
    }

    /// Shows only those on whose labels' names and values this holds.
    pub(super) fn retain(&self, holds: &dyn Fn(&str, &str) -> bool) {
        retain(&self.known, holds, |labels| self.shown.remove(labels));
    }

    /// Records the counters with this meter too, from now on.
    pub(super) fn export_to(&self, meter: &otel::Meter) {
        let Description { name, help, .. } = self.description;
        self.exported.get_or_init(|| meter.u64_counter(exported_name(name).0).with_description(help).build());
    }
}

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.shown.inc_by(more);
        if let Some(counter) = self.exported.instrument.get() {
            counter.add(more, &self.exported.attributes);
        }
    }
}

/// Histograms of one name: how often something took how long.
#[derive(Debug)]
pub(crate) struct Histograms<const N: usize> {
    description: Description<N>,
    bounds: Bounds,
    shown: Family<Labels<N>, histogram::Histogram, Bounds>,
    known: Mutex<Vec<Labels<N>>>,
    exported: Arc<OnceLock<otel::Histogram<f64>>>,
}

fn lock<T>(known: &Mutex<T>) -> MutexGuard<'_, T> {
    // A list that a panic left without an entry shows one number longer.
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the numbers whose labels are not to be kept.
fn retain<const N: usize>(
    known: &Mutex<Vec<Labels<N>>>,
    holds: &dyn Fn(&str, &str) -> bool,
    remove: impl Fn(&Labels<N>) -> bool,
) {
    lock(known).retain(|labels| {
        let is_kept = labels.iter().all(|(name, value)| holds(name, value));
        if !is_kept {
            remove(labels);
        }
        is_kept
    });
}

/// How often something took how long.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    shown: histogram::Histogram,
    exported: Exported<otel::Histogram<f64>>,
}

/// The upper bounds of a histogram's buckets, in seconds.
#[derive(Clone, Copy, Debug)]
struct Bounds(&'static [f64]);

impl MetricConstructor<histogram::Histogram> for Bounds {
    fn new_metric(&self) -> histogram::Histogram {
        histogram::Histogram::new(self.0.iter().copied())
    }
}

impl<const N: usize> Histograms<N> {
    /// Registers histograms of durations, whose name ends in `_seconds`.
    pub(super) fn new(
        registry: &mut Registry,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
        bounds: &'static [f64],
    ) -> Self {
        let bounds = Bounds(bounds);
        let shown = Family::new_with_constructor(bounds);
        registry.register_with_unit(name.trim_end_matches("_seconds"), help, Unit::Seconds, shown.clone());
        let description = Description { name, help, labels };
        Self { description, bounds, shown, known: Mutex::default(), exported: Arc::default() }
    }

    /// The histogram with these labels' values.
    pub(crate) fn with(&self, values: [&str; N]) -> Histogram {
        let labels = self.description.labels(values);
        if self.shown.get(&labels).is_none() {
            lock(&self.known).push(labels.clone());
        }
        let shown = self.shown.get_or_create_owned(&labels);
        Histogram { shown, exported: Exported::new(&self.exported, labels) }
    }

    /// Shows only those on whose labels' names and values this holds.
    pub(super) fn retain(&self, holds: &dyn Fn(&str, &str) -> bool) {
        retain(&self.known, holds, |labels| self.shown.remove(labels));
    }

    /// Records the histograms with this meter too, from now on.
    pub(super) fn export_to(&self, meter: &otel::Meter) {
        let Description { name, help, .. } = self.description;
        let build = || meter.f64_histogram(exported_name(name).0).with_description(help).with_unit("s");
        self.exported.get_or_init(|| build().with_boundaries(self.bounds.0.to_vec()).build());
    }
}

impl Histogram {
    pub(crate) fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        self.shown.observe(seconds);
        if let Some(histogram) = self.exported.instrument.get() {
            histogram.record(seconds, &self.exported.attributes);
        }
    }
}

/// What OpenTelemetry calls a number of ours, and its unit: a name of `/metrics` with dots and
/// without the suffix of its unit. A collector for Prometheus turns it back.
pub(crate) fn exported_name(name: &str) -> (String, &'static str) {
    let own = name.strip_prefix("sagewire_").unwrap_or(name);
    match own.strip_suffix("_seconds") {
        Some(own) => (format!("sagewire.{own}"), "s"),
        None => (format!("sagewire.{}", own.trim_end_matches("_total")), ""),
    }
}
