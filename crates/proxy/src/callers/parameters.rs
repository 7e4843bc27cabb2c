//! What a caller may say about how its call is carried, and what only the operator may.
//!
//! Owns taking these out of a request's body and head, so that no such parameter reaches a
//! container by accident.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use sagewire::sagemaker::{
    CallerIdentity, CallerParameters, IdSource,
    parameters::{self, InRequest},
};
use serde_json::{Map, Value};

use crate::{
    app::Model,
    callers::{Caller, Keyring},
    http::error::ApiError,
};

/// The parameters that stand in headers.
pub(crate) fn from_headers(headers: &HeaderMap) -> Result<CallerParameters, ApiError> {
    // Most requests have none of them.
    if !headers.keys().any(|name| name.as_str().starts_with("x-amzn-sagemaker-")) {
        return Ok(CallerParameters::default());
    }
    let text = |name: &'static str| match headers.get(name).map(HeaderValue::to_str) {
        Some(_) if headers.get_all(name).iter().nth(1).is_some() => Err(ApiError::duplicate_header(name)),
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value.to_owned())),
        Some(Err(_)) => {
            Err(ApiError::invalid(Some(name), format!("invalid value of the header `{name}`: expected plain text")))
        }
    };
    let mut parameters = CallerParameters::default();
    parameters.model_id = text("x-amzn-sagemaker-inference-component")?;
    parameters.session_id = text("x-amzn-sagemaker-session-id")?;
    parameters.target_model = text("x-amzn-sagemaker-target-model")?;
    parameters.target_variant = text("x-amzn-sagemaker-target-variant")?;
    parameters.target_container_hostname = text("x-amzn-sagemaker-target-container-hostname")?;
    parameters.inference_id = text("x-amzn-sagemaker-inference-id")?;
    Ok(parameters)
}

/// Who a caller is, as far as ids are derived from it. Its key is known by the key's name alone.
pub(crate) fn identity(
    sources: &[IdSource],
    caller: &Caller,
    keyring: &Keyring,
    headers: &HeaderMap,
) -> CallerIdentity {
    let mut identity = CallerIdentity::new();
    identity.key = Some(caller.name()).filter(|name| !name.is_empty()).map(str::to_owned);
    for source in sources {
        if let IdSource::Header(name) = source
            && keyring.header.as_ref() != Some(name)
            && let Some(value) = headers.get(name)
        {
            identity.headers.insert(name.clone(), value.clone());
        }
    }
    identity
}

/// Takes out of a body's further parameters what is not the container's. Gives the caller's own
/// time limit, if it sets one.
pub(crate) fn take_from(
    callers: &mut CallerParameters,
    extra: &mut Map<String, Value>,
    model: &Model,
) -> Result<Option<Duration>, ApiError> {
    if extra.is_empty() {
        return Ok(None);
    }
    let mut timeout = None;
    let mut kept = Map::new();
    for (name, value) in std::mem::take(extra) {
        match parameters::in_request(&name, &value) {
            InRequest::Passed => {
                kept.insert(name, value);
            }
            InRequest::Caller => take(callers, &name, value, &mut timeout)?,
            InRequest::Dropped(_) => {}
            InRequest::Listed if model.caller_parameters.contains(&name) => {
                callers.allowed.insert(name, value);
            }
            judged => return Err(ApiError::operator_parameter(&name, matches!(judged, InRequest::Listed))),
        }
    }
    *extra = kept;
    Ok(timeout)
}

/// Whether the caller chooses a part of what is called.
pub(crate) fn name_a_target(callers: &CallerParameters) -> bool {
    let names = [
        &callers.model_id,
        &callers.target_model,
        &callers.target_variant,
        &callers.target_container_hostname,
        &callers.session_id,
    ];
    names.into_iter().any(Option::is_some) || !callers.allowed.is_empty()
}

/// Takes a parameter that every caller may set.
fn take(
    callers: &mut CallerParameters,
    name: &str,
    value: Value,
    timeout: &mut Option<Duration>,
) -> Result<(), ApiError> {
    if value.is_null() {
        return Ok(());
    }
    let wrong = |kind: parameters::Kind| ApiError::invalid(Some(name), format!("`{name}` must be {kind}"));
    let parameter = parameters::find(name).ok_or_else(|| ApiError::operator_parameter(name, false))?;
    match (parameter.name(), value) {
        ("model_id", Value::String(id)) => callers.model_id = Some(id),
        ("timeout", value) => {
            let seconds = value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            *timeout = Some(seconds.ok_or_else(|| wrong(parameter.kind()))?);
        }
        _ => return Err(wrong(parameter.kind())),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        app::{ModelTable, ServedModel},
        callers::ExpectedOutputs,
        telemetry::Metrics,
    };

    fn take(
        body: Value,
        allowed: &[&str],
    ) -> Result<(CallerParameters, Map<String, Value>, Option<Duration>), ApiError> {
        let served = allowed.iter().fold(ServedModel::new("m"), |model, name| model.with_caller_parameter(*name));
        let table = ModelTable::new(vec![served], &Metrics::default(), &ExpectedOutputs::default());
        let Value::Object(mut extra) = body else { panic!("an object is needed") };
        let mut parameters = CallerParameters::default();
        let timeout = take_from(&mut parameters, &mut extra, table.find("m").unwrap())?;
        Ok((parameters, extra, timeout))
    }

    #[test]
    fn sampling_stays_and_the_rest_is_taken_out() {
        let body = json!({"top_k": 4, "model_id": "ic", "timeout": 1.5, "litellm_session_id": "x", "min_p": 0.1});
        let (parameters, extra, timeout) = take(body, &[]).unwrap();
        assert_eq!(Value::Object(extra).to_string(), r#"{"top_k":4,"min_p":0.1}"#);
        assert_eq!(parameters.model_id.as_deref(), Some("ic"));
        assert_eq!(timeout, Some(Duration::from_millis(1500)));
    }

    #[test]
    fn credentials_region_and_url_are_refused_unless_listed() {
        for name in [
            "aws_secret_access_key",
            "aws_region_name",
            "sagemaker_base_url",
            "api_base",
            "session_id",
            "headers",
            "roles",
            "dialect",
        ] {
            let error = take(json!({"top_k": 4, name: "hush"}), &[]).unwrap_err();
            let text = String::from_utf8(error.to_json()).unwrap();
            assert!(error.status() == 400 && text.contains(name) && !text.contains("hush"), "{text}");
            assert!(text.contains("configurable_clientside_auth_params"), "{text}");
            let (parameters, extra, _) = take(json!({"top_k": 4, name: "hush"}), &[name]).unwrap();
            assert_eq!(parameters.allowed[name], "hush");
            assert!(!extra.contains_key(name));
            assert!(!format!("{parameters:?} {parameters:#?}").contains("hush"));
        }
    }

    #[test]
    fn every_parameter_of_the_operators_is_refused() {
        for parameter in parameters::all() {
            let name = parameter.name();
            let refused = match take(json!({ name: "hush" }), &[]) {
                Ok(_) => false,
                Err(error) => String::from_utf8(error.to_json()).unwrap().contains("parameter_not_allowed"),
            };
            let expected =
                matches!(parameter.in_request(), InRequest::Listed | InRequest::Operator | InRequest::Nested);
            assert_eq!(refused, expected, "{name}");
        }
        for name in
            ["aws_new_thing", "sagemaker_new_thing", "litellm_params", "user_config", "guardrails", "rpm", "fallbacks"]
        {
            // Not even where it is listed, which is not advised.
            let error = take(json!({ name: "hush" }), &[name]).unwrap_err();
            let text = String::from_utf8(error.to_json()).unwrap();
            assert!(error.status() == 400 && !text.contains("configurable_clientside_auth_params"), "{text}");
        }
    }

    #[test]
    fn wrong_forms_are_named() {
        for body in [json!({"model_id": 7}), json!({"timeout": "soon"}), json!({"timeout": -1})] {
            assert_eq!(take(body, &[]).unwrap_err().status(), 400);
        }
    }
}
