//! `litellm_settings`: what holds for every call.

use std::time::Duration;

use sagewire_router::seconds::{self, Seconds};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer_cache::CacheParams;

/// Keys that `router_settings` has too. What `litellm_settings` says holds if `router_settings`
/// says nothing.
pub(super) const OF_THE_ROUTER: &[&str] = &[
    "num_retries",
    "allowed_fails",
    "cooldown_time",
    "fallbacks",
    "max_fallbacks",
    "default_fallbacks",
    "context_window_fallbacks",
];

/// Settings for every call. The same key in `router_settings` takes precedence.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LitellmSettings {
    /// Whether OpenAI parameters that a route cannot carry are left out instead of refused.
    /// Default: false.
    pub drop_params: bool,
    /// The time limit of a whole call, with all its retries and its stream. Default: 6000.
    #[serde(deserialize_with = "seconds::limit")]
    #[schemars(with = "Seconds")]
    pub request_timeout: Duration,
    /// Whether debug messages are logged. They hold no prompts. `router_settings.set_verbose` means
    /// the same. Default: false.
    pub set_verbose: bool,
    /// Whether the log is JSON, a line for each event. Default: false.
    pub json_logs: bool,
    /// Whether `/metrics` asks for a key. Default: false.
    pub require_auth_for_metrics_endpoint: bool,
    /// Whether the container receives the caller's W3C trace, as `traceparent=...` in the custom
    /// attributes, with `tracestate=...` as the last of them. Default: false.
    pub forward_traceparent_to_llm_provider: bool,
    /// Whether answers are cached and returned for identical requests. A cache stores prompts and
    /// answers at rest. Default: false.
    pub cache: bool,
    /// How answers are cached, if `cache` is true.
    pub cache_params: CacheParams,
}

impl Default for LitellmSettings {
    fn default() -> Self {
        Self {
            drop_params: false,
            request_timeout: Duration::from_secs(6000),
            set_verbose: false,
            json_logs: false,
            require_auth_for_metrics_endpoint: false,
            forward_traceparent_to_llm_provider: false,
            cache: false,
            cache_params: CacheParams::default(),
        }
    }
}
