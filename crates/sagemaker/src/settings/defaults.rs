//! Parameters that a deployment sets for all its calls.
//!
//! Owns the rule that what a request sets itself stays.

use sagewire_types::{AudioForm, ChatRequest, CompletionRequest, EmbedRequest, Error, ErrorKind, RerankRequest};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::ParameterPolicy;

/// The policy where none is set: what a dialect cannot carry is refused.
pub(crate) static REFUSE: ParameterPolicy = ParameterPolicy::refusing();

/// Fills in what the request leaves open.
pub(crate) fn fill(request: &mut ChatRequest, defaults: Option<&ChatRequest>) {
    let Some(defaults) = defaults else { return };
    macro_rules! fill {
        ($($field:ident),* $(,)?) => {
            $(if request.$field.is_none() { request.$field.clone_from(&defaults.$field); })*
        };
    }
    // Either name of the limit is the request's own.
    if request.token_limit().is_none() {
        request.max_tokens = defaults.max_tokens;
        request.max_completion_tokens = defaults.max_completion_tokens;
    }
    fill!(
        temperature,
        top_p,
        n,
        stop,
        stream_options,
        presence_penalty,
        frequency_penalty,
        logit_bias,
        logprobs,
        top_logprobs,
        seed,
        response_format,
        tools,
        tool_choice,
        parallel_tool_calls,
        reasoning_effort,
        user,
    );
    fill_extra(&mut request.extra, &defaults.extra);
}

/// Fills in what a completion leaves open.
pub(crate) fn fill_completion(request: &mut CompletionRequest, defaults: Option<&ChatRequest>) {
    let Some(defaults) = defaults else { return };
    macro_rules! fill {
        ($($field:ident),* $(,)?) => {
            $(if request.$field.is_none() { request.$field.clone_from(&defaults.$field); })*
        };
    }
    if request.max_tokens.is_none() {
        request.max_tokens = defaults.token_limit();
    }
    fill!(temperature, top_p, n, stop, stream_options, presence_penalty, frequency_penalty, seed, user);
    fill_extra(&mut request.extra, &defaults.extra);
}

/// Fills in what an embedding leaves open.
///
/// # Errors
/// `Configuration` where `dimensions` or `encoding_format` is set to something else than they can
/// be.
pub(crate) fn fill_embedding(request: &mut EmbedRequest, defaults: Option<&ChatRequest>) -> Result<(), Error> {
    let Some(defaults) = defaults else { return Ok(()) };
    let mut extra = defaults.extra.clone();
    request.dimensions = request.dimensions.or(read(extra.shift_remove("dimensions"), "dimensions")?);
    request.encoding_format =
        request.encoding_format.or(read(extra.shift_remove("encoding_format"), "encoding_format")?);
    if request.user.is_none() {
        request.user.clone_from(&defaults.user);
    }
    fill_extra(&mut request.extra, &extra);
    Ok(())
}

/// Fills in what a rerank request leaves open.
pub(crate) fn fill_rerank(request: &mut RerankRequest, defaults: Option<&ChatRequest>) {
    if let Some(defaults) = defaults {
        fill_extra(&mut request.extra, &defaults.extra);
    }
}

/// The parameters of a deployment that a recording's form does not have, as texts.
pub(crate) fn of_transcription(form: &AudioForm, defaults: Option<&ChatRequest>) -> Vec<(String, String)> {
    let Some(defaults) = defaults else { return Vec::new() };
    let temperature = defaults.temperature.map(|value| ("temperature".to_owned(), Value::from(value)));
    let others = defaults.extra.iter().map(|(name, value)| (name.clone(), value.clone()));
    let open = temperature.into_iter().chain(others).filter(|(name, _)| form.field(name).is_none());
    open.filter_map(|(name, value)| match value {
        Value::String(text) => Some((name, text)),
        Value::Number(_) | Value::Bool(_) => Some((name, value.to_string())),
        _ => None,
    })
    .collect()
}

fn fill_extra(extra: &mut Map<String, Value>, defaults: &Map<String, Value>) {
    for (name, value) in defaults {
        if !extra.contains_key(name) {
            extra.insert(name.clone(), value.clone());
        }
    }
}

fn read<T: DeserializeOwned>(value: Option<Value>, name: &str) -> Result<Option<T>, Error> {
    let read = value.map(serde_json::from_value).transpose();
    read.map_err(|error| {
        Error::new(ErrorKind::Configuration, format!("invalid value for `{name}`: {error}"))
            .with_param(name)
            .with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_request_sets_stays() {
        let defaults = ChatRequest::new("", [])
            .with_temperature(0.9)
            .with_max_tokens(10)
            .with_top_p(0.5)
            .with_parameter("top_k", 1)
            .with_parameter("x", 2);
        let mut request = ChatRequest::new("m", []).with_temperature(0.1).with_parameter("top_k", 7);
        request.max_completion_tokens = Some(3);
        fill(&mut request, Some(&defaults));
        assert_eq!(
            (request.temperature, request.top_p, request.token_limit(), request.max_tokens),
            (Some(0.1), Some(0.5), Some(3), None)
        );
        assert_eq!((&request.extra["top_k"], &request.extra["x"]), (&7.into(), &2.into()));
    }
}
