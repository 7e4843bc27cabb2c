//! What can be known to fail before anything is sent.
//!
//! Owns the checks of requests, and the names of our own settings, which must never reach a container.

use std::fmt::Write as _;

use sagewire_types::{ChatRequest, EmbedRequest, Error, ErrorKind, ReplyMeta};
use serde_json::{Map, Value};

/// Names of settings that LiteLLM takes beside a request's parameters. With any of `aws_`'s they are the operator's.
const OWN_PARAMETERS: &[&str] = &[
    "additional_drop_params",
    "allowed_openai_params",
    "api_base",
    "api_key",
    "bos_token",
    "chat_template",
    "connect_timeout",
    "custom_attributes",
    "custom_prompt_dict",
    "dialect",
    "drop_params",
    "embedding_batch_size",
    "embedding_concurrency",
    "embedding_dialect",
    "enable_explanations",
    "eos_token",
    "extra_headers",
    "fake_stream",
    "final_prompt_value",
    "hf_model_name",
    "hub_access",
    "hub_revision",
    "idle_timeout",
    "inference_id",
    "initial_prompt_value",
    "model_id",
    "prefix_aware_id",
    "roles",
    "sagemaker_base_url",
    "set_verbose",
    "stream_timeout",
    "target_container_hostname",
    "target_model",
    "target_variant",
    "template_sources",
    "verbose",
    "wait_for_capacity",
    "zero_temperature",
];

/// Whether a parameter's name is that of one of our own settings.
pub(crate) fn is_own_parameter(name: &str) -> bool {
    name.starts_with("aws_") || OWN_PARAMETERS.contains(&name)
}

/// A chat request that could be answered.
///
/// # Errors
/// `InvalidRequest` without messages, and for a setting of ours among the parameters.
pub(crate) fn chat(request: &ChatRequest) -> Result<(), Error> {
    if request.messages.is_empty() {
        return Err(Error::invalid("messages", "`messages` is empty: add at least one, such as a user's"));
    }
    own_parameters(&request.extra)
}

/// An embedding request that could be answered.
///
/// # Errors
/// `InvalidRequest` without input, and for a setting of ours among the parameters.
pub(crate) fn embed(request: &EmbedRequest) -> Result<(), Error> {
    if request.input.is_empty() {
        return Err(Error::invalid("input", "`input` is empty: add at least one text"));
    }
    own_parameters(&request.extra)
}

/// Parameters without any setting of ours: those would reach the container's body, and its logs.
///
/// # Errors
/// `InvalidRequest`, naming the setting and not its value.
pub(crate) fn own_parameters(parameters: &Map<String, Value>) -> Result<(), Error> {
    let body = parameters.get("extra_body").and_then(Value::as_object);
    let names = parameters.keys().chain(body.into_iter().flat_map(Map::keys));
    match names.into_iter().find(|name| is_own_parameter(name)) {
        Some(name) => Err(Error::invalid(
            name.as_str(),
            format!(
                "`{name}` is a setting and no parameter of the request: set it in the provider's or the call's `Settings`, or in the proxy's configuration"
            ),
        )),
        None => Ok(()),
    }
}

/// An id for an answer whose container gives none.
pub(crate) fn new_id(prefix: &str) -> String {
    let mut id = String::with_capacity(prefix.len() + 32);
    // Writing to a String cannot fail.
    let _ = write!(id, "{prefix}{:032x}", fastrand::u128(..));
    id
}

/// An error in reading a reply, with what is known of the reply.
pub(crate) fn answered(error: Error, meta: &ReplyMeta) -> Error {
    let error = error.with_attempts(meta.attempts);
    match &meta.request_id {
        Some(request_id) => error.with_request_id(request_id),
        None => error,
    }
}

/// A setting that names nothing we know.
pub(crate) fn unknown_setting(setting: &str, value: &str, known: impl Iterator<Item = &'static str>) -> Error {
    let known: Vec<_> = known.collect();
    Error::new(
        ErrorKind::Configuration,
        format!("`{setting}` is `{value}`, which nobody knows: set one of {}", known.join(", ")),
    )
    .with_param(setting)
}

#[cfg(test)]
mod tests {
    use sagewire_types::Message;
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_among_the_parameters_are_refused_without_their_value() {
        for name in OWN_PARAMETERS.iter().copied().chain(["aws_secret_access_key", "aws_anything"]) {
            let request = ChatRequest::new("sagemaker/e", [Message::user("hi")]);
            for request in [
                request.clone().with_parameter(name, "the-canary"),
                request.clone().with_parameter("extra_body", json!({ name: "the-canary" })),
            ] {
                let error = chat(&request).unwrap_err();
                assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some(name)));
                assert!(!format!("{error} {error:?}").contains("the-canary"));
            }
        }
        assert!(chat(&ChatRequest::new("sagemaker/e", [Message::user("hi")]).with_parameter("top_k", 1)).is_ok());
    }

    #[test]
    fn nothing_to_answer_is_refused() {
        assert_eq!(chat(&ChatRequest::new("m", [])).unwrap_err().param(), Some("messages"));
        assert_eq!(embed(&EmbedRequest::new("m", Vec::<String>::new())).unwrap_err().param(), Some("input"));
    }
}
