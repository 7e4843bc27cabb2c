//! `GET /metrics`: the numbers in Prometheus's text format.

use http::{Response, StatusCode};

use super::Exchange;
use crate::http::response::{Body, typed_response};

pub(super) async fn metrics(exchange: &Exchange) -> Response<Body> {
    let gauges = exchange.app.gauges().await;
    let page = exchange.app.state().lasting.metrics.render(&gauges);
    typed_response(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", page.into())
}
