//! Streams as containers write them, in bytes.

use serde_json::{Value, json};

/// A token event of TGI's `generate`.
#[must_use]
pub fn tgi_token(text: &str) -> String {
    format!(
        "data:{}\n\n",
        json!({"index": 1, "token": {"id": 1, "text": text, "logprob": -0.5, "special": false}, "generated_text": null, "details": null})
    )
}

/// A whole stream of TGI's `generate`: each text a token, and the details in the last event.
#[must_use]
pub fn tgi_stream(texts: &[&str]) -> String {
    let last = json!({
        "index": texts.len(),
        "token": {"id": 2, "text": "</s>", "logprob": -0.1, "special": true},
        "generated_text": texts.concat(),
        "details": {"finish_reason": "eos_token", "generated_tokens": texts.len(), "input_length": 3, "seed": null},
    });
    let tokens: String = texts.iter().map(|text| tgi_token(text)).collect();
    format!("{tokens}data:{last}\n\n")
}

/// One chunk of OpenAI's, as an event.
#[must_use]
pub fn openai_event(choices: Value) -> String {
    let chunk =
        json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": choices});
    format!("data: {chunk}\n\n")
}

/// A whole stream of OpenAI's chunks: the role, each text, the finish reason, and `[DONE]`.
#[must_use]
pub fn openai_stream(texts: &[&str]) -> String {
    let opening =
        openai_event(json!([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}]));
    let texts: String = texts
        .iter()
        .map(|text| openai_event(json!([{"index": 0, "delta": {"content": text}, "finish_reason": null}])))
        .collect();
    let closing = openai_event(json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]));
    format!("{opening}{texts}{closing}data: [DONE]\n\n")
}

/// A whole reply of a Messages container.
#[must_use]
pub fn openai_reply(text: &str) -> String {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    })
    .to_string()
}

/// A whole reply of a text container.
#[must_use]
pub fn tgi_reply(text: &str) -> String {
    json!([{"generated_text": text}]).to_string()
}
