use std::num::NonZeroUsize;

use sagewire_credentials::Region;
use serde_json::json;

use super::*;
use crate::{DetailsPolicy, TemplateSource};

fn read(params: Value) -> Result<Settings, Error> {
    Settings::from_litellm_params(params.as_object().cloned().unwrap(), &World::builder().build())
}

#[test]
fn every_parameter_of_litellms_page_has_its_place_and_none_is_left_among_the_requests() {
    let settings = read(json!({
        "model": "sagemaker/jumpstart-dft-hf-textgeneration1-mp-20240815-185614",
        "aws_access_key_id": "AKIDEXAMPLE",
        "aws_secret_access_key": "the-canary",
        "aws_session_token": "the-canary",
        "aws_region_name": "eu-west-1",
        "model_id": "component",
        "hf_model_name": "meta-llama/Llama-2-7b",
        "sagemaker_base_url": "http://127.0.0.1:8080",
        "aws_sagemaker_allow_zero_temp": true,
        "temperature": 0.7, "top_p": 1, "top_k": 40, "max_tokens": 80,
        "drop_params": true,
        "timeout": 30, "num_retries": 1,
        "fake_stream": "true",
    }))
    .unwrap();
    assert!(settings.credentials.is_some());
    assert_eq!(settings.region.as_ref().map(Region::as_str), Some("eu-west-1"));
    assert_eq!(settings.headers.inference_component.as_deref(), Some("component"));
    assert_eq!(settings.hf_model_name.as_deref(), Some("meta-llama/Llama-2-7b"));
    assert_eq!((settings.zero_temperature(), settings.fake_stream, settings.max_attempts), (None, Some(true), Some(2)));
    assert_eq!(settings.timeouts.total, Some(Duration::from_secs(30)));
    assert!(settings.parameters.as_ref().unwrap().drop_params);
    let defaults = settings.defaults.as_ref().unwrap();
    assert_eq!(
        serde_json::to_value(&**defaults).unwrap(),
        json!({"model": "", "messages": [], "temperature": 0.7, "top_p": 1.0, "max_tokens": 80, "top_k": 40})
    );
    assert!(!format!("{settings:?} {settings:#?}").contains("the-canary"));
}

#[test]
fn a_wrong_type_names_the_parameter_and_never_its_value() {
    for (name, value) in [
        ("model_id", json!(["the-canary"])),
        ("aws_secret_access_key", json!({"k": "the-canary"})),
        ("aws_session_tags", json!("the-canary")),
        ("aws_region_name", json!("the-canary.example.com/")),
        ("aws_new_thing", json!("the-canary")),
        ("timeout", json!("the-canary")),
        ("extra_headers", json!({"x": ["the-canary"]})),
        ("drop_params", json!("the-canary")),
    ] {
        let error = read(json!({ name: value })).unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::Configuration, Some(name)), "{error}");
        if name != "aws_region_name" {
            assert!(!format!("{error} {error:?}").contains("the-canary"), "{error:?}");
        }
    }
}

#[test]
fn the_places_of_templates_have_names() {
    let settings =
        read(json!({"template_sources": ["catalog", "hf_cache"], "hub_access": "true", "hub_revision": "v2"})).unwrap();
    assert_eq!(settings.template_sources(), [TemplateSource::Catalog, TemplateSource::HuggingFaceCache]);
    assert_eq!((settings.hub_access, settings.hub_revision()), (Some(true), "v2"));
    assert_eq!(read(json!({"strict_chat_templates": true})).unwrap().strict_chat_templates, Some(true));
    assert_eq!(read(json!({})).unwrap().template_sources(), TemplateSource::ALL);
    let error = read(json!({"template_sources": ["catalogue"]})).unwrap_err();
    assert_eq!((error.kind(), error.param()), (ErrorKind::Configuration, Some("template_sources")), "{error}");
}

#[test]
fn what_is_null_or_blank_counts_as_not_given() {
    let settings =
        read(json!({"aws_access_key_id": "", "aws_region_name": null, "model_id": "", "timeout": null})).unwrap();
    assert!(settings.credentials.is_none() && settings.region.is_none());
    assert_eq!((settings.headers.inference_component, settings.timeouts.total), (None, None));
}

#[test]
fn a_region_alone_leaves_the_providers_credentials() {
    assert!(read(json!({"aws_region_name": "eu-west-1"})).unwrap().credentials.is_none());
}

#[test]
fn details_and_batches_are_settings_and_not_the_requests() {
    for (given, policy) in [
        (json!("auto"), DetailsPolicy::Auto),
        (json!(true), DetailsPolicy::Always),
        (json!("false"), DetailsPolicy::Never),
    ] {
        let params = json!({"details": given, "embedding_batch_size": 8, "embedding_concurrency": "2"});
        let settings = read(params).unwrap();
        assert_eq!(settings.details, Some(policy));
        assert_eq!(settings.embedding_batch_size.map(NonZeroUsize::get), Some(8));
        assert_eq!(settings.embedding_concurrency.map(NonZeroUsize::get), Some(2));
        assert!(settings.defaults.is_none());
    }
    for (name, value) in
        [("details", json!("maybe")), ("embedding_batch_size", json!(0)), ("embedding_concurrency", json!(-1))]
    {
        let error = read(json!({ name: value })).unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::Configuration, Some(name)));
    }
}
