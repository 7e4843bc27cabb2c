//! How a router decides: everything that is not a property of one deployment.
//!
//! Owns the settings and their defaults, under the names of LiteLLM's `router_settings`. What a deployment can take is the
//! [`Deployment`](crate::Deployment)'s own.

use std::{collections::BTreeMap, time::Duration};

use sagewire_types::RetryConfig;

use crate::{FailurePolicy, Strategy};

/// How a router decides. Times are durations; LiteLLM's configuration gives them in seconds.
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
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RouterSettings {
    /// Which of the deployments that could take a call does. Default: [`Strategy::SimpleShuffle`].
    pub strategy: Strategy,
    /// How many retries a call has, all its deployments and model groups together. The first attempt in each model group is
    /// no retry, so a call makes at most `1 + num_retries + fallback groups` attempts. Default: 2.
    pub num_retries: u32,
    /// The same for sorts of failures: the sort of the latest failure says how many retries the call has in all. A sort with a number is
    /// retried although it would not be without one, a wrong request too. Default: names nothing.
    pub retry_policy: FailurePolicy,
    /// Model name to the policy that holds for its deployments, in place of `retry_policy` as a whole.
    pub model_group_retry_policy: BTreeMap<String, FailurePolicy>,
    /// How long a call may take with all its attempts; for a stream, until its first chunk. Default: as long as its
    /// [`CallContext`](sagewire_types::CallContext) allows.
    pub timeout: Option<Duration>,
    /// The same for streams, in place of `timeout`.
    pub stream_timeout: Option<Duration>,
    /// How many failures in a row, none older than a minute, a deployment may have; the next one starts its cooldown. Default: 3.
    pub allowed_fails: u32,
    /// The same for sorts of failures. A sort with a number is counted for itself, and is counted although it would not be without one. Default:
    /// names nothing.
    pub allowed_fails_policy: FailurePolicy,
    /// How long a deployment rests after too many failures; zero turns cooldowns off. Default: 5 seconds.
    pub cooldown_time: Duration,
    /// The least time to wait before the same deployment is asked again. Default: none beyond `retry`.
    pub retry_after: Duration,
    /// How long to wait before the same deployment is asked again. Default: [`RetryConfig::LAST_RESORT`].
    pub retry: RetryConfig,
    /// How long a call waits where every deployment has as many calls as its `max_parallel_requests`. Default: 60 seconds.
    pub queue_timeout: Duration,
    /// Model name to the models that answer in its place, in order, when it fails.
    pub fallbacks: BTreeMap<String, Vec<String>>,
    /// How many fallbacks a call may go through. Default: 5.
    pub max_fallbacks: u32,
    /// Model name to the models, with a larger context, that answer in its place when a request is too long for it.
    pub context_window_fallbacks: BTreeMap<String, Vec<String>>,
    /// The fallbacks of every model that has none of its own.
    pub default_fallbacks: Vec<String>,
    /// Other names of the models. An alias wins over a model of the same name.
    pub model_group_alias: BTreeMap<String, ModelGroupAlias>,
    /// Whether a deployment whose `max_input_tokens` a request seems to exceed is passed over. The length is an estimate: where
    /// no other deployment and no context-window fallback is left, the request is tried all the same. Default: off.
    pub enable_pre_call_checks: bool,
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
            retry_after: Duration::ZERO,
            retry: RetryConfig::LAST_RESORT,
            queue_timeout: Duration::from_secs(60),
            fallbacks: BTreeMap::new(),
            max_fallbacks: 5,
            context_window_fallbacks: BTreeMap::new(),
            default_fallbacks: Vec::new(),
            model_group_alias: BTreeMap::new(),
            enable_pre_call_checks: false,
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
