//! Text Generation Inference.
//!
//! Owns the choice between its schemas, the limits they share and its error form. `generate`, its
//! own schema, has a file; chat and completion bodies are answered by `openai` with TGI's manners.
//! Rules: [TGI's API](https://huggingface.github.io/text-generation-inference/).

mod generate;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json};

pub(super) use self::generate::Generate;
use super::{
    Container, ContainerReply, Invocation,
    openai::{AnswerIdentity, ChatRequest, CompletionRequest, Flavour},
};

/// How many tokens an answer has at most where the request does not say.
const DEFAULT_NEW_TOKENS: usize = 100;

/// The TGI container: `inputs` in, an array with `generated_text` out, or one server-sent event per
/// token and no `[DONE]`.
///
/// A body with `messages` or `prompt` is answered as TGI's OpenAI API answers it. What TGI refuses
/// is refused with its own words: 422 `{"error", "error_type"}`, or one event of that form where a
/// stream of `generate` was asked for, as TGI has begun it by then.
#[derive(Clone, Debug)]
pub struct Tgi {
    pace: Duration,
    max_total_tokens: usize,
}

impl Tgi {
    /// A model with 8,192 tokens in all that streams as fast as it can.
    #[must_use]
    pub const fn new() -> Self {
        Self { pace: Duration::ZERO, max_total_tokens: 8_192 }
    }

    /// Waits so long before each part of a stream, by tokio's clock.
    #[must_use]
    pub const fn paced(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// The most tokens that prompt and answer may have together (`MAX_TOTAL_TOKENS`).
    #[must_use]
    pub const fn max_total_tokens(mut self, tokens: usize) -> Self {
        self.max_total_tokens = tokens;
        self
    }

    fn answer(&self, invocation: &Invocation) -> ContainerReply {
        let body: Value = match serde_json::from_slice(&invocation.body) {
            Ok(body) => body,
            Err(error) => return unreadable(400, &format!("Failed to parse the request body as JSON: {error}")),
        };
        let answered = if let Ok(request) = serde_json::from_value::<Generate>(body.clone()) {
            Ok(self.generate(&request))
        } else if let Ok(request) = serde_json::from_value::<ChatRequest>(body.clone()) {
            self.chat(invocation, &request)
        } else if let Ok(request) = serde_json::from_value::<CompletionRequest>(body) {
            self.complete(invocation, &request)
        } else {
            let reason = "data did not match any variant of untagged enum SagemakerRequest";
            return unreadable(422, &format!("Failed to deserialize the JSON body into the target type: {reason}"));
        };
        answered.unwrap_or_else(|refusal| refusal.reply())
    }

    fn generate(&self, request: &Generate) -> ContainerReply {
        let limit = request.validate().and_then(|()| self.room(request.input_tokens(), Some(request.limit())));
        match (limit, request.is_streaming()) {
            (Ok(limit), _) => request.answer(limit),
            // The stream has begun before the request is judged.
            (Err(refusal), true) => {
                ContainerReply::new(200, "text/event-stream", format!("data:{}\n\n", refusal.json()))
            }
            (Err(refusal), false) => refusal.reply(),
        }
    }

    fn room(&self, inputs: usize, limit: Option<usize>) -> Result<usize, TgiRefusal> {
        let most = self.max_total_tokens;
        let limit = limit.unwrap_or_else(|| most.saturating_sub(inputs));
        if limit == 0 || inputs.saturating_add(limit) > most {
            return Err(TgiRefusal::validation(format!(
                "`inputs` tokens + `max_new_tokens` must be <= {most}. Given: {inputs} `inputs` tokens and {limit} `max_new_tokens`"
            )));
        }
        Ok(limit)
    }

    fn chat(&self, invocation: &Invocation, request: &ChatRequest) -> Result<ContainerReply, TgiRefusal> {
        check_sampling(request.temperature, request.top_p)?;
        if request.messages.is_empty() {
            return Err(TgiRefusal {
                error: "Template error: the conversation is empty".to_owned(),
                error_type: "template_error",
            });
        }
        let room = self.room(request.prompt_tokens(), positive(request.limit())?)?;
        Ok(request.answer(&AnswerIdentity::new(Flavour::Tgi, invocation, request.model.as_deref()), room))
    }

    fn complete(&self, invocation: &Invocation, request: &CompletionRequest) -> Result<ContainerReply, TgiRefusal> {
        check_sampling(request.temperature, request.top_p)?;
        if request.is_empty() {
            return Err(TgiRefusal::validation("`inputs` cannot be empty"));
        }
        let limit = positive(request.max_tokens)?.unwrap_or(DEFAULT_NEW_TOKENS);
        let room = self.room(request.prompt_tokens(), Some(limit))?;
        Ok(request.answer(&AnswerIdentity::new(Flavour::Tgi, invocation, request.model.as_deref()), room))
    }
}

impl Default for Tgi {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Container for Tgi {
    fn image(&self) -> &str {
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-tgi-inference:2.7.0-tgi3.3.6-gpu-py311-cu124-ubuntu22.04"
    }

    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        self.answer(&invocation).paced(self.pace)
    }
}

/// What TGI says, in plain text, of a body it cannot read.
fn unreadable(status: u16, text: &str) -> ContainerReply {
    ContainerReply::new(status, "text/plain; charset=utf-8", text.to_owned())
}

/// In chat, a temperature of 0 means greedy decoding.
fn check_sampling(temperature: Option<f64>, top_p: Option<f64>) -> Result<(), TgiRefusal> {
    if temperature.is_some_and(|temperature| temperature < 0.0) {
        return Err(TgiRefusal::validation("`temperature` must be strictly positive"));
    }
    if top_p.is_some_and(|top_p| !(top_p > 0.0 && top_p < 1.0)) {
        return Err(TgiRefusal::validation("`top_p` must be > 0.0 and < 1.0"));
    }
    Ok(())
}

fn positive(limit: Option<i64>) -> Result<Option<usize>, TgiRefusal> {
    let Some(limit) = limit else { return Ok(None) };
    match usize::try_from(limit) {
        Ok(0) | Err(_) => Err(TgiRefusal::validation("`max_new_tokens` must be strictly positive")),
        Ok(limit) => Ok(Some(limit)),
    }
}

/// A 422 in TGI's error form.
struct TgiRefusal {
    error: String,
    error_type: &'static str,
}

impl TgiRefusal {
    fn validation(what: impl fmt::Display) -> Self {
        Self { error: format!("Input validation error: {what}"), error_type: "validation" }
    }

    fn json(&self) -> Value {
        json!({"error": self.error, "error_type": self.error_type})
    }

    fn reply(&self) -> ContainerReply {
        ContainerReply::json(422, &self.json())
    }
}

#[cfg(test)]
mod tests;
