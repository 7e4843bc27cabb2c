//! `GET /health`, `/health/liveliness` and `/health/readiness`.
//!
//! Owns their shapes, which are LiteLLM's; probing is `health`'s.

use http::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::{
    Exchange,
    error::ApiError,
    openapi::schema,
    response::{Body, json_response},
    route::{Access, Answer, Paths, Route, Verb},
};
use crate::app::probes;

pub(super) const HEALTH: Route = Route {
    name: "health",
    method: Verb::Get,
    paths: Paths::Fixed(&["/health"]),
    access: Access::Key,
    operation: None,
    summary: "What is known of each deployment; with `?probe=true` each is called. For the operator.",
    request: None,
    answer: Answer::Json(health_schema),
    handler: |exchange| {
        let query = exchange.head.uri.query().unwrap_or_default();
        // A HEAD says nothing of what was found.
        let probes = exchange.head.method == Method::GET && query.split('&').any(|pair| pair == "probe=true");
        Box::pin(health(exchange, probes))
    },
};

pub(super) const PROBE: Route = Route {
    method: Verb::Post,
    summary: "Calls each deployment, and says what is known of it. For the operator.",
    handler: |exchange| Box::pin(health(exchange, true)),
    ..HEALTH
};

pub(super) const LIVELINESS: Route = Route {
    name: "liveliness",
    method: Verb::Get,
    paths: Paths::Fixed(&["/health/liveliness", "/health/liveness"]),
    access: Access::Anyone,
    operation: None,
    summary: "Whether the process runs.",
    request: None,
    answer: Answer::Json(schema::text),
    handler: |_| Box::pin(std::future::ready(Ok(liveliness()))),
};

pub(super) const READINESS: Route = Route {
    name: "readiness",
    method: Verb::Get,
    paths: Paths::Fixed(&["/health/readiness"]),
    access: Access::Anyone,
    operation: None,
    summary: "Whether the process takes requests.",
    request: None,
    answer: Answer::Json(readiness_schema),
    handler: |exchange| Box::pin(std::future::ready(Ok(readiness(exchange)))),
};

/// The process runs.
fn liveliness() -> Response<Body> {
    json_response(StatusCode::OK, "\"I'm alive!\"".into())
}

/// The process takes requests.
fn readiness(exchange: &Exchange) -> Response<Body> {
    let models = exchange.state.models.iter().count();
    let mut body = json!({ "status": "healthy", "db": "Not connected", "models": models });
    // Without it the proxy goes on, so that it stays ready.
    let reachable = exchange.state.insight.as_ref().and_then(|insight| insight.shared_state_is_reachable());
    if let (Some(reachable), Some(body)) = (reachable, body.as_object_mut()) {
        let state = if reachable { "connected" } else { "unavailable" };
        body.insert("shared_state".to_owned(), state.into());
    }
    json_response(StatusCode::OK, body.to_string().into())
}

/// What is known of each deployment, after they were called if that was asked for. Only the
/// operator may ask.
async fn health(exchange: &mut Exchange, probes: bool) -> Result<Response<Body>, ApiError> {
    if !exchange.caller.is_operator() {
        return Err(ApiError::forbidden("operator_only", "`/health` is for the proxy's operator; use the master key"));
    }
    let left_out = if probes { probes::probe_all(&exchange.state).await } else { 0 };
    let state = &exchange.state;
    let resting = match &state.insight {
        Some(insight) => insight.resting().await,
        None => Vec::new(),
    };
    let mut healthy = Vec::new();
    let mut unhealthy = Vec::new();
    let mut unprobed = Vec::new();
    for model in state.models.iter().filter(|model| !model.is_alias) {
        for deployment in &model.deployments {
            let mut entry = Map::new();
            entry.insert("model_name".to_owned(), Value::from(model.name.as_str()));
            entry.insert("id".to_owned(), Value::from(deployment.id.as_str()));
            entry.insert("mode".to_owned(), Value::from(deployment.mode.unwrap_or_default().as_str()));
            if state.settings.expose_names {
                entry.insert("model".to_owned(), Value::from(deployment.model.as_str()));
            }
            let finding = state.lasting.health.of(&deployment.id);
            let rest = resting.iter().find(|rest| rest.id == deployment.id);
            let is_resting = rest.is_some();
            let failed = finding.as_ref().is_some_and(|finding| finding.error.is_some());
            let status = match &finding {
                _ if is_resting => "cooling down",
                Some(_) if failed => "unhealthy",
                Some(_) => "healthy",
                None => "not probed",
            };
            entry.insert("status".to_owned(), Value::from(status));
            if let Some(rest) = rest {
                entry.insert("resting_seconds".to_owned(), Value::from(rest.ends_in.as_secs_f64()));
            }
            if let Some(last) = state.lasting.metrics.activity.last_failure(&deployment.id) {
                let last =
                    json!({ "kind": last.kind, "request_id": last.request_id, "seconds_ago": last.age.as_secs() });
                entry.insert("last_failure".to_owned(), last);
            }
            let is_known = finding.is_some();
            if let Some(finding) = finding {
                entry.insert("probed_at".to_owned(), Value::from(finding.at_unix));
                entry.insert("probe_seconds".to_owned(), Value::from(finding.took.as_secs_f64()));
                if let Some(error) = finding.error {
                    entry.insert("error".to_owned(), Value::from(error));
                }
            }
            let list = match (failed || is_resting, is_known) {
                (true, _) => &mut unhealthy,
                (false, true) => &mut healthy,
                (false, false) => &mut unprobed,
            };
            list.push(Value::Object(entry));
        }
    }
    let body = json!({
        "healthy_count": healthy.len(),
        "unhealthy_count": unhealthy.len(),
        "unprobed_count": unprobed.len(),
        "healthy_endpoints": healthy,
        "unhealthy_endpoints": unhealthy,
        "unprobed_endpoints": unprobed,
        "probes_left_out": left_out,
    });
    Ok(json_response(StatusCode::OK, body.to_string().into()))
}

fn readiness_schema() -> Value {
    json!({
        "type": "object",
        "required": ["status", "models"],
        "properties": { "status": schema::text(), "db": schema::text(), "models": schema::count(), "shared_state": schema::text() },
    })
}

fn health_schema() -> Value {
    let endpoints = json!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["model_name", "id", "mode", "status"],
            "properties": {
                "model_name": schema::text(), "id": schema::text(), "mode": schema::text(), "model": schema::text(),
                "status": schema::text(), "probed_at": schema::count(), "probe_seconds": { "type": "number" },
                "error": schema::text(), "resting_seconds": { "type": "number" },
                "last_failure": {
                    "type": "object",
                    "properties": { "kind": schema::text(), "request_id": schema::text(), "seconds_ago": schema::count() },
                },
            },
        },
    });
    json!({
        "type": "object",
        "required": ["healthy_count", "unhealthy_count", "healthy_endpoints", "unhealthy_endpoints", "probes_left_out"],
        "properties": {
            "healthy_count": schema::count(), "unhealthy_count": schema::count(), "healthy_endpoints": endpoints,
            "unhealthy_endpoints": endpoints, "unprobed_count": schema::count(), "unprobed_endpoints": endpoints, "probes_left_out": schema::count(),
        },
    })
}
