//! `GET /models`, `/models/{id}` and `/model/info`.
//!
//! Owns what callers see of the models. <https://platform.openai.com/docs/api-reference/models>

use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::Exchange;
use crate::{
    app::Model,
    config::Parameters,
    http::error::ApiError,
    http::response::{Body, json_response},
};

/// What OpenAI's shape asks for and nobody knows: LiteLLM gives the same.
const CREATED: u64 = 1_677_610_602;

pub(super) fn list(exchange: &Exchange) -> Response<Body> {
    let models: Vec<Value> = exchange
        .app
        .state()
        .models
        .iter()
        .filter(|model| !model.hidden && !model.is_wildcard() && exchange.caller.may_use(&model.name))
        .map(|model| described(&model.name))
        .collect();
    json_response(StatusCode::OK, json!({ "object": "list", "data": models }).to_string().into())
}

pub(super) fn one(exchange: &Exchange, id: &str) -> Result<Response<Body>, ApiError> {
    exchange
        .app
        .state()
        .models
        .find(id)
        .filter(|model| exchange.caller.may_use(id) || exchange.caller.may_use(&model.name))
        .map(|_| json_response(StatusCode::OK, described(id).to_string().into()))
        .ok_or_else(|| ApiError::unknown_model(id))
}

fn described(id: &str) -> Value {
    json!({ "id": id, "object": "model", "created": CREATED, "owned_by": "sagemaker" })
}

/// LiteLLM's shape: one entry for each deployment.
pub(super) fn info(exchange: &Exchange) -> Response<Body> {
    let state = exchange.app.state();
    let show_names = state.settings.expose_names;
    let entries: Vec<Value> = state
        .models
        .iter()
        .filter(|model| !model.hidden && !model.is_alias && exchange.caller.may_use(&model.name))
        .flat_map(|model| deployments(model, show_names))
        .collect();
    json_response(StatusCode::OK, json!({ "data": entries }).to_string().into())
}

fn deployments(model: &Model, show_names: bool) -> Vec<Value> {
    let entry = |info: Map<String, Value>, parameters: Map<String, Value>| json!({ "model_name": model.name, "litellm_params": parameters, "model_info": info });
    if model.deployments.is_empty() {
        let info = Map::from_iter([("mode".to_owned(), Value::from(model.mode.as_str()))]);
        return vec![entry(info, Map::new())];
    }
    model
        .deployments
        .iter()
        .map(|deployment| {
            let mut info = deployment.info.clone();
            info.insert("id".to_owned(), Value::from(deployment.id.as_str()));
            info.insert("mode".to_owned(), Value::from(deployment.mode.as_str()));
            let mut parameters = Map::new();
            if show_names {
                parameters.insert("model".to_owned(), Value::from(deployment.model.as_str()));
            }
            // Whatever is of AWS says where things are, or how to get at them.
            parameters.extend(
                deployment
                    .parameters
                    .iter()
                    .filter(|(name, _)| {
                        !Parameters::is_secret(name) && !name.starts_with("aws_") && !name.starts_with("sagemaker_")
                    })
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
            entry(info, parameters)
        })
        .collect()
}
