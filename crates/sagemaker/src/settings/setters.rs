//! The setters of [`Settings`] and [`Timeouts`].
//!
//! Owns their names: `with_<field>`, under the names of the parameters that a deployment has.

use std::{num::NonZeroUsize, time::Duration};

use http::{HeaderName, HeaderValue};
use sagewire_credentials::{Region, SharedCredentialsProvider};
use sagewire_types::ChatRequest;

use super::{Settings, Timeouts, id_source::IdSource};
use crate::{
    ChatDialect, DetailsPolicy, EmbeddingDialect, InvocationHeaders, ParameterPolicy, RerankDialect, TemplateChoice,
    TemplateSource, TranscriptionDialect,
};

/// Writes the setters: their documentation, name, field and the type that they take, and the field
/// that theirs is in.
macro_rules! setters {
    ($($(#[$attribute:meta])* $setter:ident($field:ident: $value:ty) $(in $group:ident)?;)*) => {
        $(
            $(#[$attribute])*
            #[must_use]
            pub fn $setter(mut self, $field: $value) -> Self {
                self$(.$group)?.$field = Some($field.into());
                self
            }
        )*
    };
}

/// ```
/// use sagewire_sagemaker::{EmbeddingDialect, Settings, Timeouts};
/// use std::time::Duration;
///
/// let settings = Settings::new()
///     .with_inference_component("bge-large")
///     .with_embedding_dialect(EmbeddingDialect::Tei)
///     .with_timeouts(Timeouts::new().with_total(Duration::from_secs(30)));
/// ```
impl Settings {
    /// Settings that leave everything to the provider.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Sets whose credentials sign the calls. They are asked for each call: a source that is slow belongs in a
        /// [`CachedProvider`](sagewire_credentials::CachedProvider).
        with_credentials(credentials: SharedCredentialsProvider);
        /// Sets the region.
        with_region(region: Region);
        /// Sets the profile of the shared files that region and endpoint URL are taken from.
        with_profile(profile: impl Into<String>);
        /// Sets where calls go, in place of the region's host.
        with_base_url(base_url: impl Into<String>);
        /// Sets what `prefix_aware_id` is derived from.
        with_prefix_aware_id_from(prefix_aware_id_from: IdSource);
        /// Sets what `session_id` is derived from.
        with_session_id_from(session_id_from: IdSource);
        /// Sets the dialect of chat and completions.
        with_dialect(dialect: ChatDialect);
        /// Sets the family of embeddings.
        with_embedding_dialect(embedding_dialect: EmbeddingDialect);
        /// Sets the family of servers of transcription.
        with_transcription_dialect(transcription_dialect: TranscriptionDialect);
        /// Sets the family of rerankers.
        with_rerank_dialect(rerank_dialect: RerankDialect);
        /// Sets further paths of the container that `forward` may ask for.
        with_further_routes(further_routes: impl Into<Vec<String>>);
        /// Sets the model, where the endpoint hosts several as inference components (LiteLLM's `model_id`).
        with_inference_component(inference_component: impl Into<String>) in headers;
        /// Sets the model, where the endpoint is a multi-model one.
        with_target_model(target_model: impl Into<String>) in headers;
        /// Sets the production variant.
        with_target_variant(target_variant: impl Into<String>) in headers;
        /// Sets the container, where the endpoint hosts several.
        with_target_container_hostname(target_container_hostname: impl Into<String>) in headers;
        /// Sets the stateful session; `NEW_SESSION` opens one.
        with_session_id(session_id: impl Into<String>) in headers;
        /// Sets the JWT that says on whose behalf a global inference gateway is called.
        with_customer_identity_token(customer_identity_token: impl Into<String>) in headers;
        /// Sets an id that captured data is stored under.
        with_inference_id(inference_id: impl Into<String>) in headers;
        /// Sets text that the container sees, such as `accept_eula=true`.
        with_custom_attributes(custom_attributes: impl Into<String>) in headers;
        /// Sets the model's name on Hugging Face, which chooses the chat template.
        with_hf_model_name(hf_model_name: impl Into<String>);
        /// Sets how the model of a text container writes tool calls, by the name of vLLM's parser.
        with_tool_call_parser(tool_call_parser: impl Into<String>);
        /// Sets the chat template for text containers.
        with_template(template: impl Into<TemplateChoice>);
        /// Sets whether the Hugging Face Hub may be asked for the template of `hf_model_name`.
        with_hub_access(hub_access: bool);
        /// Sets the revision of the model on the Hub and in its cache on disk.
        with_hub_revision(hub_revision: impl Into<String>);
        /// Sets where the template of `hf_model_name` is looked for, in this order.
        with_template_sources(template_sources: impl Into<Vec<TemplateSource>>);
        /// Sets whether calls are refused whose prompt may not have the model's format.
        with_strict_chat_templates(strict_chat_templates: bool);
        /// Sets whether the temperature 0 is sent as it is.
        with_allow_zero_temperature(allow_zero_temperature: bool);
        /// Sets what the temperature 0 becomes on text containers.
        with_zero_temperature(zero_temperature: f64);
        /// Sets what happens to parameters that a dialect cannot carry.
        with_parameters(parameters: ParameterPolicy);
        /// Sets whether text containers are asked for the details of their answers.
        with_details(details: DetailsPolicy);
        /// Sets parameters that a request has unless it sets them itself.
        with_defaults(defaults: ChatRequest);
        /// Sets how many inputs an embedding container gets at once.
        with_embedding_batch_size(embedding_batch_size: NonZeroUsize);
        /// Sets how many documents a reranker gets at once.
        with_rerank_batch_size(rerank_batch_size: NonZeroUsize);
        /// Sets how many batches of one embedding request are under way at once.
        with_embedding_concurrency(embedding_concurrency: NonZeroUsize);
        /// Sets whether whole replies are cut into chunks, for containers that cannot stream.
        with_fake_stream(fake_stream: bool);
        /// Sets whether the endpoint is asynchronous.
        with_async_inference(async_inference: bool);
        /// Sets where calls of asynchronous endpoints put large inputs: `s3://bucket/prefix`.
        with_async_input_location(async_input_location: impl Into<String>);
        /// Sets how many tries a call has in all, the first included.
        with_max_attempts(max_attempts: u32);
        /// Sets how long to wait for an endpoint that is scaled to zero.
        with_wait_for_capacity(wait_for_capacity: Duration);
        /// Sets whether what is sent and received is written to the tracing target `sagewire::wire`.
        with_verbose(verbose: bool);
        /// Sets the parameters that a caller may set for its own calls, by LiteLLM's names.
        with_caller_may_set(caller_may_set: impl Into<Vec<String>>);
        /// Sets whether the container is told the caller's trace.
        with_forward_trace(forward_trace: bool);
    }

    /// Sets which model, variant, container and session of the endpoint calls are for, all at once.
    #[must_use]
    pub fn with_headers(mut self, headers: InvocationHeaders) -> Self {
        self.headers = headers;
        self
    }

    /// Adds a header, in place of one of the same name. It is signed if it is named `x-amzn-*`, and
    /// its value is not shown in logs.
    #[must_use]
    pub fn with_extra_header(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        self.extra_headers.insert(name, value);
        self
    }

    /// Sets the time limits.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }
}

impl Timeouts {
    /// Limits that leave everything to the provider.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Sets the limit for making a connection, for each try.
        with_connect(connect: Duration);
        /// Sets the limit until status and headers have come, for each try.
        with_first_byte(first_byte: Duration);
        /// Sets the limit between two pieces of a reply.
        with_idle(idle: Duration);
        /// Sets the limit for the whole call with all its tries and its stream.
        with_total(total: Duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setters_set_the_fields_of_their_names() {
        let settings = Settings::new()
            .with_dialect(ChatDialect::Lmi)
            .with_inference_component("llama")
            .with_session_id("s")
            .with_max_attempts(1)
            .with_extra_header(http::header::COOKIE, HeaderValue::from_static("canary"))
            .with_timeouts(Timeouts::new().with_idle(Duration::from_secs(1)).with_total(Duration::from_secs(2)));
        assert_eq!(settings.dialect, Some(ChatDialect::Lmi));
        assert_eq!(settings.headers.inference_component.as_deref(), Some("llama"));
        assert_eq!(settings.headers.session_id.as_deref(), Some("s"));
        assert_eq!(settings.max_attempts, Some(1));
        assert!(settings.extra_headers[http::header::COOKIE].is_sensitive());
        let Timeouts { connect, first_byte, idle, total } = settings.timeouts;
        assert_eq!((connect, first_byte), (None, None));
        assert_eq!((idle, total), (Some(Duration::from_secs(1)), Some(Duration::from_secs(2))));
    }
}
