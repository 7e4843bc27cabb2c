//! The server's metrics as OpenTelemetry's.
//!
//! Owns the provider that collects and sends them. Counters and histograms record themselves;
//! gauges are read here, now and then, because reading them may take a while and the provider asks
//! for them on a thread that must not wait.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use opentelemetry::{
    KeyValue,
    metrics::{Meter, MeterProvider},
};
use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::{
    Resource,
    metrics::{PeriodicReader, SdkMeterProvider},
};
use tokio::task::JoinHandle;

use crate::{
    ServerHandle,
    telemetry::{Gauge, metrics::exported_name},
};

/// The time between two readings of the gauges, unless they are sent more often.
const READ_EVERY: Duration = Duration::from_secs(15);

/// Metrics on their way to a collector.
#[derive(Debug)]
pub(super) struct ExportedMetrics {
    provider: SdkMeterProvider,
    gauges: Gauges,
    reading: JoinHandle<()>,
}

impl ExportedMetrics {
    pub(super) fn start(
        exporter: MetricExporter,
        resource: Resource,
        interval: Option<Duration>,
        server: ServerHandle,
    ) -> Self {
        let reader = PeriodicReader::builder(exporter);
        let reader = match interval {
            Some(interval) => reader.with_interval(interval),
            None => reader,
        };
        let provider = SdkMeterProvider::builder().with_reader(reader.build()).with_resource(resource).build();
        let meter = provider.meter_with_scope(super::scope());
        server.app().lasting().metrics.export_to(&meter);
        let gauges = Gauges { server, meter, latest: Arc::default(), known: Arc::default() };
        let every = interval.unwrap_or(READ_EVERY).min(READ_EVERY);
        let reading = tokio::spawn(gauges.clone().read_for_ever(every));
        Self { provider, gauges, reading }
    }

    /// Sends everything once more, and ends.
    pub(super) async fn finish(self) {
        self.reading.abort();
        self.gauges.read().await;
        let provider = self.provider;
        // It waits for its own thread, which needs this runtime.
        let _ = tokio::task::spawn_blocking(move || provider.shutdown()).await;
    }
}

/// The numbers that are read when they are asked for.
#[derive(Clone, Debug)]
struct Gauges {
    server: ServerHandle,
    meter: Meter,
    latest: Arc<ArcSwap<Vec<Gauge>>>,
    /// The names that the meter has an instrument for.
    known: Arc<Mutex<HashSet<&'static str>>>,
}

impl Gauges {
    async fn read_for_ever(self, every: Duration) {
        loop {
            self.read().await;
            tokio::time::sleep(every).await;
        }
    }

    async fn read(&self) {
        let app = self.server.app();
        let gauges = Arc::new(app.gauges().await);
        self.latest.store(Arc::clone(&gauges));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for gauge in gauges.iter().filter(|gauge| known.insert(gauge.name)) {
            self.observe(gauge);
        }
    }

    /// Has the meter ask for the numbers of this name.
    fn observe(&self, gauge: &Gauge) {
        let (latest, wanted) = (Arc::clone(&self.latest), gauge.name);
        let (name, unit) = exported_name(wanted);
        let instrument = self.meter.f64_observable_gauge(name).with_description(gauge.help).with_unit(unit);
        instrument
            .with_callback(move |observer| {
                for gauge in latest.load().iter().filter(|gauge| gauge.name == wanted) {
                    let labels = gauge.labels.iter();
                    let labels: Vec<_> = labels.map(|(name, value)| KeyValue::new(*name, value.clone())).collect();
                    observer.observe(gauge.value, &labels);
                }
            })
            .build();
    }
}
