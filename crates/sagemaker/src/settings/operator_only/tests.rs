use sagewire_types::ErrorKind;
use serde_json::json;

use super::*;
use crate::parameters::{InRequest, all};

fn take(parameters: &Value) -> Result<Map<String, Value>, Error> {
    let mut parameters = parameters.as_object().cloned().unwrap();
    take_out(&mut parameters).map(|()| parameters)
}

/// Every name that a request may not have: the table's, and those of LiteLLM's that change where a
/// request goes.
fn operators() -> Vec<&'static str> {
    let theirs = |in_request| matches!(in_request, InRequest::Caller | InRequest::Listed | InRequest::Operator);
    let table = all().iter().filter(|parameter| theirs(parameter.in_request()));
    let mut names: Vec<_> =
        table.flat_map(|parameter| parameter.aliases().iter().chain([&parameter.name])).copied().collect();
    names.extend(["aws_new_thing", "sagemaker_new_thing", "api_base", "api_key", "litellm_params", "user_config"]);
    names
}

#[test]
fn every_parameter_of_the_operators_is_refused_without_its_value() {
    let names = operators();
    assert!(
        names.len() > 60 && names.contains(&"session_id") && names.contains(&"timeout") && names.contains(&"headers")
    );
    for name in names {
        for parameters in [
            json!({ "top_k": 1, name: "the-canary" }),
            json!({ "extra_body": { name: "the-canary" } }),
            json!({ "extra_body": { "parameters": { name: "the-canary" } } }),
        ] {
            let error = take(&parameters).unwrap_err();
            assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some(name)), "{parameters}");
            assert!(!format!("{error} {error:?}").contains("the-canary"));
            assert!(!error.to_string().contains("Settings"), "{error}");
        }
        for container in ["litellm_params", "user_config"] {
            let error = take(&json!({ container: { name: "the-canary" } })).unwrap_err();
            assert_eq!(error.param(), Some(container));
        }
    }
}

#[test]
fn the_same_words_mean_nothing_inside_of_values() {
    for name in operators() {
        let inside = json!({ name: "x", "properties": { name: { "type": "string" } } });
        let parameters = json!({
            "metadata": { name: "x" },
            "chat_template_kwargs": inside,
            "functions": [{ "name": "f", "parameters": inside }],
            "guided_json": inside,
            "structured_outputs": { "json": inside },
            "extra_body": { "chat_template_kwargs": inside, "parameters": { "grammar": { "value": inside } } },
        });
        assert_eq!(Value::Object(take(&parameters).unwrap()), parameters);
    }
}

#[test]
fn book_keeping_of_litellms_clients_is_left_out_in_the_order_of_the_rest() {
    let parameters = json!({
        "top_k": 1, "cache": {"no-cache": true}, "litellm_session_id": "x", "tags": ["a"], "metadata": {"tags": ["a"]}, "min_p": 0.1,
        "extra_body": { "ttl": 1, "parameters": { "no-log": true, "typical_p": 0.5 } },
    });
    assert_eq!(
        Value::Object(take(&parameters).unwrap()).to_string(),
        r#"{"top_k":1,"min_p":0.1,"extra_body":{"parameters":{"typical_p":0.5}}}"#
    );
}

#[test]
fn the_reason_of_a_parameter_of_litellms_is_told() {
    let error = take(&json!({ "guardrails": ["pii"] })).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`guardrails` is not accepted in a request (sagewire has no guardrails, and a request must not seem to be guarded): it is set where the deployment is configured"
    );
}
