//! `GET /health`, `/health/liveliness` and `/health/readiness`.
//!
//! Owns their shapes, which are LiteLLM's; probing is `health`'s.

use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::Exchange;
use crate::{
    app::probes,
    http::error::ApiError,
    http::response::{Body, json_response},
};

/// The process runs.
pub(super) fn liveliness() -> Response<Body> {
    json_response(StatusCode::OK, "\"I'm alive!\"".into())
}

/// The process takes requests.
pub(super) fn readiness(exchange: &Exchange) -> Response<Body> {
    let models = exchange.app.state().models.iter().count();
    let body = json!({ "status": "healthy", "db": "Not connected", "models": models });
    json_response(StatusCode::OK, body.to_string().into())
}

/// What is known of each deployment. Only `?probe=true` calls them, and only the operator may ask for it.
pub(super) async fn health(exchange: &Exchange) -> Result<Response<Body>, ApiError> {
    if !exchange.caller.is_operator() {
        return Err(ApiError::forbidden("operator_only", "`/health` is for the proxy's operator: use the master key"));
    }
    let probe = exchange.head.uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "probe=true"));
    let left_out = if probe { probes::probe_all(&exchange.app).await } else { 0 };
    let state = exchange.app.state();
    let resting = match &state.insight {
        Some(insight) => insight.resting().await,
        None => Vec::new(),
    };
    let mut healthy = Vec::new();
    let mut unhealthy = Vec::new();
    for model in state.models.iter().filter(|model| !model.is_alias) {
        for deployment in &model.deployments {
            let mut entry = Map::new();
            entry.insert("model_name".to_owned(), Value::from(model.name.as_str()));
            entry.insert("id".to_owned(), Value::from(deployment.id.as_str()));
            entry.insert("mode".to_owned(), Value::from(deployment.mode.as_str()));
            if state.settings.expose_names {
                entry.insert("model".to_owned(), Value::from(deployment.model.as_str()));
            }
            let finding = state.lasting.health.of(&deployment.id);
            let is_resting = resting.contains(&deployment.id);
            let failed = finding.as_ref().is_some_and(|finding| finding.error.is_some());
            let status = match &finding {
                _ if is_resting => "resting after failures",
                Some(_) if failed => "unhealthy",
                Some(_) => "healthy",
                None => "not probed",
            };
            entry.insert("status".to_owned(), Value::from(status));
            if let Some(finding) = finding {
                entry.insert("probed_at".to_owned(), Value::from(finding.at_unix));
                entry.insert("probe_seconds".to_owned(), Value::from(finding.took.as_secs_f64()));
                if let Some(error) = finding.error {
                    entry.insert("error".to_owned(), Value::from(error));
                }
            }
            if failed || is_resting { &mut unhealthy } else { &mut healthy }.push(Value::Object(entry));
        }
    }
    let body = json!({
        "healthy_count": healthy.len(),
        "unhealthy_count": unhealthy.len(),
        "healthy_endpoints": healthy,
        "unhealthy_endpoints": unhealthy,
        "probes_left_out": left_out,
    });
    Ok(json_response(StatusCode::OK, body.to_string().into()))
}
