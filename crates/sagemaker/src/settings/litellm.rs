//! The parameters that LiteLLM knows and that have no effect here.
//!
//! Owns their names and the reason of each, so that none of them is mistaken for a parameter of a
//! container. `litellm/names.txt` is written by `crates/proxy/tests/litellm_keys/list.py` from
//! LiteLLM's own models.

use std::{collections::HashSet, sync::LazyLock};

use super::parameters::InRequest;

/// LiteLLM's own parameters, one a line: `LiteLLM_Params` and `all_litellm_params`.
static NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("litellm/names.txt").lines().collect());

/// Parameters without effect that share a reason.
#[derive(Debug)]
#[non_exhaustive]
pub struct Group {
    /// Why they have no effect, and what to use in their place.
    pub reason: &'static str,
    /// Their names. A `*` stands for any text.
    pub names: &'static [&'static str],
    /// What becomes of them in a request.
    request: Request,
}

#[derive(Clone, Copy, Debug)]
enum Request {
    Listed,
    Operator,
    Dropped,
}

/// The reason of the names in LiteLLM's list that no group has.
const OTHERS: &str = "it belongs to a service of LiteLLM that sagewire does not have";

/// The groups, each name in the first that has it.
#[must_use]
pub fn groups() -> &'static [Group] {
    GROUPS
}

static GROUPS: &[Group] = &[
    Group {
        reason: "calls of SageMaker are signed: use the `aws_*` parameters",
        names: &["api_key", "organization", "api_version"],
        request: Request::Listed,
    },
    Group {
        reason: "use `sagemaker_base_url`",
        names: &["api_base", "base_url", "aws_bedrock_runtime_endpoint"],
        request: Request::Listed,
    },
    Group { reason: "use `aws_region_name`", names: &["region_name"], request: Request::Listed },
    Group {
        reason: "use `roles`, `initial_prompt_value` and `final_prompt_value`",
        names: &["custom_prompt_dict"],
        request: Request::Listed,
    },
    Group {
        reason: "the prefix of `model` says which provider is meant",
        names: &["custom_llm_provider"],
        request: Request::Listed,
    },
    Group {
        reason: "it would choose another deployment, provider or answer than the operator's: use `model_list` and `router_settings`",
        names: &[
            "context_window_fallback_dict",
            "fallbacks",
            "litellm_params",
            "max_fallbacks",
            "mock_*",
            "model_config",
            "model_list",
            "retry_policy",
            "retry_strategy",
            "routing_strategy",
            "silent_model",
            "use_litellm_proxy",
            "user_config",
        ],
        request: Request::Operator,
    },
    Group {
        reason: "sagewire has no guardrails, and a request must not seem to be guarded",
        names: &["guardrails", "guardrail_config"],
        request: Request::Operator,
    },
    Group {
        reason: "sagewire limits requests and tokens a minute: use `rpm` and `tpm`",
        names: &[
            "itpm",
            "otpm",
            "rpd",
            "tpd",
            "daily_reset_time",
            "default_api_key_rpm_limit",
            "default_api_key_tpm_limit",
        ],
        request: Request::Operator,
    },
    Group {
        reason: "use `timeout` and `stream_timeout`",
        names: &["timeout_by_service_tier", "stream_timeout_by_service_tier", "client_side_timeout", "force_timeout"],
        request: Request::Operator,
    },
    Group {
        reason: "sagewire keeps no prices",
        names: &[
            "*_cost",
            "*_cost_*",
            "cost_per_*",
            "budget_duration",
            "max_budget",
            "tiered_pricing",
            "*_uplift_multiplier*",
        ],
        request: Request::Dropped,
    },
    Group {
        reason: "answers are kept as `litellm_settings.cache` says, for all deployments",
        names: &["cache", "cache_key", "caching", "caching_groups", "preset_cache_key", "ttl", "enable_prompt_caching"],
        request: Request::Dropped,
    },
    Group {
        reason: "sagewire logs no prompts unless `sagewire_settings.log_prompts` is set, and calls no logging services",
        names: &[
            "no-log",
            "turn_off_message_logging",
            "log_client_error_tracebacks",
            "logger_fn",
            "tags",
            "tag_regex",
            "arize_*",
            "dd_*",
            "humanloop_*",
            "langfuse_*",
            "langsmith_*",
            "newrelic_*",
            "posthog_*",
            "signoz_*",
            "wandb_*",
            "weave_*",
        ],
        request: Request::Dropped,
    },
    Group {
        reason: "it is a setting of another provider",
        names: &[
            "anthropic_*",
            "aws_batch_role_arn",
            "aws_bedrock_*",
            "azure",
            "azure_*",
            "bedrock_*",
            "bucket_name",
            "chatgpt_*",
            "client_id",
            "client_secret",
            "data_residency",
            "fireworks_*",
            "gcs_*",
            "github_copilot_*",
            "milvus_*",
            "openai_*",
            "s3_*",
            "tenant_id",
            "token_exchange_*",
            "use_xai_oauth",
            "valkey_*",
            "vector_store_id",
            "vertex_*",
            "watsonx_*",
        ],
        request: Request::Dropped,
    },
];

fn group(name: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| group.names.iter().any(|pattern| fits(pattern, name)))
}

/// Whether a name fits a pattern, in which each `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name
            .strip_prefix(start)
            .is_some_and(|name| (0..=name.len()).filter_map(|at| name.get(at..)).any(|end| fits(rest, end))),
    }
}

/// Why this parameter of LiteLLM's has no effect here; `None` if it has one, or is not LiteLLM's.
#[must_use]
pub fn without_effect(name: &str) -> Option<&'static str> {
    if super::parameters::find(name).is_some() || !is_litellms(name) {
        return None;
    }
    Some(group(name).map_or(OTHERS, |group| group.reason))
}

/// Whether LiteLLM has a parameter of this name. A pattern of a group is not enough:
/// `bedrock_thing` may be a container's.
fn is_litellms(name: &str) -> bool {
    NAMES.contains(name) || GROUPS.iter().any(|group| group.names.contains(&name))
}

/// What becomes of an entry of a request that is not in the table of parameters.
pub(super) fn in_request(name: &str) -> InRequest {
    const BOOK_KEEPING: &str = "LiteLLM's clients send it for LiteLLM's own book-keeping";
    let group = is_litellms(name).then(|| group(name));
    match group.map(|group| group.map(|group| (group.request, group.reason))) {
        Some(Some((Request::Listed, _))) => InRequest::Listed,
        Some(Some((Request::Operator, _))) => InRequest::Operator,
        _ if is_of_aws(name) => InRequest::Operator,
        Some(Some((Request::Dropped, reason))) => InRequest::Dropped(reason),
        Some(None) => InRequest::Dropped(BOOK_KEEPING),
        None if name.starts_with("litellm_") => InRequest::Dropped(BOOK_KEEPING),
        None => InRequest::Passed,
    }
}

/// Whether a name belongs to the families whose parameters are credentials, regions and URLs.
pub(super) fn is_of_aws(name: &str) -> bool {
    name.starts_with("aws_") || name.starts_with("sagemaker_")
}

/// Whether the value of a parameter that is not in the table may be a secret, by its name.
pub(super) fn is_secret(name: &str) -> bool {
    let ends = ["api_key", "password", "secret", "_token", "credentials", "access_key", "secret_key", "access_key_id"];
    without_effect(name).is_some() && ends.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests;
