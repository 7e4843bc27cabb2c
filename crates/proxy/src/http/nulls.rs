//! Nulls in whole answers.
//!
//! Owns which of them callers get: those that [OpenAI's schema](https://github.com/openai/openai-openapi) requires (`logprobs` of a choice,
//! `content` and `refusal` of a message), whether the container wrote them or not. Others are left
//! out, as LiteLLM does, because some clients cannot read keys that they do not know.

use sagewire_types::{ChatResponse, CompletionResponse, EmbedResponse};
use serde_json::{Map, Value};

pub(super) fn clean_chat(response: &mut ChatResponse) {
    clean(&mut response.extra);
    for choice in &mut response.choices {
        clean(&mut choice.extra);
        choice.logprobs.get_or_insert(Value::Null);
        let message = &mut choice.message;
        clean(&mut message.extra);
        message.extra.entry("refusal").or_insert(Value::Null);
    }
    if let Some(usage) = &mut response.usage {
        clean(&mut usage.extra);
    }
}

pub(super) fn clean_completion(response: &mut CompletionResponse) {
    clean(&mut response.extra);
    for choice in &mut response.choices {
        clean(&mut choice.extra);
    }
    if let Some(usage) = &mut response.usage {
        clean(&mut usage.extra);
    }
}

pub(super) fn clean_embedding(response: &mut EmbedResponse) {
    clean(&mut response.extra);
    if let Some(usage) = &mut response.usage {
        clean(&mut usage.extra);
    }
}

fn clean(extra: &mut Map<String, Value>) {
    if extra.is_empty() {
        return;
    }
    extra.retain(|_, value| match value {
        Value::Null => false,
        Value::Object(inner) => {
            clean(inner);
            true
        }
        _ => true,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_go_but_for_those_of_openais_schema() {
        let json = r#"{"id":"a","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"audio":{"id":"x","data":null}},"finish_reason":"stop","stop_reason":null}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":null},"kv_transfer_params":null}"#;
        let mut response: ChatResponse = serde_json::from_str(json).unwrap();
        clean_chat(&mut response);
        assert_eq!(
            serde_json::to_string(&response).unwrap(),
            r#"{"id":"a","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"audio":{"id":"x"},"refusal":null},"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#
        );
    }
}
