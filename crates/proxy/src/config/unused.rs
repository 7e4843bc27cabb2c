//! Keys that LiteLLM knows and that have no effect here.
//!
//! Owns their names by section and the reason of each: a file of LiteLLM's is not refused for them.
//! The lists below `unused/` are written by `tests/litellm_keys/list.py` from LiteLLM's own models.

use std::{collections::HashSet, sync::LazyLock};

/// Keys of a section that share a reason.
#[derive(Debug)]
struct Group {
    reason: &'static str,
    /// The keys, between blanks.
    names: &'static str,
}

/// A section, by its path, and its keys without effect.
#[derive(Debug)]
struct Section {
    path: &'static str,
    groups: &'static [Group],
    /// LiteLLM's own list of the section's keys, one a line.
    litellms: &'static str,
}

/// The reason of the keys in LiteLLM's list that no group has.
const OTHERS: &str = "not supported";

/// The keys of the section of this path with their reasons: those of the groups, then those of
/// LiteLLM's list. Some of the latter may be ours.
pub(super) fn all(path: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let section = SECTIONS.iter().find(move |section| section.path == path);
    let grouped = section
        .into_iter()
        .flat_map(|section| section.groups)
        .flat_map(|group| group.names.split_whitespace().map(|name| (name, group.reason)));
    let listed = section.into_iter().flat_map(|section| section.litellms.lines());
    grouped.chain(
        listed.filter_map(move |name| Some((name, section?.reason(name)))).filter(|(_, reason)| *reason == OTHERS),
    )
}

/// Why this key of a section has no effect, if it is one of LiteLLM's. Only for keys that are not
/// ours.
pub(super) fn reason(path: &str, key: &str) -> Option<&'static str> {
    static LISTS: LazyLock<Vec<HashSet<&str>>> =
        LazyLock::new(|| SECTIONS.iter().map(|section| section.litellms.lines().collect()).collect());
    let (section, list) = SECTIONS.iter().zip(&*LISTS).find(|(section, _)| section.path == path)?;
    let reason = section.reason(key);
    (reason != OTHERS || list.contains(key)).then_some(reason)
}

impl Section {
    fn reason(&self, key: &str) -> &'static str {
        let group = self.groups.iter().find(|group| group.names.split_whitespace().any(|name| name == key));
        group.map_or(OTHERS, |group| group.reason)
    }
}

const fn group(reason: &'static str, names: &'static str) -> Group {
    Group { reason, names }
}

static SECTIONS: &[Section] = &[
    Section {
        path: "",
        litellms: "",
        groups: &[group(
            "sagewire serves models, not LiteLLM's other services",
            "agent_list assistant_settings callback_settings files_settings finetune_settings guardrails \
                 mcp_aliases mcp_servers policies policy_attachments prompts search_tools \
                 vector_store_registry",
        )],
    },
    Section {
        path: "general_settings",
        litellms: include_str!("unused/general_settings.txt"),
        groups: &[
            group(
                "sagewire keeps nothing in a database",
                "allow_requests_on_db_unavailable database_args database_connection_pool_limit \
                 database_connection_pool_timeout database_connection_timeout database_type database_url \
                 disable_adding_master_key_hash_to_db disable_error_logs disable_prisma_schema_update \
                 disable_reset_budget disable_spend_logs disable_spend_updates maximum_spend_logs_cleanup_cron \
                 maximum_spend_logs_retention_interval maximum_spend_logs_retention_period \
                 proxy_batch_polling_interval proxy_batch_write_at proxy_budget_rescheduler_max_time \
                 proxy_budget_rescheduler_min_time salt_key store_model_in_db store_prompts_in_spend_logs \
                 supported_db_objects use_redis_transaction_buffer use_shared_health_check",
            ),
            group(
                "set callers' keys in `sagewire_settings.keys`",
                "admin_only_routes allow_user_auth allowed_ips allowed_routes auto_redirect_ui_login_to_sso \
                 control_plane_url custom_auth custom_auth_settings custom_key_generate custom_sso \
                 custom_ui_sso_sign_in_handler default_team_disabled disable_master_key_return enable_jwt_auth \
                 enable_oauth2_auth enable_oauth2_proxy_auth enforce_user_param enforced_params \
                 infer_model_from_keys key_management_settings key_management_system litellm_jwtauth \
                 oauth2_config_mappings public_routes role_permissions service_account_settings ui_access_mode \
                 use_azure_key_vault use_google_kms use_x_forwarded_for user_api_key_cache_ttl \
                 user_header_mappings user_header_name",
            ),
            group(
                "a deployment lists what callers may set in `configurable_clientside_auth_params`",
                "allow_client_side_credentials",
            ),
            group(
                "set `sagewire_settings.health_check`",
                "health_check_concurrency health_check_details enable_health_check_routing \
                 health_check_staleness_threshold",
            ),
            group(
                "sagewire sends no alerts: watch `/metrics`",
                "alert_to_webhook_url alert_types alerting alerting_args alerting_threshold otel \
                 spend_report_frequency",
            ),
            group(
                "not supported",
                "custom_ui_logo default_mcp_semantic_filter fine_tuning forward_llm_provider_auth_headers \
                 image_generation_model moderation_model token_rate_limit_type ui_logo_path ui_theme_config \
                 use_client_credentials_pass_through_routes",
            ),
        ],
    },
    Section {
        path: "litellm_settings",
        litellms: include_str!("unused/litellm_settings.txt"),
        groups: &[
            group(
                "sagewire reports by logs and metrics, and calls no other services",
                "audit_log_callbacks callbacks datadog_params failure_callback langfuse_default_tags \
                 post_call_rules pre_call_rules redact_messages_in_exceptions redact_user_api_key_info \
                 s3_callback_params service_callback service_callbacks success_callback telemetry",
            ),
            group(
                "prompts and answers are logged only with `sagewire_settings.log_prompts`",
                "turn_off_message_logging global_disable_no_log_param",
            ),
            group(
                "every parameter of a request tells kept answers apart",
                "caching enable_caching_on_provider_specific_optional_params",
            ),
            group(
                "sagewire keeps no prices and no users: see `sagewire_settings.keys`",
                "budget_duration cost_discount_config cost_margin_config custom_prometheus_metadata_labels \
                 custom_prometheus_tags default_internal_user_params default_key_generate_params \
                 default_max_internal_user_budget default_team_params default_team_settings \
                 disable_end_user_cost_tracking disable_end_user_cost_tracking_prometheus_only \
                 enable_end_user_cost_tracking_prometheus_only include_cost_in_streaming_usage \
                 internal_user_budget_duration key_generation_settings max_budget max_end_user_budget \
                 max_end_user_budget_id max_internal_user_budget max_ui_session_budget max_user_budget \
                 priority_reservation priority_reservation_settings prometheus_initialize_budget_metrics \
                 prometheus_metrics_config public_model_groups public_model_groups_links tag_budget_config \
                 upperbound_key_generate_params",
            ),
            group(
                "certificates are always checked against the system's",
                "ssl_certificate ssl_security_level ssl_verify ssl_ecdh_curve",
            ),
            group(
                "not supported",
                "default_vertex_config guardrails headers image_generation_timeout \
                 max_string_length_prompt_in_db modify_params request_timeout_seconds retry",
            ),
        ],
    },
    Section {
        path: "litellm_settings.cache_params",
        litellms: "",
        groups: &[
            group(
                "answers are kept in memory or in Redis",
                "azure_account_url azure_blob_container disk_cache_dir gcs_bucket_name gcs_path \
                 gcs_path_service_account s3_api_version s3_aws_access_key_id s3_aws_secret_access_key \
                 s3_aws_session_token s3_bucket_name s3_config s3_endpoint_url s3_path s3_region_name s3_use_ssl s3_verify",
            ),
            group(
                "answers are found by the same request, word for word",
                "embedding_max_input_chars qdrant_api_base qdrant_api_key qdrant_collection_name \
                 qdrant_quantization_config qdrant_semantic_cache_embedding_model \
                 qdrant_semantic_cache_vector_size redis_semantic_cache_embedding_model \
                 redis_semantic_cache_index_name semantic_cache_embedding_max_chars similarity_threshold",
            ),
            group("set `ttl`", "default_in_memory_ttl default_in_redis_ttl"),
            group("set `max_bytes`", "max_size_in_memory"),
            group(
                "not supported",
                "aws_region_name aws_redis_iam_auth gcp_service_account gcp_ssl_ca_certs max_connections \
                 redis_flush_size sentinel_nodes sentinel_password service_name socket_timeout ssl_ca_certs \
                 ssl_cert_reqs ssl_certfile ssl_check_hostname ssl_keyfile",
            ),
        ],
    },
    Section {
        path: "router_settings",
        litellms: include_str!("unused/router_settings.txt"),
        groups: &[
            group("set `litellm_settings.cache`", "cache_kwargs cache_responses caching_groups client_ttl"),
            group("the database is part of `redis_url`", "redis_db"),
            group("not supported", "auto_routers"),
        ],
    },
    Section {
        path: "router_settings.retry_policy",
        litellms: "",
        groups: &[group("SageMaker has no such failure", "ContentPolicyViolationErrorRetries")],
    },
    Section {
        path: "router_settings.allowed_fails_policy",
        litellms: "",
        groups: &[group("SageMaker has no such failure", "ContentPolicyViolationErrorAllowedFails")],
    },
    Section {
        path: "model_list[]",
        litellms: "",
        groups: &[group("LiteLLM keeps it for its own database", "model_id")],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_without_effect_has_a_reason_in_its_own_section_alone() {
        for (path, key, expected) in [
            ("general_settings", "database_url", Some("sagewire keeps nothing in a database")),
            ("general_settings", "enable_claude_code_gateway", Some(OTHERS)),
            (
                "litellm_settings",
                "success_callback",
                Some("sagewire reports by logs and metrics, and calls no other services"),
            ),
            ("litellm_settings", "http2", Some(OTHERS)),
            ("router_settings", "redis_db", Some("the database is part of `redis_url`")),
            ("router_settings", "database_url", None),
            ("sagewire_settings", "http2", None),
        ] {
            assert_eq!(reason(path, key), expected, "{path}.{key}");
        }
    }
}
