//! vLLM with a model that speaks and paints: bytes of a sound, and images in base64.
//!
//! Owns its two routes, which `route=` names. Rules: [vLLM-Omni](https://docs.vllm.ai/projects/vllm-omni/en/latest/).

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Container, ContainerReply, Invocation, route};

/// A model that speaks at `/v1/audio/speech` and paints at `/v1/images/generations`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Omni;

#[async_trait]
impl Container for Omni {
    fn image(&self) -> &str {
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:omni-1.0-cuda"
    }

    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let body: Value = serde_json::from_slice(&invocation.body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let missing = |name: &str| {
            let error = json!({"message": format!("Field required: {name}"), "type": "BadRequestError", "code": 400});
            ContainerReply::json(400, &json!({"error": error}))
        };
        match route::asked_for(invocation.custom_attributes.as_deref()) {
            Some("/v1/audio/speech") => match text("input") {
                Some(input) => sound(input),
                None => missing("input"),
            },
            Some("/v1/images/generations") => match text("prompt") {
                Some(prompt) => {
                    let count = body.get("n").and_then(Value::as_u64).unwrap_or(1).min(10);
                    let images =
                        (0..count).map(|place| json!({"b64_json": STANDARD.encode(format!("{place}: {prompt}"))}));
                    ContainerReply::json(200, &json!({"created": 1, "data": images.collect::<Vec<_>>()}))
                }
                None => missing("prompt"),
            },
            _ => ContainerReply::json(404, &json!({"detail": "Not Found"})),
        }
    }
}

/// A part for each word, as a server that streams sends them.
fn sound(input: &str) -> ContainerReply {
    let words = input.split_inclusive(' ').map(|word| word.bytes().map(|byte| byte ^ 0x80).collect::<Vec<u8>>());
    let parts: Vec<Vec<u8>> = [b"RIFF".to_vec()].into_iter().chain(words).collect();
    ContainerReply::parts("audio/wav", parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(route: &str, body: Value) -> ContainerReply {
        let mut invocation = Invocation::new(body.to_string());
        invocation.custom_attributes = Some(format!("route={route}"));
        Omni.invoke(invocation).await
    }

    #[tokio::test]
    async fn it_speaks_and_paints() {
        let spoken = ask("/v1/audio/speech", json!({"input": "Hello there"})).await;
        assert_eq!(spoken.content_type, "audio/wav");
        assert!(spoken.body.collect().await.unwrap().starts_with(b"RIFF"));
        let painted = ask("/v1/images/generations", json!({"prompt": "a llama", "n": 2})).await;
        let painted: Value = serde_json::from_slice(&painted.body.collect().await.unwrap()).unwrap();
        assert_eq!(painted["data"].as_array().unwrap().len(), 2);
        assert_eq!(ask("/v1/audio/speech", json!({})).await.status, 400);
        assert_eq!(ask("/v1/chat/completions", json!({})).await.status, 404);
    }
}
