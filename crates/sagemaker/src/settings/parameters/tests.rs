use std::collections::HashSet;

use serde_json::json;

use super::*;

#[test]
fn no_name_means_two_parameters() {
    let mut names = HashSet::new();
    for parameter in all() {
        for name in parameter.aliases().iter().chain([&parameter.name]) {
            assert!(names.insert(*name), "{name}");
            assert_eq!(find(name).unwrap().name(), parameter.name());
            assert_eq!(without_effect(name), None);
        }
        assert!(parameter.meaning().ends_with('.'), "{}", parameter.name());
    }
}

#[test]
fn secrets_are_credentials_headers_and_custom_attributes() {
    let secret: Vec<_> = all().iter().filter(|parameter| parameter.is_secret()).map(Parameter::name).collect();
    assert_eq!(
        secret,
        [
            "aws_access_key_id",
            "aws_secret_access_key",
            "aws_session_token",
            "aws_web_identity_token",
            "customer_identity_token",
            "custom_attributes",
            "headers",
            "extra_headers"
        ]
    );
    for name in ["api_key", "s3_secret_access_key", "azure_password", "langfuse_secret"] {
        assert!(is_secret(name), "{name}");
    }
    assert!(!is_secret("max_tokens") && !is_secret("aws_region_name") && !is_secret("a_containers_secret"));
}

#[test]
fn a_setting_is_never_a_parameter_of_a_request_unless_containers_have_it_too() {
    let passed: Vec<_> = all()
        .iter()
        .filter(|parameter| parameter.effect() != Effect::Request && parameter.in_request() == InRequest::Passed)
        .map(Parameter::name)
        .collect();
    // The model is the request's own, and `details` is a parameter of text containers.
    assert_eq!(passed, ["model", "details"]);
}

#[test]
fn whole_families_are_the_operators() {
    for name in ["aws_new_thing", "sagemaker_new_thing", "aws_bedrock_project_id", "aws_batch_role_arn"] {
        assert_eq!(in_request(name, &json!("x")), InRequest::Operator, "{name}");
    }
    for name in ["top_k", "chat_template_kwargs", "guided_json", "AWS_REGION_NAME", "a_containers_own"] {
        assert_eq!(in_request(name, &json!("x")), InRequest::Passed, "{name}");
    }
}

#[test]
fn metadata_is_the_requests_in_openais_form_alone() {
    assert_eq!(in_request("metadata", &json!({"a": "b"})), InRequest::Passed);
    for value in [json!({"tags": ["a"]}), json!({"user": {"id": 1}}), json!("a")] {
        assert!(matches!(in_request("metadata", &value), InRequest::Dropped(_)), "{value}");
    }
}

#[test]
fn a_misspelt_name_is_recognized() {
    assert_eq!(nearest("aws_region_nmae"), Some("aws_region_name"));
    assert_eq!(nearest("something_else_entirely"), None);
}
