//! The numbers as OTLP writes them, and their sending.
//!
//! Owns the translation from our names: `sagewire_tokens_total` is `sagewire.tokens`, which a collector for Prometheus turns back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};
use tokio::sync::oneshot;

use super::{Collector, attribute, resource, scope};
use crate::{
    ServerHandle,
    telemetry::metrics::{Point, Reading, Value},
};

/// Sends the numbers now and then, and once more when it is told to stop or nobody is left to tell it.
pub(super) async fn send_all(
    collector: Collector,
    url: String,
    every: Duration,
    handle: ServerHandle,
    mut stop: oneshot::Receiver<()>,
) {
    let app = handle.app();
    app.lasting().metrics.keep_gen_ai();
    let began = app.state().clock.now();
    drop(app);
    let mut stopped = false;
    while !stopped {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = &mut stop => stopped = true,
        }
        let app = handle.app();
        let readings = app.lasting().metrics.readings(&app.gauges().await);
        let now = app.state().clock.now();
        drop(app);
        collector
            .post(&url, "numbers", readings.len(), request_body(&collector.service_name, &readings, began, now))
            .await;
    }
}

/// An `ExportMetricsServiceRequest`.
pub(super) fn request_body(service_name: &str, readings: &[Reading], began: SystemTime, now: SystemTime) -> Json {
    let times = (nanos(began), nanos(now));
    json!({
        "resourceMetrics": [{
            "resource": resource(service_name),
            "scopeMetrics": [{
                "scope": scope(),
                "metrics": readings.iter().filter_map(|reading| metric(reading, &times)).collect::<Vec<_>>(),
            }],
        }],
    })
}

fn nanos(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

/// Counters and distributions are told from their beginning on.
const CUMULATIVE: u8 = 2;

fn metric(reading: &Reading, times: &(String, String)) -> Option<Json> {
    let (name, unit) = name_and_unit(reading.name);
    let points: Vec<Json> = reading.points.iter().map(|point| data_point(point, times)).collect();
    let mut metric = json!({ "name": name, "description": reading.help, "unit": unit });
    // Nothing was counted yet, so nothing says what it is.
    let (kind, data) = match reading.points.first()?.value {
        Value::Count(_) => {
            ("sum", json!({ "aggregationTemporality": CUMULATIVE, "isMonotonic": true, "dataPoints": points }))
        }
        Value::Level(_) => ("gauge", json!({ "dataPoints": points })),
        Value::Distribution { .. } => {
            ("histogram", json!({ "aggregationTemporality": CUMULATIVE, "dataPoints": points }))
        }
    };
    metric.as_object_mut()?.insert(kind.to_owned(), data);
    Some(metric)
}

fn name_and_unit(name: &str) -> (String, &'static str) {
    let Some(own) = name.strip_prefix("sagewire_") else {
        return (name.to_owned(), if name.ends_with("token.usage") { "{token}" } else { "s" });
    };
    let (own, unit) = match own.strip_suffix("_seconds") {
        Some(own) => (own, "s"),
        None => (own.strip_suffix("_total").unwrap_or(own), ""),
    };
    (format!("sagewire.{own}"), unit)
}

/// 64-bit numbers are texts in OTLP's JSON.
fn data_point(point: &Point, (began, now): &(String, String)) -> Json {
    let attributes: Vec<Json> = point
        .labels
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| attribute(name, &value.as_str().into()))
        .collect();
    let mut json = json!({ "attributes": attributes, "timeUnixNano": now });
    let rest = match &point.value {
        Value::Level(level) => json!({ "asDouble": level }),
        Value::Count(count) => json!({ "startTimeUnixNano": began, "asInt": count.to_string() }),
        Value::Distribution { bounds, buckets, count, sum } => json!({
            "startTimeUnixNano": began,
            "count": count.to_string(),
            "sum": sum,
            "bucketCounts": buckets.iter().map(u64::to_string).collect::<Vec<_>>(),
            "explicitBounds": bounds,
        }),
    };
    if let (Some(json), Json::Object(rest)) = (json.as_object_mut(), rest) {
        json.extend(rest);
    }
    json
}
