//! What the caller of a shared gateway decides about its own call, as far as the operator lets it.
//!
//! Owns laying the caller's choices over the operator's settings, and whose mistake a wrong value
//! is.

use std::fmt;

use sagewire_credentials::seam::World;
use sagewire_types::{CallContext, Error, ErrorKind, Extension};
use serde_json::{Map, Value};

use crate::{Settings, reply::secrets::CUSTOM_ATTRIBUTES, request::attributes::choose_route};

/// What a caller asks for beside the request itself, as an extension of the call's [`CallContext`].
/// A gateway fills it from the caller's headers and body; which parameters a deployment takes from
/// it is in [`Settings::caller_may_set`].
///
/// The headers are those of
/// [InvokeEndpoint](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html).
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct CallerParameters {
    /// `model_id` in the body, or `X-Amzn-SageMaker-Inference-Component`: which of the endpoint's
    /// models.
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

impl Extension for CallerParameters {}

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
    /// Whether the caller sets this parameter of the operator's, and may.
    fn sets(&self, name: &str, settings: &Settings) -> bool {
        let may_set = settings.caller_may_set.as_deref().unwrap_or_default();
        self.allowed.contains_key(name) && may_set.iter().any(|allowed| allowed == name)
    }

    /// The settings that the caller may set on a deployment. What another deployment would allow
    /// and this one does not is left out: a fallback may lead to one that allows less than the
    /// one that was asked for.
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
        let in_header = settings.extra_headers.get(&CUSTOM_ATTRIBUTES).map(|value| value.to_str().unwrap_or_default());
        let attributes = settings.headers.custom_attributes.as_deref().into_iter().chain(in_header);
        if attributes.into_iter().any(choose_route) {
            return Err(Error::invalid(
                "custom_attributes",
                "`custom_attributes` must not choose a route (`route=`); ask for the route itself",
            ));
        }
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

/// The error of a call, attributed to the caller where its own choice led to it: it does not count
/// against the deployment, and a wrong value of a parameter that the caller has set is not the
/// operator's mistake.
pub(crate) fn attributed(error: Error, context: &CallContext, settings: &Settings) -> Error {
    let Some(caller) = context.get::<CallerParameters>() else { return error };
    if error.kind() == ErrorKind::Configuration && error.param().is_some_and(|name| caller.sets(name, settings)) {
        return as_callers_mistake(error).with_callers_choice();
    }
    Choice::of(context, settings).attribute(error)
}

/// What a caller chose of where its call goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Keys, a region or a URL of its own.
    access: bool,
    /// A component, a model, a variant or a container of the endpoint.
    model: bool,
    session: bool,
}

impl Choice {
    pub(crate) fn of(context: &CallContext, settings: &Settings) -> Self {
        let Some(caller) = context.get::<CallerParameters>() else { return Self::default() };
        let models =
            [&caller.model_id, &caller.target_model, &caller.target_variant, &caller.target_container_hostname];
        Self {
            access: caller.allowed.keys().any(|name| caller.sets(name, settings)),
            model: models.into_iter().any(Option::is_some),
            session: caller.session_id.is_some(),
        }
    }

    /// Marks an error that may follow from the choice, before or after an answer has begun.
    pub(crate) fn attribute(self, error: Error) -> Error {
        use ErrorKind::{Decode, ModelFailed, ModelNotReady, NotFound, Overloaded, Permission, StreamBroken, Timeout};
        let may_follow = match error.kind() {
            NotFound | ModelNotReady | Permission => self.model || self.session,
            // A model that fails says nothing about the others of its endpoint.
            Decode | ModelFailed | Overloaded | StreamBroken | Timeout => self.model,
            _ => false,
        };
        if self.access || may_follow { error.with_callers_choice() } else { error }
    }
}

fn as_callers_mistake(error: Error) -> Error {
    Error::invalid(error.param().unwrap_or("body").to_owned(), error.message().to_owned()).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributed_to(caller: CallerParameters, kind: ErrorKind) -> bool {
        let settings = Settings { caller_may_set: Some(vec!["aws_region_name".to_owned()]), ..Settings::default() };
        let context = CallContext::new().with(caller);
        attributed(Error::new(kind, "x"), &context, &settings).is_callers_choice()
    }

    #[test]
    fn a_caller_cannot_choose_a_route_by_an_attribute() {
        let names = ["custom_attributes", "extra_headers"].map(str::to_owned);
        for (name, value) in [
            ("custom_attributes", Value::from("a=b,route=/metrics")),
            ("extra_headers", serde_json::json!({"X-Amzn-SageMaker-Custom-Attributes": "route=/metrics"})),
        ] {
            let mut caller = CallerParameters::default();
            caller.allowed.insert(name.to_owned(), value);
            let error = caller.settings(&names, &World::system()).unwrap_err();
            assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some("custom_attributes")));
        }
    }

    #[test]
    fn what_a_callers_own_choice_provokes_is_attributed_to_it() {
        use ErrorKind::{Connection, ModelNotReady, NotFound, Overloaded, ServiceFailed, StreamBroken, Throttled};
        let part = CallerParameters { model_id: Some("nope".to_owned()), ..CallerParameters::default() };
        let session = CallerParameters { session_id: Some("s".to_owned()), ..CallerParameters::default() };
        let mut access = CallerParameters::default();
        access.allowed.insert("aws_region_name".to_owned(), "eu-west-1".into());
        let mut refused = CallerParameters::default();
        refused.allowed.insert("api_base".to_owned(), "http://mine".into());
        for (caller, kind, expected) in [
            (part.clone(), NotFound, true),
            (part.clone(), ModelNotReady, true),
            (part.clone(), Overloaded, true),
            (part.clone(), StreamBroken, true),
            (part.clone(), Throttled, false),
            (part, ServiceFailed, false),
            (session.clone(), NotFound, true),
            (session, Overloaded, false),
            (access, Connection, true),
            (refused, NotFound, false),
            (CallerParameters::default(), NotFound, false),
        ] {
            assert_eq!(attributed_to(caller.clone(), kind), expected, "{kind} {caller:?}");
        }
    }
}
