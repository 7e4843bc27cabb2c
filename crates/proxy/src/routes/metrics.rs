//! `GET /metrics`: the numbers in Prometheus's text format.

use http::{Response, StatusCode};

use super::Exchange;
use crate::{
    response::{Body, typed_response},
    telemetry::Gauge,
};

pub(super) async fn metrics(exchange: &Exchange) -> Response<Body> {
    let state = exchange.app.state();
    let admission = &state.lasting.admission;
    let mut gauges = vec![
        count("sagewire_requests_in_flight", "Requests at work.", admission.at_work()),
        count("sagewire_requests_queued", "Requests that wait for their turn.", admission.waiting()),
    ];
    if let Some(insight) = &state.insight {
        gauges.extend(insight.gauges().await);
    }
    let page = state.lasting.metrics.render(&gauges);
    typed_response(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", page.into())
}

#[expect(clippy::cast_precision_loss, reason = "no count of requests is near 2^52")]
fn count(name: &'static str, help: &'static str, value: usize) -> Gauge {
    Gauge::new(name, help, value as f64)
}
