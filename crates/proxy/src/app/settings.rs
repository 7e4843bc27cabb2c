//! What holds for every request, in one place and ready for use.

use std::time::Duration;

use crate::config::{CacheParams, Config, HealthCheckSettings, ResponseStoreSettings};

/// The settings that routes look at.
#[derive(Clone, Debug)]
pub(crate) struct AppSettings {
    pub(crate) request_timeout: Duration,
    pub(crate) default_model: Option<String>,
    pub(crate) always_include_usage: bool,
    pub(crate) keep_alive: Duration,
    pub(crate) expose_upstream: bool,
    pub(crate) expose_names: bool,
    pub(crate) log_prompts: bool,
    pub(crate) strict_tools: bool,
    pub(crate) response_store: Option<ResponseStoreSettings>,
    pub(crate) compression: bool,
    pub(crate) ui: bool,
    /// How answers are kept, if they are.
    pub(crate) cache: Option<CacheParams>,
    pub(crate) metrics_need_key: bool,
    pub(crate) health_check: HealthCheckSettings,
    pub(crate) background_health_checks: Option<Duration>,
}

impl AppSettings {
    pub(crate) fn from_config(config: &Config) -> Self {
        let own = &config.sagewire_settings;
        let general = &config.general_settings;
        Self {
            // LiteLLM's own default.
            request_timeout: config.litellm_settings.request_timeout,
            default_model: general.completion_model.clone(),
            always_include_usage: general.always_include_stream_usage,
            keep_alive: own.keep_alive_interval,
            expose_upstream: own.expose_upstream_errors,
            expose_names: own.expose_endpoint_names,
            log_prompts: own.log_prompts,
            strict_tools: own.strict_tools,
            response_store: own.response_store,
            compression: own.compression,
            ui: own.ui,
            cache: config.litellm_settings.cache.then(|| config.litellm_settings.cache_params.clone()),
            metrics_need_key: config.litellm_settings.require_auth_for_metrics_endpoint,
            health_check: own.health_check,
            background_health_checks: general.probe_interval(),
        }
    }
}

impl Default for AppSettings {
    fn default() -> Self {
        Self::from_config(&Config::default())
    }
}
