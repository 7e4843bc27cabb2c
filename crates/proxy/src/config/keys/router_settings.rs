//! The keys of `router_settings`: how calls are spread over deployments, repeated and moved.

use super::super::table::{Kind, Table, Unknown, key};

pub(in super::super) static ROUTER_SETTINGS: Table = Table {
    meaning: "How calls are spread over deployments, repeated and moved to others.",
    keys: &[
        key(
            "routing_strategy",
            Kind::Choice(&[
                "simple-shuffle",
                "least-busy",
                "latency-based-routing",
                "usage-based-routing",
                "usage-based-routing-v2",
            ]),
            "How one of several deployments is chosen. Default: `simple-shuffle`.",
        ),
        key(
            "num_retries",
            Kind::Count,
            "How often a failed call is tried again, on another deployment first. Default: 2.",
        ),
        key("max_retries", Kind::Count, "The same; `num_retries` wins."),
        key(
            "retry_policy",
            Kind::One(&RETRY_POLICY),
            "How often a call is tried again after failures of these sorts, in place of every `num_retries`.",
        ),
        key(
            "model_group_retry_policy",
            Kind::Mapping,
            "For a model, its own `retry_policy`: `{model: {RateLimitErrorRetries: 3}}`.",
        ),
        key(
            "timeout",
            Kind::Seconds,
            "How long a whole call may take, with all its attempts; a stream, until its first chunk.",
        ),
        key("stream_timeout", Kind::Seconds, "How long a stream may take to its first piece."),
        key("retry_after", Kind::Seconds, "The shortest wait before a call is tried again on the same deployment."),
        key(
            "allowed_fails",
            Kind::Count,
            "How many failures in a row, within a minute, a deployment may have; the next one sends it to rest. Default: 3.",
        ),
        key(
            "allowed_fails_policy",
            Kind::One(&ALLOWED_FAILS_POLICY),
            "The same for failures of these sorts, each counted for itself.",
        ),
        key("cooldown_time", Kind::Seconds, "How long a failing deployment rests. Default: 5."),
        key("disable_cooldowns", Kind::Flag, "Whether no deployment ever rests."),
        key("fallbacks", Kind::Any, "For a model that fails, the models to ask next: a list of `{model: [models]}`."),
        key("default_fallbacks", Kind::Texts, "The models to ask next for any model that fails."),
        key("max_fallbacks", Kind::Count, "How many fallbacks a call may go through. Default: 5."),
        key(
            "context_window_fallbacks",
            Kind::Any,
            "For a prompt that is too long, the models to ask next: a list of `{model: [models]}`.",
        ),
        key(
            "model_group_alias",
            Kind::Mapping,
            "Other names of models: `{alias: model}`, or `{alias: {model: name, hidden: true}}`.",
        ),
        key(
            "enable_pre_call_checks",
            Kind::Flag,
            "Whether a deployment whose `rpm` or `tpm` the call would exceed is passed over.",
        ),
        key(
            "default_max_parallel_requests",
            Kind::Count,
            "How many requests at once each deployment takes that does not say so itself.",
        ),
        key("set_verbose", Kind::Flag, "Whether debug messages are logged."),
    ],
    ignored: &[
        (
            "counters and cooldowns are kept in the process",
            &[
                "cache_kwargs",
                "cache_responses",
                "caching_groups",
                "client_ttl",
                "redis_db",
                "redis_host",
                "redis_password",
                "redis_port",
                "redis_ssl",
                "redis_url",
                "redis_username",
            ],
        ),
        (
            "this router has nothing like it",
            &[
                "alerting_config",
                "assistants_config",
                "auto_routers",
                "content_policy_fallbacks",
                "debug_level",
                "default_litellm_params",
                "default_priority",
                "deployment_affinity_ttl_seconds",
                "enable_health_check_routing",
                "enable_tag_filtering",
                "guardrail_list",
                "health_check_ignore_transient_errors",
                "health_check_staleness_threshold",
                "ignore_invalid_deployments",
                "model_group_affinity_config",
                "model_list",
                "optional_pre_call_checks",
                "polling_interval",
                "provider_budget_config",
                "router_general_settings",
                "routing_groups",
                "routing_strategy_args",
                "search_tools",
                "tag_filtering_match_any",
            ],
        ),
    ],
    unknown: Unknown::Refused,
};

pub(in super::super) static RETRY_POLICY: Table = Table {
    meaning: "How often a call is tried again, by the sort of its latest failure. A sort that is not named follows the table in docs/router.md.",
    keys: &[
        key(
            "BadRequestErrorRetries",
            Kind::Count,
            "After this: a request that is at fault; it is tried again only where this says so.",
        ),
        key(
            "AuthenticationErrorRetries",
            Kind::Count,
            "After this: credentials that are wrong or not allowed to do this.",
        ),
        key("TimeoutErrorRetries", Kind::Count, "After this: no answer in time."),
        key("RateLimitErrorRetries", Kind::Count, "After this: 429, of AWS or of the container."),
        key("NotFoundErrorRetries", Kind::Count, "After this: an endpoint that does not exist."),
        key("ServiceUnavailableErrorRetries", Kind::Count, "After this: 503, or a model that is not ready."),
        key("BadGatewayErrorRetries", Kind::Count, "After this: 502."),
        key(
            "InternalServerErrorRetries",
            Kind::Count,
            "After this: every other failure of the service, the container or the connection.",
        ),
    ],
    ignored: &[("SageMaker has no such failure", &["ContentPolicyViolationErrorRetries"])],
    unknown: Unknown::Refused,
};

pub(in super::super) static ALLOWED_FAILS_POLICY: Table = Table {
    meaning: "How many failures of each sort in a row a deployment may have; the next one sends it to rest. Sorts that are not named are counted together, up to `allowed_fails`.",
    keys: &[
        key(
            "BadRequestErrorAllowedFails",
            Kind::Count,
            "Of this: a request that is at fault; it is tried again only where this says so.",
        ),
        key(
            "AuthenticationErrorAllowedFails",
            Kind::Count,
            "Of this: credentials that are wrong or not allowed to do this.",
        ),
        key("TimeoutErrorAllowedFails", Kind::Count, "Of this: no answer in time."),
        key("RateLimitErrorAllowedFails", Kind::Count, "Of this: 429, of AWS or of the container."),
        key("NotFoundErrorAllowedFails", Kind::Count, "Of this: an endpoint that does not exist."),
        key("ServiceUnavailableErrorAllowedFails", Kind::Count, "Of this: 503, or a model that is not ready."),
        key("BadGatewayErrorAllowedFails", Kind::Count, "Of this: 502."),
        key(
            "InternalServerErrorAllowedFails",
            Kind::Count,
            "Of this: every other failure of the service, the container or the connection.",
        ),
    ],
    ignored: &[("SageMaker has no such failure", &["ContentPolicyViolationErrorAllowedFails"])],
    unknown: Unknown::Refused,
};
