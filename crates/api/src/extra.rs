//! Parameters that an API does not know, on their way to the container.

use sagewire_types::{ChatRequest, Error, ErrorKind};
use serde_json::Value;

/// Gives chat's parameters among the further ones (`seed`, `logprobs`) their places, where the
/// translation has set nothing. Sent beside a value that it has set, they would reach the container
/// twice.
///
/// # Errors
/// `InvalidRequest` for a value of the wrong type.
pub(crate) fn into_fields(chat: &mut ChatRequest) -> Result<(), Error> {
    let extra = Value::Object(std::mem::take(&mut chat.extra));
    let given: ChatRequest = serde_json::from_value(extra).map_err(|error| {
        Error::new(ErrorKind::InvalidRequest, format!("invalid parameter: {error}")).with_source(error)
    })?;
    macro_rules! fill {
        ($($field:ident),*) => { $(if chat.$field.is_none() { chat.$field = given.$field; })* };
    }
    fill!(
        temperature,
        top_p,
        n,
        stop,
        stream_options,
        max_tokens,
        presence_penalty,
        frequency_penalty,
        logit_bias,
        logprobs
    );
    fill!(top_logprobs, seed, response_format, parallel_tool_calls, reasoning_effort, user);
    chat.extra = given.extra;
    Ok(())
}
