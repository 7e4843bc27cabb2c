//! Reading LiteLLM's parameters: what a deployment's `litellm_params` hold, or what is given beside
//! a call in Python.
//!
//! Owns going through them by the table, and the parameters that several names make up together:
//! credentials, templates, headers and the policy of parameters.
//!
//! <https://docs.litellm.ai/docs/providers/aws_sagemaker>

use std::{str::FromStr, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue};
use sagewire_chat_template::{ChatTemplate, RoleTemplate, SpecialTokens};
use sagewire_credentials::{AwsParams, seam::World};
use sagewire_dialects::native::{PROTOCOLS, Protocol};
use sagewire_types::{ChatRequest, Error, ErrorKind};
use serde_json::{Map, Value};

use super::{
    Settings, kind, litellm,
    parameters::{self, Effect},
    table::TABLE,
};
use crate::{ParameterPolicy, request::attributes, template::TemplateChoice};

/// What a router in front of a deployment acts on.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RoutingParams {
    /// What the provider is asked for: `sagemaker/my-endpoint`.
    pub model: Option<String>,
    /// The name of shared credentials.
    pub litellm_credential_name: Option<String>,
    /// Its share among the deployments of its name.
    pub weight: Option<f64>,
    /// Deployments of a lower order are used first.
    pub order: Option<u64>,
    /// The maximum number of requests per minute.
    pub rpm: Option<u64>,
    /// The maximum number of tokens per minute.
    pub tpm: Option<u64>,
    /// The maximum number of concurrent requests.
    pub max_parallel_requests: Option<u64>,
    /// The time limit of a whole call.
    pub timeout: Option<Duration>,
    /// The time limit until the first piece of a stream.
    pub stream_timeout: Option<Duration>,
    /// How many retries a call has after this deployment failed it.
    pub num_retries: Option<u64>,
    /// The failures in a row it may have before it cools down.
    pub allowed_fails: Option<u64>,
    /// How long it cools down after failures.
    pub cooldown_time: Option<Duration>,
    /// The largest upload in bytes.
    pub max_upload_bytes: Option<u64>,
    /// The operator's parameters that a caller may set in a request's body.
    pub configurable_clientside_auth_params: Option<Vec<String>>,
}

impl RoutingParams {
    /// Takes a router's parameters out of a deployment's, so that [`Settings::from_litellm_params`]
    /// can read the rest.
    ///
    /// # Errors
    /// `Configuration`, naming the parameter, for a value of the wrong kind.
    pub fn take_from(params: &mut Map<String, Value>) -> Result<Self, Error> {
        let mut draft = Draft::default();
        draft.fill(params, |effect| effect == Effect::Routing)?;
        Ok(draft.routing)
    }
}

/// Parameters on their way into settings.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) settings: Settings,
    pub(super) routing: RoutingParams,
    pub(super) aws: AwsParams,
    pub(super) template: TemplateParams,
    pub(super) drop_params: Option<bool>,
    pub(super) additional_drop_params: Option<Vec<String>>,
    pub(super) allowed_openai_params: Option<Vec<String>>,
}

/// LiteLLM's custom templates by role, or one in Jinja: as text, or in a file or model folder.
#[derive(Default)]
pub(super) struct TemplateParams {
    pub(super) roles: Option<Map<String, Value>>,
    pub(super) initial: Option<String>,
    pub(super) last: Option<String>,
    pub(super) bos: Option<String>,
    pub(super) eos: Option<String>,
    pub(super) jinja: Option<String>,
}

impl Settings {
    /// Reads LiteLLM's parameters. Those that are not ours are the requests' own and become the
    /// [`defaults`](Settings::defaults). Without a router, `timeout`, `stream_timeout` and
    /// `num_retries` are the provider's own limits.
    ///
    /// ```
    /// use sagewire_credentials::seam::World;
    /// use sagewire_sagemaker::Settings;
    ///
    /// let params = serde_json::json!({"model_id": "llama-8b", "aws_region_name": "eu-west-1", "temperature": 0.2, "top_k": 40});
    /// let settings = Settings::from_litellm_params(params.as_object().cloned().unwrap_or_default(), &World::builder().build())?;
    /// assert_eq!(settings.headers.inference_component.as_deref(), Some("llama-8b"));
    /// assert_eq!(settings.defaults.as_ref().map(|defaults| defaults.extra.len()), Some(1));
    /// # Ok::<(), sagewire_types::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Configuration`, naming the parameter and never its value, for a value of the wrong kind, an
    /// unknown `aws_` or `sagemaker_` parameter, and AWS parameters that contradict each other.
    pub fn from_litellm_params(mut params: Map<String, Value>, world: &World) -> Result<Self, Error> {
        let mut draft = Draft::default();
        draft.fill(&mut params, |effect| effect != Effect::Request)?;
        params.retain(|name, _| {
            let reason = litellm::without_effect(name);
            if let Some(reason) = reason {
                tracing::debug!(target: "sagewire::settings", parameter = name, reason, "without effect");
            }
            // LiteLLM's own metadata of a deployment; it is not the requests'.
            reason.is_none() && name != "metadata"
        });
        if let Some(name) = params.keys().find(|name| litellm::is_of_aws(name)) {
            return Err(wrong(
                name,
                &match parameters::nearest(name) {
                    Some(known) => format!("is not a known parameter: did you mean `{known}`?"),
                    None => "is not a known parameter: remove it, or see the list of parameters".to_owned(),
                },
            ));
        }
        let mut settings = draft.finish(world)?;
        if !params.is_empty() {
            let defaults: ChatRequest = serde_json::from_value(Value::Object(params)).map_err(|error| {
                Error::new(ErrorKind::Configuration, format!("a parameter of the model has the wrong type: {error}"))
                    .with_source(error)
            })?;
            settings.defaults = Some(Arc::new(defaults));
        }
        Ok(settings)
    }
}

impl Draft {
    /// Takes the parameters that are wanted out of `params`. A name wins over its aliases, and
    /// `null` counts as not given.
    fn fill(&mut self, params: &mut Map<String, Value>, wanted: impl Fn(Effect) -> bool) -> Result<(), Error> {
        for parameter in TABLE.iter().filter(|parameter| wanted(parameter.effect())) {
            // What is not taken here stays a parameter of the requests.
            let names = parameter.aliases().iter().rev().chain([&parameter.name]);
            for name in names {
                match params.shift_remove(*name) {
                    None | Some(Value::Null) => {}
                    Some(value) => parameter.field.fill(self, value).map_err(|rule| wrong(name, &rule))?,
                }
            }
        }
        Ok(())
    }

    fn finish(self, world: &World) -> Result<Settings, Error> {
        let Self { mut settings, routing, aws, template, .. } = self;
        settings.timeouts.total = routing.timeout;
        settings.timeouts.first_byte = routing.stream_timeout;
        settings.max_attempts =
            routing.num_retries.map(|retries| u32::try_from(retries).unwrap_or(u32::MAX).saturating_add(1));
        if self.drop_params.is_some() || self.allowed_openai_params.is_some() || self.additional_drop_params.is_some() {
            let mut policy = ParameterPolicy::refusing();
            policy.drop_params = self.drop_params.unwrap_or_default();
            policy.allowed_openai_params = self.allowed_openai_params.unwrap_or_default();
            policy.additional_drop_params = self.additional_drop_params.unwrap_or_default();
            settings.parameters = Some(policy);
        }
        settings.template = template.choice()?;
        settings.take_aws(&aws, world)?;
        Ok(settings)
    }
}

impl TemplateParams {
    fn choice(self) -> Result<Option<TemplateChoice>, Error> {
        let is_custom = self.roles.is_some() || self.initial.is_some() || self.last.is_some();
        match self.jinja {
            Some(_) if is_custom => Err(wrong("chat_template", "and `roles` are both set: set one of them")),
            None if is_custom => {
                let mut template = RoleTemplate::new()
                    .initial_prompt_value(self.initial.unwrap_or_default())
                    .final_prompt_value(self.last.unwrap_or_default());
                for (role, affixes) in self.roles.unwrap_or_default() {
                    let text = |key: &str| affixes.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                    if !affixes.is_object() {
                        return Err(wrong("roles", "must map each role to `pre_message` and `post_message`"));
                    }
                    template = template.role(role, text("pre_message"), text("post_message"));
                }
                Ok(Some(TemplateChoice::Template(ChatTemplate::from_roles(template))))
            }
            Some(jinja) if jinja.contains("{{") || jinja.contains("{%") => {
                let tokens = [("bos_token", self.bos), ("eos_token", self.eos)].into_iter().fold(
                    SpecialTokens::new(),
                    |tokens, (name, token)| match token {
                        Some(token) => tokens.with(name, token),
                        None => tokens,
                    },
                );
                let template = ChatTemplate::from_jinja(&jinja, tokens).map_err(|error| {
                    Error::new(ErrorKind::Configuration, error.to_string())
                        .with_param("chat_template")
                        .with_source(error)
                })?;
                Ok(Some(TemplateChoice::Template(template.adapting())))
            }
            Some(path) => Ok(Some(TemplateChoice::Path(path.into()))),
            None => Ok(None),
        }
    }
}

pub(super) fn session_tags(draft: &mut Draft, value: Value) -> Result<(), String> {
    // serde's own message could quote a secret.
    draft.aws.aws_session_tags =
        Some(serde_json::from_value(value).map_err(|_| "must be a list of `{Key, Value}`".to_owned())?);
    Ok(())
}

/// One of the names that the parameter's kind has checked.
pub(super) fn choice<T: FromStr<Err = Error>>(field: &mut Option<T>, value: &Value) -> Result<(), String> {
    *field = kind::choice(value)
        .map(|text| text.parse())
        .transpose()
        .map_err(|error: Error| format!("is not valid: {}", error.message()))?;
    Ok(())
}

/// A text whose form tells itself what is wrong with it. An empty one counts as not given.
pub(super) fn parsed<T: FromStr<Err = String>>(field: &mut Option<T>, value: &Value) -> Result<(), String> {
    *field = kind::text(value).filter(|text| !text.is_empty()).map(|text| text.parse()).transpose()?;
    Ok(())
}

/// `true`, `false`, or a list of paths.
pub(super) fn native_routes(draft: &mut Draft, value: Value) -> Result<(), String> {
    let all = || PROTOCOLS.iter().map(Protocol::path);
    draft.settings.native_routes = Some(match (kind::flag(&value), kind::texts(&value)) {
        (Some(every), _) => all().filter(|_| every).map(str::to_owned).collect(),
        (None, Some(paths)) if paths.iter().all(|path| Protocol::of(path).is_some()) => paths,
        _ => {
            let paths = all().collect::<Vec<_>>().join("`, `");
            return Err(format!("must be `true`, `false` or a list of `{paths}`"));
        }
    });
    Ok(())
}

/// Paths that a route of the container can have.
pub(super) fn further_routes(draft: &mut Draft, value: Value) -> Result<(), String> {
    let paths = kind::texts(&value).unwrap_or_default();
    if !paths.iter().all(|path| attributes::is_route(path)) {
        return Err("must be a list of paths such as `/v1/guided`, without blanks, commas, `=` and `..`".to_owned());
    }
    draft.settings.further_routes = Some(paths);
    Ok(())
}

pub(super) fn template_sources(draft: &mut Draft, value: Value) -> Result<(), String> {
    let sources = kind::texts(&value).unwrap_or_default();
    draft.settings.template_sources = Some(sources.iter().filter_map(|source| source.parse().ok()).collect());
    Ok(())
}

pub(super) fn extra_headers(draft: &mut Draft, value: Value) -> Result<(), String> {
    let Value::Object(headers) = value else { return Ok(()) };
    for (name, value) in headers {
        let name: HeaderName = name.parse().map_err(|_| "has an invalid header name".to_owned())?;
        let text = kind::text(&value).ok_or("must have texts as its values")?;
        let mut value: HeaderValue = text.parse().map_err(|_| "has an invalid header value".to_owned())?;
        value.set_sensitive(true);
        draft.settings.extra_headers.insert(name, value);
    }
    Ok(())
}

fn wrong(name: &str, rule: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("`{name}` {rule}")).with_param(name)
}

#[cfg(test)]
mod tests;
