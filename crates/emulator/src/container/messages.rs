//! A container that speaks OpenAI's API, as vLLM's SageMaker image does.
//!
//! Owns the choice between chat and completion, and vLLM's validation and error form. The answers
//! are in `openai`. A body is judged as [vLLM's `/invocations`](https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html) judges it.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{
    Container, ContainerReply, Invocation,
    openai::{AnswerIdentity, ChatRequest, CompletionRequest, Flavour},
};

/// OpenAI's own bound.
const MOST_CHOICES: i64 = 128;

/// The OpenAI-shaped container: `messages` or `prompt` in, `chat.completion` or `text_completion`
/// out, both also as a stream that ends with `[DONE]`.
///
/// It calls a tool when one is offered whose name shares a word with the user's last message (or
/// when `tool_choice` says so), answers JSON where `response_format` asks for it, and goes on up to
/// `max_tokens` under `ignore_eos`.
#[derive(Clone, Debug)]
pub struct Messages {
    pace: Duration,
    context_length: usize,
}

impl Messages {
    /// A model with a context of 32,768 tokens that streams as fast as it can.
    #[must_use]
    pub const fn new() -> Self {
        Self { pace: Duration::ZERO, context_length: 32_768 }
    }

    /// Waits so long before each part of a stream, by tokio's clock.
    #[must_use]
    pub const fn paced(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// The most tokens that prompt and answer may have together.
    #[must_use]
    pub const fn context_length(mut self, tokens: usize) -> Self {
        self.context_length = tokens;
        self
    }

    fn chat(&self, invocation: &Invocation, request: &ChatRequest) -> Result<ContainerReply, ChatRefusal> {
        if request.messages.is_empty() {
            return Err(ChatRefusal::parameter("messages", "messages must not be empty"));
        }
        check_sampling(request.temperature, request.top_p)?;
        for (name, penalty) in
            [("presence_penalty", request.presence_penalty), ("frequency_penalty", request.frequency_penalty)]
        {
            if let Some(penalty) = penalty.filter(|penalty| !(-2.0..=2.0).contains(penalty)) {
                return Err(ChatRefusal::value(
                    name,
                    &format!("{name} must be in [-2, 2], got {penalty:?}."),
                    &json!(penalty),
                ));
            }
        }
        if let Some(n) = request.n.filter(|n| !(1..=MOST_CHOICES).contains(n)) {
            let bound = if n < 1 { "at least 1".to_owned() } else { format!("at most {MOST_CHOICES}") };
            return Err(ChatRefusal::value("n", &format!("n must be {bound}, got {n}."), &json!(n)));
        }
        let room = self.room(request.prompt_tokens(), request.limit())?;
        let identity = AnswerIdentity::new(Flavour::Vllm, invocation, request.model.as_deref());
        Ok(request.answer(&identity, room))
    }

    fn complete(&self, invocation: &Invocation, request: &CompletionRequest) -> Result<ContainerReply, ChatRefusal> {
        if request.is_empty() {
            return Err(ChatRefusal::no_prompt());
        }
        check_sampling(request.temperature, request.top_p)?;
        // As in OpenAI's API, a completion without a limit has 16 tokens.
        let room = self.room(request.prompt_tokens(), request.max_tokens)?.min(16);
        let identity = AnswerIdentity::new(Flavour::Vllm, invocation, request.model.as_deref());
        Ok(request.answer(&identity, room))
    }

    /// How many tokens the answer may have.
    fn room(&self, prompt_tokens: usize, limit: Option<i64>) -> Result<usize, ChatRefusal> {
        let length = self.context_length;
        if prompt_tokens >= length {
            return Err(ChatRefusal::parameter(
                "input_tokens",
                &format!(
                    "This model's maximum context length is {length} tokens. However, your request has {prompt_tokens} input tokens. \
                     Please reduce the length of the input messages."
                ),
            ));
        }
        let Some(limit) = limit else { return Ok(length - prompt_tokens) };
        let value = json!(limit);
        match usize::try_from(limit) {
            Ok(0) | Err(_) => {
                Err(ChatRefusal::value("max_tokens", &format!("max_tokens must be at least 1, got {limit}."), &value))
            }
            Ok(wanted) if wanted > length => Err(ChatRefusal::value(
                "max_tokens",
                &format!(
                    "max_tokens={limit} cannot be greater than max_model_len={length}. Please request fewer output tokens."
                ),
                &value,
            )),
            Ok(wanted) => Ok(wanted.min(length - prompt_tokens)),
        }
    }
}

impl Default for Messages {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Container for Messages {
    fn image(&self) -> &str {
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.21.0-gpu-py312-cu130-ubuntu22.04-sagemaker-v1.3"
    }

    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let answered = read(&invocation.body).and_then(|request| match &request {
            MessagesRequest::Chat(request) => self.chat(&invocation, request),
            MessagesRequest::Completion(request) => self.complete(&invocation, request),
        });
        answered.unwrap_or_else(ChatRefusal::reply).paced(self.pace)
    }
}

enum MessagesRequest {
    Chat(Box<ChatRequest>),
    Completion(Box<CompletionRequest>),
}

fn read(body: &[u8]) -> Result<MessagesRequest, ChatRefusal> {
    let body: Value = serde_json::from_slice(body).map_err(|error| ChatRefusal {
        message: format!("JSON decode error: {error}"),
        kind: "Bad Request",
        parameter: None,
    })?;
    let unreadable =
        |error: serde_json::Error| ChatRefusal { message: error.to_string(), kind: "Bad Request", parameter: None };
    if body.get("messages").is_some() {
        return serde_json::from_value(body).map(MessagesRequest::Chat).map_err(unreadable);
    }
    if body.get("prompt").is_some_and(|prompt| !prompt.is_null()) {
        return serde_json::from_value(body).map(MessagesRequest::Completion).map_err(unreadable);
    }
    Err(ChatRefusal::no_prompt())
}

fn check_sampling(temperature: Option<f64>, top_p: Option<f64>) -> Result<(), ChatRefusal> {
    if let Some(temperature) = temperature.filter(|temperature| *temperature < 0.0) {
        let message = format!("temperature must be non-negative, got {temperature:?}.");
        return Err(ChatRefusal::value("temperature", &message, &json!(temperature)));
    }
    if let Some(top_p) = top_p.filter(|top_p| !(*top_p > 0.0 && *top_p <= 1.0)) {
        return Err(ChatRefusal::value("top_p", &format!("top_p must be in (0, 1], got {top_p:?}."), &json!(top_p)));
    }
    Ok(())
}

/// A 400 in OpenAI's error form.
struct ChatRefusal {
    message: String,
    kind: &'static str,
    parameter: Option<&'static str>,
}

impl ChatRefusal {
    fn parameter(name: &'static str, message: &str) -> Self {
        Self { message: format!("{message} (parameter={name})"), kind: "BadRequestError", parameter: Some(name) }
    }

    fn value(name: &'static str, message: &str, value: &Value) -> Self {
        Self {
            message: format!("{message} (parameter={name}, value={value})"),
            kind: "BadRequestError",
            parameter: Some(name),
        }
    }

    fn no_prompt() -> Self {
        Self::parameter("prompt", "Either prompt or prompt_embeds must be provided and non-empty.")
    }

    fn reply(self) -> ContainerReply {
        let error = json!({"message": self.message, "type": self.kind, "param": self.parameter, "code": 400});
        ContainerReply::json(400, &json!({"error": error}))
    }
}

#[cfg(test)]
mod tests;
