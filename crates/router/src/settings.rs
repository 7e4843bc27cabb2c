//! How a router decides: everything that is not a property of one deployment.
//!
//! Owns the settings and their defaults, under the names of LiteLLM's `router_settings`. What a
//! deployment can take is the [`Deployment`](crate::Deployment)'s own.

use std::{collections::BTreeMap, time::Duration};

use sagewire_types::RetryConfig;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    FailurePolicy, Strategy,
    seconds::{self, Seconds},
};

mod forms;

/// How calls are distributed over deployments, retried and moved to others. It reads LiteLLM's
/// `router_settings`, with times in seconds.
///
/// ```
/// use std::time::Duration;
/// use sagewire_router::{RouterSettings, Strategy};
///
/// let settings = RouterSettings::default()
///     .with_strategy(Strategy::LeastBusy)
///     .with_timeout(Duration::from_secs(30))
///     .with_fallbacks("llama-70b", ["llama-8b"]);
/// assert_eq!((settings.num_retries, settings.allowed_fails), (2, 3));
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RouterSettings {
    /// How one of several deployments is chosen. Default: `simple-shuffle`.
    #[serde(rename = "routing_strategy", deserialize_with = "forms::strategy")]
    #[schemars(schema_with = "forms::strategies")]
    pub strategy: Strategy,
    /// How many retries a call has, all its deployments and model groups together. The first
    /// attempt in each model group is not a retry, so a call makes at most `1 + num_retries +
    /// fallback groups` attempts. Default: 2.
    #[serde(alias = "max_retries")]
    pub num_retries: u32,
    /// The number of retries after a failure of a kind, in place of every `num_retries`: the kind
    /// of the latest failure says how many retries the call has in all. A kind with a number is
    /// retried even if it would not be without one. Kinds that are not named follow
    /// the table in docs/router.md.
    #[serde(deserialize_with = "forms::policy::<forms::Retries, _>")]
    #[schemars(with = "forms::Named<forms::Retries>")]
    pub retry_policy: FailurePolicy,
    /// For a model, its own `retry_policy`, in place of the other as a whole: `{model:
    /// {RateLimitErrorRetries: 3}}`.
    #[serde(deserialize_with = "forms::policies")]
    #[schemars(with = "BTreeMap<String, forms::Named<forms::Retries>>")]
    pub model_group_retry_policy: BTreeMap<String, FailurePolicy>,
    /// The time limit of a call with all its attempts; for a stream, until its first chunk.
    /// Default: that of the call's context.
    #[serde(deserialize_with = "seconds::optional_limit")]
    #[schemars(with = "Seconds")]
    pub timeout: Option<Duration>,
    /// The time limit until a stream's first chunk, in place of `timeout`.
    #[serde(deserialize_with = "seconds::optional_limit")]
    #[schemars(with = "Seconds")]
    pub stream_timeout: Option<Duration>,
    /// How many failures in a row, none older than a minute, a deployment may have; the next one
    /// starts its cooldown. Default: 3.
    pub allowed_fails: u32,
    /// The failures in a row before a cooldown, by their kind. A kind with a number is counted by
    /// itself, and is counted even if it would not be without one. Kinds that are not named are
    /// counted together, up to `allowed_fails`.
    #[serde(deserialize_with = "forms::policy::<forms::AllowedFails, _>")]
    #[schemars(with = "forms::Named<forms::AllowedFails>")]
    pub allowed_fails_policy: FailurePolicy,
    /// How long a deployment cools down after too many failures; 0: not at all. Default: 5.
    #[serde(deserialize_with = "seconds::deserialize")]
    #[schemars(with = "Seconds")]
    pub cooldown_time: Duration,
    /// Whether no deployment ever cools down, whatever its own `cooldown_time`. Default: false.
    pub disable_cooldowns: bool,
    /// The shortest wait before the same deployment is called again. Default: none beyond the
    /// back-off.
    #[serde(deserialize_with = "seconds::deserialize")]
    #[schemars(with = "Seconds")]
    pub retry_after: Duration,
    /// How long to wait before the same deployment is called again. Default:
    /// [`RetryConfig::LAST_RESORT`].
    #[serde(skip)]
    pub retry: RetryConfig,
    /// How long a call waits if every deployment has reached its `max_parallel_requests`.
    /// Default: 60.
    #[serde(deserialize_with = "seconds::deserialize")]
    #[schemars(with = "Seconds")]
    pub queue_timeout: Duration,
    /// For a model that fails, the models to call next: a list of `{model: [models]}`.
    #[serde(deserialize_with = "forms::fallbacks")]
    #[schemars(with = "serde_json::Value")]
    pub fallbacks: BTreeMap<String, Vec<String>>,
    /// How many fallbacks a call may go through. Default: 5.
    pub max_fallbacks: u32,
    /// For a request that is too long for a model, the models with a larger context to call next: a
    /// list of `{model: [models]}`.
    #[serde(deserialize_with = "forms::fallbacks")]
    #[schemars(with = "serde_json::Value")]
    pub context_window_fallbacks: BTreeMap<String, Vec<String>>,
    /// The models to call next for any model that fails and has no `fallbacks`.
    pub default_fallbacks: Vec<String>,
    /// Other names of models: `{alias: model}`, or `{alias: {model: name, hidden: true}}`. An alias
    /// wins over a model of the same name.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub model_group_alias: BTreeMap<String, ModelGroupAlias>,
    /// Whether a deployment is passed over if the request seems longer than its
    /// `model_info.max_input_tokens`. The length is an estimate: if no other deployment and no
    /// context-window fallback is left, the request is tried anyway. Default: false.
    pub enable_pre_call_checks: bool,
    /// Whether deployments that cannot be used are left out, with a warning, instead of refusing
    /// the whole configuration. Default: false.
    pub ignore_invalid_deployments: bool,
    /// The `max_parallel_requests` of deployments that do not set it.
    pub default_max_parallel_requests: Option<u32>,
}

impl Default for RouterSettings {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            num_retries: 2,
            retry_policy: FailurePolicy::new(),
            model_group_retry_policy: BTreeMap::new(),
            timeout: None,
            stream_timeout: None,
            allowed_fails: 3,
            allowed_fails_policy: FailurePolicy::new(),
            cooldown_time: Duration::from_secs(5),
            disable_cooldowns: false,
            retry_after: Duration::ZERO,
            retry: RetryConfig::LAST_RESORT,
            queue_timeout: Duration::from_secs(60),
            fallbacks: BTreeMap::new(),
            max_fallbacks: 5,
            context_window_fallbacks: BTreeMap::new(),
            default_fallbacks: Vec::new(),
            model_group_alias: BTreeMap::new(),
            enable_pre_call_checks: false,
            ignore_invalid_deployments: false,
            default_max_parallel_requests: None,
        }
    }
}

impl RouterSettings {
    /// Sets which of the deployments that could take a call does.
    #[must_use]
    pub fn with_strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Sets how many retries a call has.
    #[must_use]
    pub fn with_num_retries(mut self, num_retries: u32) -> Self {
        self.num_retries = num_retries;
        self
    }

    /// Sets how many retries a call has after failures of these sorts.
    #[must_use]
    pub fn with_retry_policy(mut self, policy: FailurePolicy) -> Self {
        self.retry_policy = policy;
        self
    }

    /// Sets how many retries a call has after failures of these sorts at this model's deployments.
    #[must_use]
    pub fn with_model_group_retry_policy(mut self, model_name: impl Into<String>, policy: FailurePolicy) -> Self {
        self.model_group_retry_policy.insert(model_name.into(), policy);
        self
    }

    /// Sets how many failures of these sorts in a row a deployment may have.
    #[must_use]
    pub fn with_allowed_fails_policy(mut self, policy: FailurePolicy) -> Self {
        self.allowed_fails_policy = policy;
        self
    }

    /// Sets how many fallbacks a call may go through.
    #[must_use]
    pub fn with_max_fallbacks(mut self, max_fallbacks: u32) -> Self {
        self.max_fallbacks = max_fallbacks;
        self
    }

    /// Sets how long a call may take with all its attempts.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how long a stream may take until its first chunk.
    #[must_use]
    pub fn with_stream_timeout(mut self, timeout: Duration) -> Self {
        self.stream_timeout = Some(timeout);
        self
    }

    /// Sets how many failures in a row a deployment may have.
    #[must_use]
    pub fn with_allowed_fails(mut self, allowed_fails: u32) -> Self {
        self.allowed_fails = allowed_fails;
        self
    }

    /// Sets how long a deployment rests after too many failures.
    #[must_use]
    pub fn with_cooldown_time(mut self, cooldown_time: Duration) -> Self {
        self.cooldown_time = cooldown_time;
        self
    }

    /// Sets the least time to wait before the same deployment is asked again.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// Sets how long to wait before the same deployment is asked again.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryConfig) -> Self {
        self.retry = retry;
        self
    }

    /// Sets how long a call waits for a place.
    #[must_use]
    pub fn with_queue_timeout(mut self, queue_timeout: Duration) -> Self {
        self.queue_timeout = queue_timeout;
        self
    }

    /// Sets the models that answer in place of this one, in order.
    #[must_use]
    pub fn with_fallbacks<T: Into<String>>(
        mut self,
        model_name: impl Into<String>,
        fallbacks: impl IntoIterator<Item = T>,
    ) -> Self {
        self.fallbacks.insert(model_name.into(), fallbacks.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the models with a larger context that answer in place of this one, in order.
    #[must_use]
    pub fn with_context_window_fallbacks<T: Into<String>>(
        mut self,
        model_name: impl Into<String>,
        fallbacks: impl IntoIterator<Item = T>,
    ) -> Self {
        self.context_window_fallbacks.insert(model_name.into(), fallbacks.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the fallbacks of every model that has none of its own.
    #[must_use]
    pub fn with_default_fallbacks<T: Into<String>>(mut self, fallbacks: impl IntoIterator<Item = T>) -> Self {
        self.default_fallbacks = fallbacks.into_iter().map(Into::into).collect();
        self
    }

    /// Adds another name of a model.
    #[must_use]
    pub fn with_alias(mut self, alias: impl Into<String>, target: impl Into<ModelGroupAlias>) -> Self {
        self.model_group_alias.insert(alias.into(), target.into());
        self
    }

    /// Turns the check of a request's length on or off.
    #[must_use]
    pub fn with_pre_call_checks(mut self, enable: bool) -> Self {
        self.enable_pre_call_checks = enable;
        self
    }
}

/// What an alias stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelGroupAlias {
    /// The model's name.
    pub model_name: String,
    /// Whether the alias is left out of the list of models.
    pub hidden: bool,
}

impl<T: Into<String>> From<T> for ModelGroupAlias {
    fn from(model_name: T) -> Self {
        Self { model_name: model_name.into(), hidden: false }
    }
}
