//! LiteLLM's parameters: what stands in a deployment's `litellm_params`, or beside a call in Python, as [`Settings`].
//!
//! Owns their names and which setting each is. What is none of ours is a parameter that requests have by default: nothing of ours is
//! left among those.
//!
//! <https://docs.litellm.ai/docs/providers/aws_sagemaker>

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue};
use sagewire_chat_template::{ChatTemplate, RoleTemplate, SpecialTokens};
use sagewire_credentials::{AwsParams, Region, seam::World};
use sagewire_types::{ChatRequest, Error, ErrorKind};
use serde_json::{Map, Value};

use crate::{DetailsPolicy, checks, settings::Settings, template::TemplateChoice};

/// Parameters that LiteLLM itself acts on, or that its own telemetry and other providers use: they change nothing here.
const WITHOUT_EFFECT: &[&str] =
    &["api_base", "api_key", "api_version", "aws_bedrock_runtime_endpoint", "custom_llm_provider", "metadata", "model"];

impl Settings {
    /// Reads LiteLLM's parameters, and takes them out of `params`: what is left are the requests' own, which become the
    /// [`defaults`](Settings::defaults).
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
    /// `Configuration`, naming the parameter and never its value, for a wrong type, an `aws_` parameter that nobody knows, and AWS parameters
    /// that contradict each other.
    pub fn from_litellm_params(params: Map<String, Value>, world: &World) -> Result<Self, Error> {
        let mut params = Params(params);
        for name in WITHOUT_EFFECT {
            if params.0.shift_remove(*name).is_some_and(|value| !value.is_null())
                && *name != "model"
                && *name != "metadata"
            {
                tracing::debug!(target: "sagewire::settings", parameter = name, "without effect on SageMaker");
            }
        }
        let mut settings = Self {
            base_url: params.text("sagemaker_base_url")?,
            dialect: params.text("dialect")?,
            embedding_dialect: params.text("embedding_dialect")?,
            hf_model_name: params.text("hf_model_name")?,
            allow_zero_temperature: params.flag("aws_sagemaker_allow_zero_temp")?,
            zero_temperature: params.take("zero_temperature", "a number", Value::as_f64)?,
            details: params.details()?,
            embedding_batch_size: params.positive("embedding_batch_size")?,
            embedding_concurrency: params.positive("embedding_concurrency")?,
            fake_stream: params.flag("fake_stream")?,
            wait_for_capacity: params.seconds("wait_for_capacity")?,
            verbose: params.flag("verbose")?.or(params.flag("set_verbose")?),
            ..Self::default()
        };
        settings.read_headers(&mut params)?;
        settings.read_limits(&mut params)?;
        settings.read_policy(&mut params)?;
        settings.read_aws(&mut params, world)?;
        settings.read_template(&mut params)?;
        if let Some(name) = params.0.keys().find(|name| checks::is_own_parameter(name)) {
            return Err(wrong(name, "is no parameter that anyone knows: see the list of parameters"));
        }
        if !params.0.is_empty() {
            let defaults: ChatRequest = serde_json::from_value(Value::Object(params.0)).map_err(|error| {
                Error::new(ErrorKind::Configuration, format!("a parameter of the model has a wrong type: {error}"))
                    .with_source(error)
            })?;
            settings.defaults = Some(Arc::new(defaults));
        }
        Ok(settings)
    }

    fn read_headers(&mut self, params: &mut Params) -> Result<(), Error> {
        let headers = &mut self.headers;
        headers.inference_component = params.text("model_id")?;
        headers.target_model = params.text("target_model")?;
        headers.target_variant = params.text("target_variant")?;
        headers.target_container_hostname = params.text("target_container_hostname")?;
        headers.session_id = params.text("session_id")?;
        headers.inference_id = params.text("inference_id")?;
        headers.custom_attributes = params.text("custom_attributes")?;
        headers.enable_explanations = params.text("enable_explanations")?;
        headers.prefix_aware_id = params.text("prefix_aware_id")?;
        for name in ["headers", "extra_headers"] {
            let Some(given) = params.object(name)? else { continue };
            for (header, value) in given {
                let (header, value) = extra_header(name, &header, &value)?;
                self.extra_headers.insert(header, value);
            }
        }
        Ok(())
    }

    fn read_limits(&mut self, params: &mut Params) -> Result<(), Error> {
        self.timeouts.total = params.seconds("timeout")?.or(params.seconds("request_timeout")?);
        self.timeouts.first_byte = params.seconds("stream_timeout")?;
        self.timeouts.idle = params.seconds("idle_timeout")?;
        self.timeouts.connect = params.seconds("connect_timeout")?;
        let retries = params.take("num_retries", "a whole number", Value::as_u64)?;
        let retries = retries.or(params.take("max_retries", "a whole number", Value::as_u64)?);
        self.max_attempts = retries.map(|retries| u32::try_from(retries).unwrap_or(u32::MAX).saturating_add(1));
        Ok(())
    }

    fn read_policy(&mut self, params: &mut Params) -> Result<(), Error> {
        let drop_params = params.flag("drop_params")?;
        let allowed = params.texts("allowed_openai_params")?;
        let dropped = params.texts("additional_drop_params")?;
        if drop_params.is_some() || allowed.is_some() || dropped.is_some() {
            let policy = self.parameters.get_or_insert_default();
            policy.drop_params = drop_params.unwrap_or_default();
            policy.allowed_openai_params = allowed.unwrap_or_default();
            policy.additional_drop_params = dropped.unwrap_or_default();
        }
        Ok(())
    }

    /// LiteLLM's custom templates by role, or one in Jinja: as text, or in a file or model folder.
    fn read_template(&mut self, params: &mut Params) -> Result<(), Error> {
        self.hub_access = params.flag("hub_access")?;
        self.hub_revision = params.text("hub_revision")?;
        let sources = params.texts("template_sources")?;
        self.template_sources =
            sources.map(|sources| sources.iter().map(|source| source.parse()).collect()).transpose()?;
        let roles = params.object("roles")?;
        let [initial, last] = [params.text("initial_prompt_value")?, params.text("final_prompt_value")?];
        let [bos, eos] = [params.text("bos_token")?, params.text("eos_token")?];
        let jinja = params.text("chat_template")?;
        let is_custom = roles.is_some() || initial.is_some() || last.is_some();
        if is_custom && jinja.is_some() {
            return Err(wrong("chat_template", "and `roles` are both set: set one of them"));
        }
        if is_custom {
            let mut template = RoleTemplate::new()
                .initial_prompt_value(initial.unwrap_or_default())
                .final_prompt_value(last.unwrap_or_default());
            for (role, affixes) in roles.unwrap_or_default() {
                let text = |key: &str| affixes.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                if !affixes.is_object() {
                    return Err(wrong("roles", "must map each role to `pre_message` and `post_message`"));
                }
                template = template.role(role, text("pre_message"), text("post_message"));
            }
            self.template = Some(TemplateChoice::Template(ChatTemplate::from_roles(template)));
        } else if let Some(jinja) = jinja {
            let is_jinja = jinja.contains("{{") || jinja.contains("{%");
            self.template = Some(if is_jinja {
                let tokens = [("bos_token", bos), ("eos_token", eos)].into_iter().fold(
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
                TemplateChoice::Template(template.adapting())
            } else {
                TemplateChoice::Path(jinja.into())
            });
        }
        Ok(())
    }

    fn read_aws(&mut self, params: &mut Params, world: &World) -> Result<(), Error> {
        const NAMES: [&str; 11] = [
            "aws_access_key_id",
            "aws_secret_access_key",
            "aws_session_token",
            "aws_region_name",
            "aws_session_name",
            "aws_profile_name",
            "aws_role_name",
            "aws_web_identity_token",
            "aws_external_id",
            "aws_sts_endpoint",
            "aws_session_tags",
        ];
        let mut given = Map::new();
        for name in NAMES {
            // A blank text is what an unset variable leaves behind.
            if let Some(value) =
                params.0.shift_remove(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
            {
                if name != "aws_session_tags" && !value.is_string() {
                    return Err(wrong(name, "must be a text"));
                }
                given.insert(name.to_owned(), value);
            }
        }
        if given.is_empty() {
            return Ok(());
        }
        // serde's own message could quote a secret.
        let aws: AwsParams = serde_json::from_value(Value::Object(given))
            .map_err(|_| wrong("aws_session_tags", "must be a list of `{Key, Value}`"))?;
        self.profile.clone_from(&aws.aws_profile_name);
        self.region = aws.aws_region_name.as_deref().map(Region::new).transpose().map_err(|error| {
            Error::new(ErrorKind::Configuration, error.to_string()).with_param("aws_region_name").with_source(error)
        })?;
        let only_region = AwsParams { aws_region_name: None, ..aws.clone() } == AwsParams::default();
        if !only_region {
            let provider = aws
                .provider(world)
                .map_err(|error| Error::new(ErrorKind::Configuration, error.to_string()).with_source(error))?;
            self.credentials = Some(provider);
        }
        Ok(())
    }
}

/// Parameters that are taken out one by one; those that are `null` count as not given.
struct Params(Map<String, Value>);

impl Params {
    fn take<T>(&mut self, name: &str, kind: &str, read: impl FnOnce(&Value) -> Option<T>) -> Result<Option<T>, Error> {
        match self.0.shift_remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(&value).map(Some).ok_or_else(|| wrong(name, &format!("must be {kind}"))),
        }
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.take(name, "a text", |value| value.as_str().map(str::to_owned))?.filter(|text| !text.is_empty()))
    }

    fn flag(&mut self, name: &str) -> Result<Option<bool>, Error> {
        self.take(name, "true or false", |value| match value {
            Value::Bool(flag) => Some(*flag),
            // What `os.environ/NAME` leaves.
            Value::String(text) => text.to_ascii_lowercase().parse().ok(),
            _ => None,
        })
    }

    fn positive(&mut self, name: &str) -> Result<Option<NonZeroUsize>, Error> {
        self.take(name, "a whole number, at least 1", |value| {
            let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
            NonZeroUsize::new(usize::try_from(number).ok()?)
        })
    }

    /// `auto`, or a flag.
    fn details(&mut self) -> Result<Option<DetailsPolicy>, Error> {
        self.take("details", "`auto`, true or false", |value| match value {
            Value::Bool(true) => Some(DetailsPolicy::Always),
            Value::Bool(false) => Some(DetailsPolicy::Never),
            Value::String(text) => text.parse().ok(),
            _ => None,
        })
    }

    fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, Error> {
        self.take(name, "a list of texts", |value| {
            value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        })
    }

    fn object(&mut self, name: &str) -> Result<Option<Map<String, Value>>, Error> {
        self.take(name, "a mapping", |value| value.as_object().cloned())
    }

    fn seconds(&mut self, name: &str) -> Result<Option<Duration>, Error> {
        self.take(name, "a number of seconds", |value| {
            let seconds = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
            Duration::try_from_secs_f64(seconds).ok()
        })
    }
}

fn extra_header(parameter: &str, name: &str, value: &Value) -> Result<(HeaderName, HeaderValue), Error> {
    let header = name.parse().map_err(|_| wrong(parameter, "holds a name that is no header's"))?;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(wrong(parameter, "must hold texts")),
    };
    let mut value: HeaderValue = text.parse().map_err(|_| wrong(parameter, "holds a value that is no header's"))?;
    value.set_sensitive(true);
    Ok((header, value))
}

fn wrong(name: &str, rule: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("`{name}` {rule}")).with_param(name)
}

#[cfg(test)]
mod tests;
