//! One deployment as a provider.
//!
//! Owns its settings, and laying the caller's harmless parameters over them.

use std::borrow::Cow;

use async_trait::async_trait;
use sagewire::{
    CallContext, ChatRequest, ChatResponse, ChatStream, CompletionRequest, CompletionResponse, CompletionStream,
    EmbedRequest, EmbedResponse, Error, ErrorKind, Provider, Reply, SageMaker, Settings, credentials::seam::World,
};
use sagewire_types::TraceContext;
use serde_json::{Map, Value};

use super::credentials::CredentialShelf;
use crate::{CallerParameters, Config, config::DeploymentConfig};

/// The settings of a deployment.
pub(super) fn settings(
    deployment: &DeploymentConfig,
    config: &Config,
    world: &World,
    before: &CredentialShelf,
    shelf: &mut CredentialShelf,
) -> Result<Settings, Error> {
    let mut params = deployment.parameters.to_map();
    if let Some(Value::Object(extra)) = params.shift_remove("extra_body") {
        params.extend(extra);
    }
    if config.litellm_settings.drop_params && !params.contains_key("drop_params") {
        params.insert("drop_params".to_owned(), Value::Bool(true));
    }
    if config.sagewire_settings.log_prompts {
        params.insert("verbose".to_owned(), Value::Bool(true));
    }
    let (aws, others): (Map<_, _>, Map<_, _>) = params.into_iter().partition(|(name, _)| is_of_credentials(name));
    let credentials = shelf.settings(&deployment.id, aws, world, before)?;
    Ok(Settings::from_litellm_params(others, world)?.or(&credentials))
}

fn is_of_credentials(name: &str) -> bool {
    name.starts_with("aws_") && name != "aws_sagemaker_allow_zero_temp"
}

/// A deployment's own provider.
#[derive(Debug)]
pub(super) struct DeploymentProvider {
    /// With the deployment's settings: where its calls go is found out once, and not for each.
    sagemaker: SageMaker,
    /// Which of the operator's parameters a caller may set on this very deployment.
    caller_may_set: Vec<String>,
    /// Whether the container is told the caller's trace.
    forward_trace: bool,
    world: World,
}

impl DeploymentProvider {
    pub(super) fn new(
        sagemaker: &SageMaker,
        settings: Settings,
        deployment: &DeploymentConfig,
        config: &Config,
        world: World,
    ) -> Self {
        Self {
            sagemaker: sagemaker.with_settings(settings),
            caller_may_set: deployment.routing.configurable_clientside_auth_params.clone().unwrap_or_default(),
            forward_trace: config.litellm_settings.forward_traceparent_to_llm_provider,
            world,
        }
    }

    /// The call's context; with settings in it where the call has some of its own, which stand over the deployment's.
    fn context<'c>(&self, context: &'c CallContext) -> Result<Cow<'c, CallContext>, Error> {
        let caller = context.get::<CallerParameters>();
        let trace = context.trace.as_ref().filter(|_| self.forward_trace);
        if caller.is_none() && trace.is_none() {
            return Ok(Cow::Borrowed(context));
        }
        let mut settings = caller.map(|caller| self.of_caller(caller)).transpose()?.unwrap_or_default();
        if let Some(trace) = trace {
            // SageMaker passes no trace headers on; its custom attributes are a list of names and values that the container sees.
            let attributes = &mut settings.headers.custom_attributes;
            let own = attributes.take().or_else(|| self.sagemaker.settings().headers.custom_attributes.clone());
            *attributes = Some(with_trace(own, trace)).filter(|attributes| !attributes.is_empty());
        }
        Ok(Cow::Owned(context.clone().with(settings)))
    }

    /// What the caller sets, as far as this deployment lets it.
    fn of_caller(&self, caller: &CallerParameters) -> Result<Settings, Error> {
        // A fallback may lead to a deployment that allows less than the one that was asked for.
        let allowed: Map<String, Value> = caller
            .allowed
            .iter()
            .filter(|(name, _)| self.caller_may_set.contains(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut settings = if allowed.is_empty() {
            Settings::default()
        } else {
            Settings::from_litellm_params(allowed, &self.world).map_err(|error| {
                // The mistake is the caller's, not the operator's.
                Error::invalid(error.param().unwrap_or("body").to_owned(), error.message().to_owned())
                    .with_source(error)
            })?
        };
        let headers = &mut settings.headers;
        for (own, callers) in [
            (&mut headers.inference_component, &caller.model_id),
            (&mut headers.session_id, &caller.session_id),
            (&mut headers.target_model, &caller.target_model),
            (&mut headers.target_variant, &caller.target_variant),
            (&mut headers.target_container_hostname, &caller.target_container_hostname),
            (&mut headers.inference_id, &caller.inference_id),
        ] {
            if let Some(value) = callers {
                *own = Some(value.clone());
            }
        }
        Ok(settings)
    }
}

/// The longest value that [SageMaker takes](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html) as custom attributes.
const LONGEST_ATTRIBUTES: usize = 1024;

/// Custom attributes with the trace behind the operator's own, as far as there is room. The state is a list itself and therefore last: all that
/// follows its name is its value.
fn with_trace(own: Option<String>, trace: &TraceContext) -> String {
    let mut attributes = own.unwrap_or_default();
    for (name, value) in [("traceparent", Some(&trace.traceparent)), ("tracestate", trace.tracestate.as_ref())] {
        let Some(value) = value else { continue };
        let comma = if attributes.is_empty() { "" } else { "," };
        let more = format!("{comma}{name}={value}");
        if attributes.len() + more.len() > LONGEST_ATTRIBUTES {
            break;
        }
        attributes.push_str(&more);
    }
    attributes
}

/// A wrong value of a parameter that the caller has set is the caller's mistake, not the operator's.
fn callers_own(error: Error, context: &CallContext) -> Error {
    let is_theirs =
        |param: &str| context.get::<CallerParameters>().is_some_and(|caller| caller.allowed.contains_key(param));
    match error.param().filter(|param| error.kind() == ErrorKind::Configuration && is_theirs(param)) {
        Some(param) => Error::invalid(param.to_owned(), error.message().to_owned()).with_source(error),
        None => error,
    }
}

#[async_trait]
impl Provider for DeploymentProvider {
    async fn chat(&self, request: ChatRequest, context: &CallContext) -> Result<Reply<ChatResponse>, Error> {
        self.sagemaker.chat(request, &*self.context(context)?).await.map_err(|error| callers_own(error, context))
    }

    async fn chat_stream(&self, request: ChatRequest, context: &CallContext) -> Result<ChatStream, Error> {
        self.sagemaker.chat_stream(request, &*self.context(context)?).await.map_err(|error| callers_own(error, context))
    }

    async fn embed(&self, request: EmbedRequest, context: &CallContext) -> Result<Reply<EmbedResponse>, Error> {
        self.sagemaker.embed(request, &*self.context(context)?).await.map_err(|error| callers_own(error, context))
    }

    async fn complete(
        &self,
        request: CompletionRequest,
        context: &CallContext,
    ) -> Result<Reply<CompletionResponse>, Error> {
        self.sagemaker.complete(request, &*self.context(context)?).await.map_err(|error| callers_own(error, context))
    }

    async fn complete_stream(
        &self,
        request: CompletionRequest,
        context: &CallContext,
    ) -> Result<CompletionStream, Error> {
        self.sagemaker
            .complete_stream(request, &*self.context(context)?)
            .await
            .map_err(|error| callers_own(error, context))
    }
}
