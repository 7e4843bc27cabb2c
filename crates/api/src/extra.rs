//! Parameters that an API does not know, on their way to the container.

use sagewire_types::ChatRequest;

/// Drops further parameters under the name of one of chat's that the translation has set: the container would be sent both.
pub(crate) fn drop_doubles(chat: &mut ChatRequest) {
    let set = [
        ("max_tokens", chat.max_tokens.is_some()),
        ("parallel_tool_calls", chat.parallel_tool_calls.is_some()),
        ("reasoning_effort", chat.reasoning_effort.is_some()),
        ("response_format", chat.response_format.is_some()),
        ("stop", chat.stop.is_some()),
        ("stream_options", chat.stream_options.is_some()),
        ("top_logprobs", chat.top_logprobs.is_some()),
        ("logprobs", chat.logprobs.is_some()),
        ("user", chat.user.is_some()),
    ];
    chat.extra.retain(|name, _| !set.contains(&(name.as_str(), true)));
}
