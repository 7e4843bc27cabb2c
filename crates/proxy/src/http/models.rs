//! `GET /models`, `/models/{id}` and `/model/info`.
//!
//! Owns what callers see of the models. <https://platform.openai.com/docs/api-reference/models>

use http::{Response, StatusCode};
use sagewire_api::messages::{ModelInfo, ModelPage};
use serde_json::{Map, Value, json};

use super::{
    Exchange,
    error::{ApiError, ErrorForm},
    openapi::schema,
    response::{Body, json_response},
    route::{Access, Answer, Paths, Route, Verb},
};
use crate::app::Model;

/// The parameters of a deployment that its callers may know: how it samples and what it may cost.
/// Everything else may say where things are, or how to get at them, and what only a container knows
/// may be a password.
const SHOWN_PARAMETERS: &[&str] = &[
    "temperature",
    "top_p",
    "top_k",
    "n",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "seed",
    "dimensions",
    "encoding_format",
    "reasoning_effort",
    "response_format",
    "parallel_tool_calls",
    "drop_params",
    "timeout",
    "stream_timeout",
    "num_retries",
    "max_retries",
    "max_input_tokens",
    "rpm",
    "tpm",
    "max_parallel_requests",
    "input_cost_per_token",
    "output_cost_per_token",
];

pub(super) const LIST: Route = Route {
    name: "models",
    method: Verb::Get,
    paths: Paths::Versioned("/models"),
    access: Access::Key,
    operation: None,
    summary: "The models that the key may use.",
    request: None,
    answer: Answer::Json(list_schema),
    handler: |exchange| Box::pin(std::future::ready(Ok(list(exchange)))),
};

pub(super) const ONE: Route = Route {
    name: "models",
    method: Verb::Get,
    paths: Paths::Versioned("/models/{*id}"),
    access: Access::Key,
    operation: None,
    summary: "One model.",
    request: None,
    answer: Answer::Json(one_schema),
    handler: |exchange| Box::pin(std::future::ready(one(exchange))),
};

pub(super) const INFO: Route = Route {
    name: "model_info",
    method: Verb::Get,
    paths: Paths::Versioned("/model/info"),
    access: Access::Key,
    operation: None,
    summary: "The deployments behind the models.",
    request: None,
    answer: Answer::Json(info_schema),
    handler: |exchange| Box::pin(std::future::ready(Ok(info(exchange)))),
};

/// What OpenAI's shape requires and the proxy does not know: LiteLLM gives the same.
const CREATED: u64 = 1_677_610_602;

fn list(exchange: &Exchange) -> Response<Body> {
    let models = exchange
        .state
        .models
        .iter()
        .filter(|model| !model.hidden && !model.is_wildcard() && exchange.caller.may_use(model, &model.name));
    if is_anthropic(exchange) {
        let page = ModelPage::new(models.map(|model| model.name.as_str()));
        return json_response(StatusCode::OK, json!(page).to_string().into());
    }
    let models: Vec<Value> = models.map(|model| described(&model.name, model)).collect();
    json_response(StatusCode::OK, json!({ "object": "list", "data": models }).to_string().into())
}

fn one(exchange: &Exchange) -> Result<Response<Body>, ApiError> {
    let id = exchange.parameter.as_deref().unwrap_or_default();
    exchange
        .state
        .models
        .find(id)
        .filter(|model| exchange.caller.may_use(model, id))
        .map(|model| if is_anthropic(exchange) { json!(ModelInfo::new(id)) } else { described(id, model) })
        .map(|model| json_response(StatusCode::OK, model.to_string().into()))
        .ok_or_else(|| ApiError::unknown_model(id))
}

/// Whether the caller speaks Anthropic's API: <https://docs.anthropic.com/en/api/models-list>
fn is_anthropic(exchange: &Exchange) -> bool {
    ErrorForm::of(None, &exchange.head.headers) == ErrorForm::Anthropic
}

/// A model in OpenAI's form; of one that was found in the account, what is known of it too.
fn described(id: &str, model: &Model) -> Value {
    let mut described = json!({ "id": id, "object": "model", "created": CREATED, "owned_by": "sagemaker" });
    if let (Value::Object(fields), true, Some(deployment)) = (&mut described, model.is_found, model.deployments.first())
    {
        let mut info = deployment.info.clone();
        info.shift_remove("reasons");
        fields.insert("model_info".to_owned(), Value::Object(info));
    }
    described
}

/// LiteLLM's shape: one entry for each deployment.
fn info(exchange: &Exchange) -> Response<Body> {
    let state = &exchange.state;
    let show_names = state.settings.expose_names;
    let entries: Vec<Value> = state
        .models
        .iter()
        .filter(|model| !model.hidden && !model.is_alias && exchange.caller.may_use(model, &model.name))
        .flat_map(|model| deployments(model, show_names))
        .collect();
    json_response(StatusCode::OK, json!({ "data": entries }).to_string().into())
}

fn deployments(model: &Model, show_names: bool) -> Vec<Value> {
    let entry = |info: Map<String, Value>, parameters: Map<String, Value>| json!({ "model_name": model.name, "litellm_params": parameters, "model_info": info });
    if model.deployments.is_empty() {
        let info = Map::from_iter([("mode".to_owned(), Value::from(model.mode.unwrap_or_default().as_str()))]);
        return vec![entry(info, Map::new())];
    }
    model
        .deployments
        .iter()
        .map(|deployment| {
            let mut info = deployment.info.clone();
            info.insert("id".to_owned(), Value::from(deployment.id.as_str()));
            info.insert("mode".to_owned(), Value::from(deployment.mode.unwrap_or_default().as_str()));
            let mut parameters = Map::new();
            if show_names {
                parameters.insert("model".to_owned(), Value::from(deployment.model.as_str()));
            }
            for name in SHOWN_PARAMETERS {
                if let Some(value) = deployment.parameters.get(*name) {
                    parameters.insert((*name).to_owned(), value.clone());
                }
            }
            entry(info, parameters)
        })
        .collect()
}

fn list_schema() -> Value {
    json!({
        "type": "object",
        "required": ["object", "data"],
        "properties": { "object": { "const": "list" }, "data": { "type": "array", "items": one_schema() } },
    })
}

fn one_schema() -> Value {
    json!({
        "type": "object",
        "required": ["id", "object", "created", "owned_by"],
        "properties": {
            "id": schema::text(), "object": { "const": "model" }, "created": schema::count(), "owned_by": schema::text(), "model_info": { "type": "object" },
        },
    })
}

fn info_schema() -> Value {
    json!({
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["model_name", "litellm_params", "model_info"],
                    "properties": {
                        "model_name": schema::text(), "litellm_params": { "type": "object" }, "model_info": { "type": "object" },
                    },
                },
            },
        },
    })
}
