//! One place where a model runs: who serves it, under which name, and how much it can take.
//!
//! Owns what the operator says about a deployment. How it fares is in the
//! [`RouterState`](crate::RouterState).

use std::{fmt, sync::Arc, time::Duration};

use sagewire_types::Provider;

use crate::state::Limits;

/// A deployment of a model. Deployments of the same `model_name` share its calls.
///
/// ```
/// # use std::sync::Arc;
/// # use sagewire_types::Provider;
/// use sagewire_router::Deployment;
///
/// # fn build(provider: Arc<dyn Provider>) -> Deployment {
/// Deployment::new("llama", "sagemaker/llama-us-east-1", provider)
///     .with_id("llama-us-east-1")
///     .with_rpm(600)
///     .with_max_parallel_requests(8)
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Deployment {
    /// What logs, headers and errors call it, and its state is kept under: keep it the same from
    /// one configuration to the next. Empty until the router is built, which then makes it
    /// `<model_name>-<place in the group, from 1>`.
    pub id: String,
    /// The name under which callers ask for it. One `*` in it stands for any text, as in
    /// `sagemaker/*`.
    pub model_name: String,
    /// What its provider is asked for, such as `sagemaker/my-endpoint`. A `*` is replaced by what
    /// the `*` of `model_name` stood for.
    pub model: String,
    /// Who answers, with all that the operator sets for this deployment
    /// (`SageMaker::with_settings`).
    pub provider: Arc<dyn Provider>,
    /// Its share under [`Strategy::SimpleShuffle`](crate::Strategy::SimpleShuffle): 1 where others
    /// have one and it has none; with 0 it only gets what no other deployment can take.
    pub weight: Option<f64>,
    /// The most requests in any 60 seconds.
    pub rpm: Option<u64>,
    /// The most tokens, of prompts and answers, in 60 seconds.
    pub tpm: Option<u64>,
    /// The most calls at a time. A stream counts until it ends or is dropped.
    pub max_parallel_requests: Option<u32>,
    /// The longest one attempt may take; for a stream, until its first chunk.
    pub timeout: Option<Duration>,
    /// The same for streams, in place of `timeout`.
    pub stream_timeout: Option<Duration>,
    /// Its rank: a deployment is used only while none of a lower rank can be. Default: 0.
    pub order: u32,
    /// The longest prompt its model takes, in tokens; used where the settings enable pre-call
    /// checks.
    pub max_input_tokens: Option<u64>,
    /// How many retries a call has once this deployment has failed it, in place of the settings'
    /// `num_retries`.
    pub num_retries: Option<u32>,
    /// How many failures in a row it may have, in place of the settings' `allowed_fails`.
    pub allowed_fails: Option<u32>,
    /// How long it rests after too many failures, in place of the settings' `cooldown_time`; zero:
    /// it never rests.
    pub cooldown_time: Option<Duration>,
}

impl Deployment {
    /// A deployment without limits: `model_name` is what callers ask for, `model` what this
    /// provider is asked for.
    #[must_use]
    pub fn new(model_name: impl Into<String>, model: impl Into<String>, provider: Arc<dyn Provider>) -> Self {
        Self {
            id: String::new(),
            model_name: model_name.into(),
            model: model.into(),
            provider,
            weight: None,
            rpm: None,
            tpm: None,
            max_parallel_requests: None,
            timeout: None,
            stream_timeout: None,
            order: 0,
            max_input_tokens: None,
            num_retries: None,
            allowed_fails: None,
            cooldown_time: None,
        }
    }

    /// Sets what logs, headers and errors call it. It must tell nothing that callers may not know.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Sets its share among deployments of its model.
    #[must_use]
    pub fn with_weight(mut self, weight: f64) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Sets the most requests per minute.
    #[must_use]
    pub fn with_rpm(mut self, rpm: u64) -> Self {
        self.rpm = Some(rpm);
        self
    }

    /// Sets the most tokens per minute.
    #[must_use]
    pub fn with_tpm(mut self, tpm: u64) -> Self {
        self.tpm = Some(tpm);
        self
    }

    /// Sets the most calls at a time.
    #[must_use]
    pub fn with_max_parallel_requests(mut self, max_parallel_requests: u32) -> Self {
        self.max_parallel_requests = Some(max_parallel_requests);
        self
    }

    /// Sets the longest one attempt may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the longest a stream may take until its first chunk.
    #[must_use]
    pub fn with_stream_timeout(mut self, timeout: Duration) -> Self {
        self.stream_timeout = Some(timeout);
        self
    }

    /// Sets its rank; lower ranks are used first.
    #[must_use]
    pub fn with_order(mut self, order: u32) -> Self {
        self.order = order;
        self
    }

    /// Sets the longest prompt its model takes, in tokens.
    #[must_use]
    pub fn with_max_input_tokens(mut self, max_input_tokens: u64) -> Self {
        self.max_input_tokens = Some(max_input_tokens);
        self
    }

    /// Sets how many retries a call has once this deployment has failed it.
    #[must_use]
    pub fn with_num_retries(mut self, num_retries: u32) -> Self {
        self.num_retries = Some(num_retries);
        self
    }

    /// Sets how many failures in a row it may have.
    #[must_use]
    pub fn with_allowed_fails(mut self, allowed_fails: u32) -> Self {
        self.allowed_fails = Some(allowed_fails);
        self
    }

    /// Sets how long it rests after too many failures.
    #[must_use]
    pub fn with_cooldown_time(mut self, cooldown_time: Duration) -> Self {
        self.cooldown_time = Some(cooldown_time);
        self
    }

    /// How much it can take.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { rpm: self.rpm, tpm: self.tpm, max_parallel_requests: self.max_parallel_requests }
    }
}

impl fmt::Debug for Deployment {
    /// Leaves out the provider, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployment")
            .field("id", &self.id)
            .field("model_name", &self.model_name)
            .field("model", &self.model)
            .field("weight", &self.weight)
            .field("limits", &self.limits())
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}
