//! The Hugging Face inference toolkit with a text-generation pipeline.
//!
//! Owns its schema, the echo of the prompt, and its refusal of parameters that `generate` does not
//! know. It knows neither TGI's details nor streams. Rules: [the toolkit](https://github.com/aws/sagemaker-huggingface-inference-toolkit) and
//! [the pipeline](https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.TextGenerationPipeline).

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Container, ContainerReply, Invocation,
    speech::{Limits, Speech, answer, gist},
};

/// How many tokens an answer has where the request does not say.
const DEFAULT_NEW_TOKENS: usize = 256;

/// The pipeline's own parameters, and those of `generate`.
const KNOWN: &[&str] = &[
    "do_sample",
    "early_stopping",
    "eos_token_id",
    "length_penalty",
    "max_length",
    "max_new_tokens",
    "min_length",
    "min_new_tokens",
    "no_repeat_ngram_size",
    "num_beams",
    "num_return_sequences",
    "pad_token_id",
    "prefix",
    "repetition_penalty",
    "return_full_text",
    "return_text",
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
];

/// The toolkit's container: `{"inputs", "parameters"}` in, `[{"generated_text": <prompt and
/// answer>}]` out.
///
/// The prompt is left out where `return_full_text` is false. What `generate` does not know, such as
/// TGI's `details` and `stop`, is refused as the toolkit refuses it: status 400, and the names in
/// the message. It does not stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct Toolkit;

#[derive(Deserialize)]
struct ToolkitRequest {
    inputs: String,
    #[serde(default)]
    parameters: Map<String, Value>,
}

impl Toolkit {
    /// A toolkit with a text-generation pipeline.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Container for Toolkit {
    fn image(&self) -> &str {
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-inference:2.6.0-transformers4.51.3-gpu-py312-cu124-ubuntu22.04"
    }

    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        match serde_json::from_slice::<ToolkitRequest>(&invocation.body) {
            Ok(request) => request.answer(),
            Err(error) => refusal(&format!("the body is not a request for a pipeline: {error}")),
        }
    }
}

impl ToolkitRequest {
    fn answer(&self) -> ContainerReply {
        let unknown: Vec<_> = self.parameters.keys().filter(|name| !KNOWN.contains(&name.as_str())).collect();
        if !unknown.is_empty() {
            let names: Vec<String> = unknown.iter().map(|name| format!("'{name}'")).collect();
            return refusal(&format!(
                "The following `model_kwargs` are not used by the model: [{}] (note: typos in the generate arguments will also show up \
                 in this list)",
                names.join(", ")
            ));
        }
        let number =
            |name: &str| self.parameters.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let limit = number("max_new_tokens").unwrap_or(DEFAULT_NEW_TOKENS);
        let limits = Limits { max_tokens: limit, stop: &[], keeps_stop: true, ignores_end: false };
        let said = Speech::new(&answer(&gist(&self.inputs), limit), &limits).text();
        let echo = if self.parameters.get("return_full_text") == Some(&Value::Bool(false)) { "" } else { &self.inputs };
        let answers =
            vec![json!({ "generated_text": format!("{echo}{said}") }); number("num_return_sequences").unwrap_or(1)];
        ContainerReply::json(200, &answers)
    }
}

/// The form in which the toolkit reports what it cannot do.
fn refusal(message: &str) -> ContainerReply {
    ContainerReply::json(400, &json!({"code": 400, "type": "InternalServerException", "message": message}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::ReplyBody;

    async fn ask(body: Value) -> (u16, Value) {
        let reply = Toolkit::new().invoke(Invocation::new(body.to_string())).await;
        let ReplyBody::Whole(bytes) = reply.body else { panic!("{reply:?}") };
        (reply.status, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn the_prompt_is_echoed_unless_it_is_not_wanted() {
        let (status, full) = ask(json!({"inputs": "Hi there"})).await;
        let (_, alone) = ask(json!({"inputs": "Hi there", "parameters": {"return_full_text": false}})).await;
        let alone = alone[0]["generated_text"].as_str().unwrap();
        assert!(alone.starts_with("You asked"), "{alone}");
        assert_eq!((status, &full), (200, &json!([{"generated_text": format!("Hi there{alone}")}])));
    }

    #[tokio::test]
    async fn parameters_that_the_pipeline_does_not_know_are_refused_by_name() {
        let (status, refused) =
            ask(json!({"inputs": "Hi", "parameters": {"top_k": 1, "details": true, "stop": ["x"]}})).await;
        assert_eq!((status, &refused["code"]), (400, &json!(400)));
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains("`model_kwargs`") && message.contains("['details', 'stop']"), "{message}");
        assert_eq!(ask(json!({"text": "Hi"})).await.0, 400);
    }

    #[tokio::test]
    async fn several_answers_are_several_items() {
        let parameters = json!({"num_return_sequences": 2, "max_new_tokens": 3});
        let (_, answers) = ask(json!({"inputs": "Hi", "parameters": parameters})).await;
        assert_eq!(answers.as_array().unwrap().len(), 2);
    }
}
