//! What a configuration comes to, as JSON without a secret in it.
//!
//! Owns the form that `sagewire check` prints.

use std::time::Duration;

use sagewire_router::{FailurePolicy, FailureSort, RouterSettings};
use serde_json::{Map, Value, json};

use super::{
    CacheMode, CacheParams, CacheScope, Config, DeploymentConfig, DiscoverSettings, LitellmSettings, Parameters,
};

impl Config {
    /// What would be served, and how. Values of parameters that may be secret are left out.
    #[must_use]
    pub fn summary(&self) -> Value {
        let settings = &self.sagewire_settings;
        let limit = self.litellm_settings.request_timeout;
        let keys: Vec<Value> = settings
            .keys
            .iter()
            .map(|key| {
                compact(json!({
                    "name": key.name,
                    "models": key.models,
                    "rpm": key.rpm,
                    "tpm": key.tpm,
                    "token_budget": key.token_budget,
                    "budget_seconds": key.budget_duration.map(|duration| duration.as_secs()),
                    "expires": key.expires.map(|time| {
                        time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs()
                    }),
                }))
            })
            .collect();
        compact(json!({
            "deployments": self.deployments.iter().map(deployment).collect::<Vec<_>>(),
            "router": router(&self.router_settings),
            "master_key": self.general_settings.master_key.is_some(),
            "keys": keys,
            "drop_params": self.litellm_settings.drop_params,
            "cache": self.litellm_settings.cache.then(|| cache(&self.litellm_settings.cache_params)),
            "completion_model": self.general_settings.completion_model,
            "request_timeout": (limit != LitellmSettings::default().request_timeout).then(|| seconds(limit)),
            "discover": settings.discover.as_ref().map(discover),
            "coordination_redis": self.general_settings.coordination_redis.is_some(),
            "state_file": settings.state_file,
            "tls": settings.tls.is_some(),
        }))
    }
}

fn discover(settings: &DiscoverSettings) -> Value {
    compact(json!({
        "regions": settings.regions,
        "name_contains": settings.name_contains,
        "tag": settings.tag,
        "interval": seconds(settings.interval),
        "open_to_all_keys": settings.open_to_all_keys,
    }))
}

fn cache(params: &CacheParams) -> Value {
    compact(json!({
        "type": params.kind,
        "ttl": seconds(params.ttl),
        "for_all": params.scope == CacheScope::All,
        "on_demand": params.mode == CacheMode::DefaultOff,
        "supported_call_types": params.supported_call_types,
        "namespace": params.namespace,
        "max_bytes": params.max_bytes,
    }))
}

fn deployment(deployment: &DeploymentConfig) -> Value {
    let routing = &deployment.routing;
    let parameters: Map<String, Value> = deployment
        .parameters
        .iter()
        .map(|(name, value)| {
            let shown = if Parameters::is_secret(name) { Value::from("(set)") } else { value.clone() };
            (name.to_owned(), shown)
        })
        .collect();
    compact(json!({
        "id": deployment.id,
        "model_name": deployment.model_name,
        "model": deployment.model,
        "mode": deployment.mode.unwrap_or_default().as_str(),
        "parameters": parameters,
        "weight": routing.weight,
        "order": routing.order,
        "rpm": routing.rpm,
        "tpm": routing.tpm,
        "max_parallel_requests": routing.max_parallel_requests,
        "timeout": routing.timeout.map(seconds),
        "stream_timeout": routing.stream_timeout.map(seconds),
        "num_retries": routing.num_retries,
        "allowed_fails": routing.allowed_fails,
        "cooldown_time": routing.cooldown_time.map(seconds),
        "configurable_clientside_auth_params": routing.configurable_clientside_auth_params,
    }))
}

/// What differs from the defaults, and the strategy.
fn router(router: &RouterSettings) -> Value {
    let all = |router: &RouterSettings| {
        let aliases: Map<String, Value> = router
            .model_group_alias
            .iter()
            .map(|(alias, target)| (alias.clone(), Value::from(target.model_name.as_str())))
            .collect();
        let policies = router.model_group_retry_policy.iter();
        json!({
            "num_retries": router.num_retries,
            "retry_policy": policy(router.retry_policy),
            "model_group_retry_policy": policies.map(|(model, own)| (model.clone(), policy(*own))).collect::<Map<_, _>>(),
            "timeout": router.timeout.map(seconds),
            "stream_timeout": router.stream_timeout.map(seconds),
            "retry_after": seconds(router.retry_after),
            "queue_timeout": seconds(router.queue_timeout),
            "allowed_fails": router.allowed_fails,
            "allowed_fails_policy": policy(router.allowed_fails_policy),
            "cooldown_time": seconds(router.cooldown_time),
            "disable_cooldowns": router.disable_cooldowns,
            "max_fallbacks": router.max_fallbacks,
            "fallbacks": router.fallbacks,
            "default_fallbacks": router.default_fallbacks,
            "context_window_fallbacks": router.context_window_fallbacks,
            "model_group_alias": aliases,
            "enable_pre_call_checks": router.enable_pre_call_checks,
            "ignore_invalid_deployments": router.ignore_invalid_deployments,
            "default_max_parallel_requests": router.default_max_parallel_requests,
        })
    };
    let defaults = all(&RouterSettings::default());
    let mut changed = Map::from_iter([("routing_strategy".to_owned(), Value::from(router.strategy.as_str()))]);
    if let Value::Object(all) = all(router) {
        changed.extend(all.into_iter().filter(|(name, value)| defaults.get(name) != Some(value)));
    }
    Value::Object(changed)
}

fn policy(policy: FailurePolicy) -> Value {
    let named =
        FailureSort::ALL.into_iter().filter_map(|sort| Some((sort.as_str().to_owned(), policy.get(sort)?.into())));
    Value::Object(named.collect())
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// Without what says nothing: nulls, empty lists and mappings, and flags that are off.
fn compact(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    Value::Object(
        map.into_iter()
            .filter(|(_, value)| match value {
                Value::Null | Value::Bool(false) => false,
                Value::Array(items) => !items.is_empty(),
                Value::Object(map) => !map.is_empty(),
                _ => true,
            })
            .collect(),
    )
}
