//! What the caller of a shared gateway decides about its own call, as far as the operator lets it.
//!
//! Owns laying the caller's choices over the operator's settings, and whose mistake a wrong value is.

use std::fmt;

use sagewire_credentials::seam::World;
use sagewire_types::{CallContext, Error, ErrorKind};
use serde_json::{Map, Value};

use crate::Settings;

/// What a caller asks for beside the request itself, as an extension of the call's [`CallContext`]. A gateway fills it from the caller's
/// headers and body; which parameters a deployment takes from it is in [`Settings::caller_may_set`].
///
/// The headers are those of
/// [InvokeEndpoint](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html).
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct CallerParameters {
    /// `model_id` in the body, or `X-Amzn-SageMaker-Inference-Component`: which of the endpoint's models.
    pub model_id: Option<String>,
    /// `X-Amzn-SageMaker-Session-Id`: the stateful session.
    pub session_id: Option<String>,
    /// `X-Amzn-SageMaker-Target-Model`: which model of a multi-model endpoint.
    pub target_model: Option<String>,
    /// `X-Amzn-SageMaker-Target-Variant`: which production variant.
    pub target_variant: Option<String>,
    /// `X-Amzn-SageMaker-Target-Container-Hostname`: which container of a multi-container endpoint.
    pub target_container_hostname: Option<String>,
    /// `X-Amzn-SageMaker-Inference-Id`: an id that captured data is stored under.
    pub inference_id: Option<String>,
    /// The operator's parameters that the caller sets, by LiteLLM's names.
    pub allowed: Map<String, Value>,
}

/// Values may be credentials, so the names alone are shown.
impl fmt::Debug for CallerParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerParameters")
            .field("model_id", &self.model_id)
            .field("session_id", &self.session_id.is_some())
            .field("target_model", &self.target_model)
            .field("target_variant", &self.target_variant)
            .field("target_container_hostname", &self.target_container_hostname)
            .field("inference_id", &self.inference_id)
            .field("allowed", &self.allowed.keys().collect::<Vec<_>>())
            .finish()
    }
}

impl CallerParameters {
    /// The settings that the caller may set on a deployment. What another deployment would allow and this one does not is left out: a fallback
    /// may lead to one that allows less than the one that was asked for.
    ///
    /// # Errors
    /// `InvalidRequest` for a value that a parameter cannot have.
    pub(crate) fn settings(&self, may_set: &[String], world: &World) -> Result<Settings, Error> {
        let allowed: Map<String, Value> = self
            .allowed
            .iter()
            .filter(|(name, _)| may_set.contains(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut settings = if allowed.is_empty() {
            Settings::default()
        } else {
            Settings::from_litellm_params(allowed, world).map_err(as_callers_mistake)?
        };
        let headers = &mut settings.headers;
        for (own, callers) in [
            (&mut headers.inference_component, &self.model_id),
            (&mut headers.session_id, &self.session_id),
            (&mut headers.target_model, &self.target_model),
            (&mut headers.target_variant, &self.target_variant),
            (&mut headers.target_container_hostname, &self.target_container_hostname),
            (&mut headers.inference_id, &self.inference_id),
        ] {
            if let Some(value) = callers {
                *own = Some(value.clone());
            }
        }
        Ok(settings)
    }
}

/// The error of a call: a wrong value of a parameter that the caller has set is the caller's mistake, not the operator's.
pub(crate) fn attributed(error: Error, context: &CallContext) -> Error {
    let Some(caller) = context.get::<CallerParameters>() else { return error };
    let is_theirs = error.param().is_some_and(|param| caller.allowed.contains_key(param));
    if is_theirs && error.kind() == ErrorKind::Configuration { as_callers_mistake(error) } else { error }
}

fn as_callers_mistake(error: Error) -> Error {
    Error::invalid(error.param().unwrap_or("body").to_owned(), error.message().to_owned()).with_source(error)
}
