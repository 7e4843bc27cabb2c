//! What an operator decides about an endpoint: for all calls of a provider, or for one.
//!
//! Owns the settings and how those of a call stand over those of the provider. Nothing here ever
//! reaches a container's body.

use std::{fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use http::HeaderMap;
use sagewire_chat_template::model_files::DEFAULT_REVISION;
use sagewire_credentials::{AwsParams, Region, SharedCredentialsProvider, seam::World};
use sagewire_dialects::native::{PROTOCOLS, Protocol};
use sagewire_types::{ChatRequest, Error, ErrorKind, Extension};

use crate::{
    ChatDialect, DetailsPolicy, EmbeddingDialect, InvocationHeaders, ParameterPolicy, RerankDialect,
    TranscriptionDialect,
    curl::Wire,
    settings::id_source::IdSource,
    template::{TemplateChoice, TemplateSource},
};

mod container;
pub(crate) mod defaults;
pub(crate) mod id_source;
mod kind;
mod litellm;
pub(crate) mod operator_only;
pub mod parameters;
mod reading;
mod setters;
mod table;

/// Settings of a [`SageMaker`](crate::SageMaker) provider, or of one call as an extension of its
/// [`CallContext`](sagewire_types::CallContext).
///
/// A field that is not set leaves the provider's, and in the end the default.
///
/// ```
/// use sagewire_sagemaker::Settings;
/// use sagewire_types::CallContext;
///
/// let context = CallContext::new().with(Settings::new().with_inference_component("llama-8b"));
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Settings {
    /// Whose credentials sign the calls. Default: those that AWS's default chain finds.
    pub credentials: Option<SharedCredentialsProvider>,
    /// The region. Default: that of the environment, the profile, or the machine.
    pub region: Option<Region>,
    /// The profile of the shared files that region and endpoint URL are taken from. Default:
    /// `AWS_PROFILE`, else `default`.
    pub profile: Option<String>,
    /// LiteLLM's `sagemaker_base_url`. With a path it is used as it stands; without one it is the
    /// host. Default: the environment's, the profile's, or the region's.
    pub base_url: Option<String>,
    /// The dialect of chat and completions. Default: by the model's prefix.
    pub dialect: Option<ChatDialect>,
    /// The paths of the routes of its own that the container has, such as `/v1/responses`. Default:
    /// those of its dialect.
    pub native_routes: Option<Vec<String>>,
    /// Further paths of the container that [`forward`](sagewire_types::Provider::forward) may ask
    /// for, beside the routes of inference that are known.
    pub further_routes: Option<Vec<String>>,
    /// The family of embeddings. Default: by the endpoint's name.
    pub embedding_dialect: Option<EmbeddingDialect>,
    /// The family of rerankers. Default: vLLM's if that is the dialect, else by the endpoint's name.
    pub rerank_dialect: Option<RerankDialect>,
    /// The family of servers of transcription. Default: vLLM's if that is the dialect, else by the
    /// endpoint's name.
    pub transcription_dialect: Option<TranscriptionDialect>,
    /// Which model, variant, container and session of the endpoint.
    pub headers: InvocationHeaders,
    /// What `prefix_aware_id` is derived from where it is not set. Default: it is not sent.
    pub prefix_aware_id_from: Option<IdSource>,
    /// What `session_id` is derived from where it is not set. Default: it is not sent.
    pub session_id_from: Option<IdSource>,
    /// Further headers. Those named `x-amzn-*` are signed.
    pub extra_headers: HeaderMap,
    /// The model's name on Hugging Face: it chooses the chat template, and names the model in
    /// Messages bodies.
    pub hf_model_name: Option<String>,
    /// The chat template for text containers. Default: by the model's name, else by the endpoint's.
    pub template: Option<TemplateChoice>,
    /// Whether the Hugging Face Hub may be asked for the template of `hf_model_name`, once, where
    /// neither disk nor catalog has it. Default: no.
    pub hub_access: Option<bool>,
    /// The revision of the model on the Hub and in its cache on disk. Default: `main`.
    pub hub_revision: Option<String>,
    /// Where the template of `hf_model_name` is looked for, in this order. Default:
    /// [`TemplateSource::ALL`]. Without [`TemplateSource::Catalog`] the endpoint's name chooses
    /// none either.
    pub template_sources: Option<Vec<TemplateSource>>,
    /// Refuses calls whose prompt may not have the model's format (see
    /// [`TemplateWarning`](crate::TemplateWarning)). Default: off.
    pub strict_chat_templates: Option<bool>,
    /// How the model of a text container writes calls of tools, by the name of a
    /// [parser](sagewire_dialects::tool_calls::names). Default: as its chat template tells.
    pub tool_call_parser: Option<String>,
    /// Sends the temperature 0 as it is (LiteLLM's `aws_sagemaker_allow_zero_temp`). Default: no.
    pub allow_zero_temperature: Option<bool>,
    /// What the temperature 0 becomes on text containers, which refuse it. Default: 0.1.
    pub zero_temperature: Option<f64>,
    /// What happens to parameters that a dialect cannot carry. Default: they are refused.
    pub parameters: Option<ParameterPolicy>,
    /// Whether text containers are asked for the details of their answers: finish reason and count
    /// of tokens. Default: [`DetailsPolicy::Auto`].
    pub details: Option<DetailsPolicy>,
    /// Parameters that a request has unless it sets them itself.
    pub defaults: Option<Arc<ChatRequest>>,
    /// How many inputs an embedding container gets at once. Default: the family's limit, where it
    /// has one.
    pub embedding_batch_size: Option<NonZeroUsize>,
    /// How many batches of one embedding request are under way at once. Default: 4.
    pub embedding_concurrency: Option<NonZeroUsize>,
    /// How many documents a reranker gets at once. Default: the family's limit, where it has one.
    pub rerank_batch_size: Option<NonZeroUsize>,
    /// Asks for whole replies and cuts them into chunks, for containers that cannot stream.
    /// Default: no.
    pub fake_stream: Option<bool>,
    /// Whether the endpoint is asynchronous: calls are queued, and their answers fetched from S3.
    /// Default: no.
    pub async_inference: Option<bool>,
    /// Where calls of asynchronous endpoints put inputs of more than 128,000 bytes:
    /// `s3://bucket/prefix`.
    pub async_input_location: Option<String>,
    /// Time limits.
    pub timeouts: Timeouts,
    /// How many tries a call has in all, the first included. Default: 3.
    pub max_attempts: Option<u32>,
    /// How long to wait for an endpoint that is scaled to zero instances. Default: not at all.
    pub wait_for_capacity: Option<Duration>,
    /// Writes what is sent and received to the tracing target `sagewire::wire`, as commands that
    /// can be replayed: prompts and answers, no secrets. Default: only at `TRACE`.
    pub verbose: Option<bool>,
    /// The parameters that a caller may set for its own calls, by LiteLLM's names: its
    /// `configurable_clientside_auth_params`. They come in
    /// [`CallerParameters`](crate::CallerParameters). Default: none.
    pub caller_may_set: Option<Vec<String>>,
    /// Whether the container is told the caller's trace, in its custom attributes. Default: no.
    pub forward_trace: Option<bool>,
}

/// The time limits of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Until a connection is made, for each try. Default: the provider's, 5 s.
    pub connect: Option<Duration>,
    /// Until status and headers have come, for each try. Default: 70 s, as SageMaker gives a
    /// container 60, and 170 s through an inference router, as AWS asks.
    pub first_byte: Option<Duration>,
    /// Between two pieces of a reply. Default: 60 s.
    pub idle: Option<Duration>,
    /// For the whole call with all its tries and its stream. Default: none.
    pub total: Option<Duration>,
}

impl Timeouts {
    pub(crate) fn idle(&self) -> Duration {
        self.idle.unwrap_or(Duration::from_secs(60))
    }

    fn or(self, other: Self) -> Self {
        Self {
            connect: self.connect.or(other.connect),
            first_byte: self.first_byte.or(other.first_byte),
            idle: self.idle.or(other.idle),
            total: self.total.or(other.total),
        }
    }
}

impl Settings {
    /// Takes credentials, profile and region from LiteLLM's `aws_*` parameters, as far as these
    /// have them.
    ///
    /// # Errors
    /// `Configuration` for parameters that contradict each other, and for a text that is no
    /// region's name.
    pub(crate) fn take_aws(&mut self, params: &AwsParams, world: &World) -> Result<(), Error> {
        if let Some(region) = &params.aws_region_name {
            self.region = Some(Region::new(region).map_err(|error| {
                Error::new(ErrorKind::Configuration, error.to_string()).with_param("aws_region_name").with_source(error)
            })?);
        }
        if params.aws_profile_name.is_some() {
            self.profile.clone_from(&params.aws_profile_name);
        }
        let is_region_alone = AwsParams { aws_region_name: None, ..params.clone() } == AwsParams::default();
        if !is_region_alone {
            let provider = params.clone().provider(world);
            self.credentials = Some(
                provider.map_err(|error| Error::new(ErrorKind::Configuration, error.to_string()).with_source(error))?,
            );
        }
        Ok(())
    }

    /// These settings where they are set, else the other's. Further headers of both are sent, these
    /// over the other's.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        fn or<T: Clone>(own: &Option<T>, other: &Option<T>) -> Option<T> {
            own.as_ref().or(other.as_ref()).cloned()
        }
        let mut extra_headers = other.extra_headers.clone();
        for name in self.extra_headers.keys() {
            extra_headers.remove(name);
        }
        extra_headers.extend(self.extra_headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        Self {
            credentials: or(&self.credentials, &other.credentials),
            region: or(&self.region, &other.region),
            profile: or(&self.profile, &other.profile),
            base_url: or(&self.base_url, &other.base_url),
            dialect: self.dialect.or(other.dialect),
            native_routes: or(&self.native_routes, &other.native_routes),
            further_routes: or(&self.further_routes, &other.further_routes),
            embedding_dialect: self.embedding_dialect.or(other.embedding_dialect),
            rerank_dialect: self.rerank_dialect.or(other.rerank_dialect),
            transcription_dialect: self.transcription_dialect.or(other.transcription_dialect),
            headers: self.headers.or(&other.headers),
            prefix_aware_id_from: or(&self.prefix_aware_id_from, &other.prefix_aware_id_from),
            session_id_from: or(&self.session_id_from, &other.session_id_from),
            extra_headers,
            hf_model_name: or(&self.hf_model_name, &other.hf_model_name),
            template: or(&self.template, &other.template),
            hub_access: self.hub_access.or(other.hub_access),
            strict_chat_templates: self.strict_chat_templates.or(other.strict_chat_templates),
            hub_revision: or(&self.hub_revision, &other.hub_revision),
            template_sources: or(&self.template_sources, &other.template_sources),
            tool_call_parser: or(&self.tool_call_parser, &other.tool_call_parser),
            allow_zero_temperature: self.allow_zero_temperature.or(other.allow_zero_temperature),
            zero_temperature: self.zero_temperature.or(other.zero_temperature),
            parameters: or(&self.parameters, &other.parameters),
            details: self.details.or(other.details),
            embedding_batch_size: self.embedding_batch_size.or(other.embedding_batch_size),
            embedding_concurrency: self.embedding_concurrency.or(other.embedding_concurrency),
            rerank_batch_size: self.rerank_batch_size.or(other.rerank_batch_size),
            defaults: or(&self.defaults, &other.defaults),
            fake_stream: self.fake_stream.or(other.fake_stream),
            async_inference: self.async_inference.or(other.async_inference),
            async_input_location: or(&self.async_input_location, &other.async_input_location),
            timeouts: self.timeouts.or(other.timeouts),
            max_attempts: self.max_attempts.or(other.max_attempts),
            wait_for_capacity: self.wait_for_capacity.or(other.wait_for_capacity),
            verbose: self.verbose.or(other.verbose),
            caller_may_set: or(&self.caller_may_set, &other.caller_may_set),
            forward_trace: self.forward_trace.or(other.forward_trace),
        }
    }

    /// The paths of the [APIs](sagewire_dialects::native) that the container speaks itself.
    #[must_use]
    pub fn native_routes(&self) -> Vec<&str> {
        match &self.native_routes {
            Some(paths) => paths.iter().map(String::as_str).collect(),
            None => {
                let has_them = self.dialect.is_some_and(|dialect| dialect.implementation().has_native_routes())
                    || self.rerank_dialect == Some(RerankDialect::Vllm);
                PROTOCOLS.iter().map(Protocol::path).filter(|_| has_them).collect()
            }
        }
    }

    /// What a gateway must tell of its callers, in [`CallerIdentity`](crate::CallerIdentity), for the
    /// ids that are derived.
    pub fn id_sources(&self) -> impl Iterator<Item = &IdSource> {
        self.prefix_aware_id_from.iter().chain(&self.session_id_from)
    }

    /// The revision of the model on the Hub.
    pub(crate) fn hub_revision(&self) -> &str {
        self.hub_revision.as_deref().unwrap_or(DEFAULT_REVISION)
    }

    /// Where the template of a model is looked for.
    pub(crate) fn template_sources(&self) -> &[TemplateSource] {
        self.template_sources.as_deref().unwrap_or(&TemplateSource::ALL)
    }

    /// Where a call's raw requests are written.
    pub(crate) fn wire(&self) -> Wire {
        Wire::new(self.verbose == Some(true))
    }

    /// What the temperature 0 becomes; `None` where it is sent as it is.
    pub(crate) fn zero_temperature(&self) -> Option<f64> {
        const DOCUMENTED_BY_LITELLM: f64 = 0.1;
        (self.allow_zero_temperature != Some(true)).then(|| self.zero_temperature.unwrap_or(DOCUMENTED_BY_LITELLM))
    }
}

impl Extension for Settings {}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { credentials, region, profile, base_url, dialect, embedding_dialect, headers, extra_headers, .. } =
            self;
        // Header values may be tokens of a gateway in between: their names are enough.
        let extra_headers: Vec<_> = extra_headers.keys().collect();
        f.debug_struct("Settings")
            .field("credentials", credentials)
            .field("region", region)
            .field("profile", profile)
            .field("base_url", base_url)
            .field("dialect", dialect)
            .field("embedding_dialect", embedding_dialect)
            .field("headers", headers)
            .field("extra_headers", &extra_headers)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_calls_settings_stand_over_the_providers() {
        let provider = Settings {
            dialect: Some(ChatDialect::Tgi),
            hf_model_name: Some("m".to_owned()),
            timeouts: Timeouts { idle: Some(Duration::from_secs(1)), ..Timeouts::default() },
            extra_headers: HeaderMap::from_iter([
                (http::header::USER_AGENT, HeaderValue::from_static("a")),
                (http::header::VIA, HeaderValue::from_static("b")),
            ]),
            ..Settings::default()
        };
        let call = Settings {
            dialect: Some(ChatDialect::Lmi),
            timeouts: Timeouts { total: Some(Duration::from_secs(9)), ..Timeouts::default() },
            extra_headers: HeaderMap::from_iter([(http::header::VIA, HeaderValue::from_static("c"))]),
            ..Settings::default()
        };
        let both = call.or(&provider);
        assert_eq!((both.dialect, both.hf_model_name.as_deref()), (Some(ChatDialect::Lmi), Some("m")));
        assert_eq!(
            (both.timeouts.idle, both.timeouts.total),
            (Some(Duration::from_secs(1)), Some(Duration::from_secs(9)))
        );
        assert_eq!((&both.extra_headers["via"], both.extra_headers.len()), (&HeaderValue::from_static("c"), 2));
    }

    #[test]
    fn zero_becomes_the_documented_value_unless_it_is_allowed() {
        let mut settings = Settings::default();
        assert_eq!(settings.zero_temperature(), Some(0.1));
        settings.zero_temperature = Some(0.01);
        assert_eq!(settings.zero_temperature(), Some(0.01));
        settings.allow_zero_temperature = Some(true);
        assert_eq!(settings.zero_temperature(), None);
    }

    #[test]
    fn debug_shows_no_header_value() {
        let settings = Settings {
            extra_headers: HeaderMap::from_iter([(http::header::COOKIE, HeaderValue::from_static("session-canary"))]),
            ..Settings::default()
        };
        assert!(!format!("{settings:?} {settings:#?}").contains("session-canary"));
    }
}
