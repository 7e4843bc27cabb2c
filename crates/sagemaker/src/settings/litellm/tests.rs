use super::*;
use crate::parameters::{all, find};

#[test]
fn each_of_litellms_parameters_is_served_or_has_a_reason() {
    assert!(NAMES.len() > 400, "{} names", NAMES.len());
    for name in &*NAMES {
        let served = find(name).is_some();
        assert!(served != without_effect(name).is_some(), "{name}");
    }
}

#[test]
fn none_of_litellms_parameters_reaches_a_container() {
    let names = NAMES.iter().copied().chain(GROUPS.iter().flat_map(|group| group.names).copied());
    for name in names.filter(|name| find(name).is_none()) {
        let name = name.replace('*', "x");
        // A pattern alone is no name of LiteLLM's.
        if without_effect(&name).is_some() {
            assert_ne!(in_request(&name), InRequest::Passed, "{name}");
        }
    }
    for name in ["litellm_session_id", "litellm_anything"] {
        assert!(matches!(in_request(name), InRequest::Dropped(_)), "{name}");
    }
}

#[test]
fn what_changes_where_a_request_goes_is_refused_and_book_keeping_is_left_out() {
    for name in ["api_base", "api_key", "base_url", "region_name", "custom_llm_provider"] {
        assert_eq!(in_request(name), InRequest::Listed, "{name}");
    }
    for name in ["litellm_params", "user_config", "fallbacks", "mock_response", "guardrails", "model_list"] {
        assert_eq!(in_request(name), InRequest::Operator, "{name}");
    }
    for name in ["cache", "tags", "no-log", "ttl", "litellm_metadata", "input_cost_per_token", "s3_bucket_name", "id"] {
        assert!(matches!(in_request(name), InRequest::Dropped(_)), "{name}");
    }
}

#[test]
fn reasons_are_those_of_the_first_group_that_fits() {
    for (name, reason) in [
        ("input_cost_per_token_above_128k_tokens", "sagewire keeps no prices"),
        ("cost_per_second", "sagewire keeps no prices"),
        ("itpm", "sagewire limits requests and tokens a minute: use `rpm` and `tpm`"),
        ("s3_bucket_name", "it is a setting of another provider"),
        ("adaptive_router_config", OTHERS),
    ] {
        assert_eq!(without_effect(name), Some(reason), "{name}");
    }
    assert_eq!(without_effect("top_k"), None);
    assert_eq!(without_effect("bedrock_of_a_container"), None);
}

#[test]
fn no_group_has_a_name_of_the_table() {
    for parameter in all() {
        assert!(group(parameter.name()).is_none(), "{}", parameter.name());
    }
}

#[test]
fn a_star_stands_for_any_text() {
    for (pattern, name) in [("s3_*", "s3_"), ("*_cost_*", "a_cost_b"), ("a*", "a"), ("*", ""), ("a", "a")] {
        assert!(fits(pattern, name), "{pattern} {name}");
    }
    for (pattern, name) in [("s3_*", "s3"), ("*_cost", "a_cost_b"), ("a", "ab")] {
        assert!(!fits(pattern, name), "{pattern} {name}");
    }
}
