//! `GET /metrics`: the numbers in Prometheus's text format.

use http::{Response, StatusCode};

use super::{
    Exchange,
    error::ApiError,
    response::{Body, typed_response},
    route::{Access, Answer, Paths, Route, Verb},
};

pub(super) const ROUTE: Route = Route {
    name: "metrics",
    method: Verb::Get,
    paths: Paths::Fixed(&["/metrics"]),
    access: Access::Metrics,
    operation: None,
    summary: "Numbers for Prometheus.",
    request: None,
    answer: Answer::Text,
    handler: |exchange| Box::pin(metrics(exchange)),
};

async fn metrics(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let gauges = exchange.state.gauges().await;
    let page = exchange.state.lasting.metrics.render(&gauges);
    Ok(typed_response(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", page.into()))
}
