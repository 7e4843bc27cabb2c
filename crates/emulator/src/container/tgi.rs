//! Text Generation Inference.
//!
//! Owns its `generate` schema, whole and streamed, its validation and its error form; chat and completion bodies are answered by `openai`
//! with TGI's manners. Rules: [TGI's API](https://huggingface.github.io/text-generation-inference/).

use std::{fmt, time::Duration};

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Container, ContainerReply, Invocation,
    openai::{ChatRequest, CompletionRequest, Flavour, Identity},
    speech::{Finish, Limits, Speech, answer, gist, logprob, token_id, tokens},
};

/// The most stop strings TGI takes.
const MAX_STOP_SEQUENCES: usize = 4;
/// The end-of-text token: it is sent, and marked `special`.
const END_OF_TEXT: (&str, u64) = ("</s>", 2);
const DEFAULT_NEW_TOKENS: usize = 100;

/// The TGI container: `inputs` in, an array with `generated_text` out, or one server-sent event per token and no `[DONE]`.
///
/// A body with `messages` or `prompt` is answered as TGI's OpenAI API answers it. What TGI refuses is refused with its own words: 422
/// `{"error", "error_type"}`, or one event of that form where a stream of `generate` was asked for, as TGI has begun it by then.
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

    fn answer(&self, invocation: &Invocation) -> Result<ContainerReply, ContainerReply> {
        let body: Value = serde_json::from_slice(&invocation.body).map_err(|error| {
            ContainerReply::new(
                400,
                "text/plain; charset=utf-8",
                format!("Failed to parse the request body as JSON: {error}"),
            )
        })?;
        if let Ok(request) = serde_json::from_value::<Generate>(body.clone()) {
            return Ok(self.generate(&request));
        }
        if let Ok(request) = serde_json::from_value::<ChatRequest>(body.clone()) {
            return self.chat(invocation, &request).map_err(|refusal| refusal.reply());
        }
        if let Ok(request) = serde_json::from_value::<CompletionRequest>(body) {
            return self.complete(invocation, &request).map_err(|refusal| refusal.reply());
        }
        Err(ContainerReply::new(
            422,
            "text/plain; charset=utf-8",
            "Failed to deserialize the JSON body into the target type: data did not match any variant of untagged enum SagemakerRequest",
        ))
    }

    fn generate(&self, request: &Generate) -> ContainerReply {
        match (self.validate(request), request.stream) {
            (Ok(limit), true) => request.events(&request.speech(limit)),
            (Ok(limit), false) => request.whole(&request.speech(limit)),
            (Err(refusal), true) => {
                ContainerReply::new(200, "text/event-stream", format!("data:{}\n\n", refusal.json()))
            }
            (Err(refusal), false) => refusal.reply(),
        }
    }

    /// The number of tokens the answer may have.
    fn validate(&self, request: &Generate) -> Result<usize, Refusal> {
        let parameters = &request.parameters;
        let outside = |value: Option<f64>| value.is_some_and(|value| !(value > 0.0 && value < 1.0));
        let not_positive = |value: Option<f64>| value.is_some_and(|value| value <= 0.0);
        let several = parameters.best_of.is_some_and(|best_of| best_of > 1);
        let sampling = parameters.do_sample
            || parameters.temperature.is_some()
            || parameters.top_k.is_some()
            || parameters.top_p.is_some()
            || parameters.typical_p.is_some();
        let complaint = if parameters.best_of == Some(0) {
            "`best_of` must be strictly positive"
        } else if several && !sampling {
            "you must use sampling when `best_of` is > 1"
        } else if several && parameters.seed.is_some() {
            "`seed` must not be set when `best_of` > 1"
        } else if several && request.stream {
            "`best_of` != 1 is not supported when streaming tokens"
        } else if not_positive(parameters.temperature) {
            "`temperature` must be strictly positive"
        } else if not_positive(parameters.repetition_penalty) {
            "`repetition_penalty` must be strictly positive"
        } else if parameters.frequency_penalty.is_some_and(|penalty| !(-2.0..=2.0).contains(&penalty)) {
            "`frequency_penalty` must be >= -2.0 and <= 2.0"
        } else if outside(parameters.top_p) {
            "`top_p` must be > 0.0 and < 1.0"
        } else if parameters.top_k.is_some_and(|top_k| top_k <= 0) {
            "`top_k` must be strictly positive"
        } else if outside(parameters.typical_p) {
            "`typical_p` must be > 0.0 and < 1.0"
        } else if parameters.max_new_tokens == Some(0) {
            "`max_new_tokens` must be strictly positive"
        } else if request.inputs.is_empty() {
            "`inputs` cannot be empty"
        } else {
            ""
        };
        if !complaint.is_empty() {
            return Err(Refusal::validation(complaint));
        }
        if parameters.stop.len() > MAX_STOP_SEQUENCES {
            let given = parameters.stop.len();
            return Err(Refusal::validation(format!(
                "`stop` supports up to {MAX_STOP_SEQUENCES} stop sequences. Given: {given}"
            )));
        }
        let truncated = parameters.truncate.unwrap_or(usize::MAX);
        let inputs = tokens(&request.inputs).len().min(truncated);
        self.room(inputs, parameters.max_new_tokens.or(Some(DEFAULT_NEW_TOKENS)))
    }

    fn room(&self, inputs: usize, limit: Option<usize>) -> Result<usize, Refusal> {
        let most = self.max_total_tokens;
        let limit = limit.unwrap_or_else(|| most.saturating_sub(inputs));
        if limit == 0 || inputs.saturating_add(limit) > most {
            return Err(Refusal::validation(format!(
                "`inputs` tokens + `max_new_tokens` must be <= {most}. Given: {inputs} `inputs` tokens and {limit} `max_new_tokens`"
            )));
        }
        Ok(limit)
    }

    fn chat(&self, invocation: &Invocation, request: &ChatRequest) -> Result<ContainerReply, Refusal> {
        check_sampling(request.temperature, request.top_p)?;
        if request.messages.is_empty() {
            return Err(Refusal {
                error: "Template error: the conversation is empty".to_owned(),
                error_type: "template_error",
            });
        }
        let room = self.room(request.prompt_tokens(), positive(request.limit())?)?;
        Ok(request.answer(&Identity::new(Flavour::Tgi, invocation, request.model.as_deref()), room))
    }

    fn complete(&self, invocation: &Invocation, request: &CompletionRequest) -> Result<ContainerReply, Refusal> {
        check_sampling(request.temperature, request.top_p)?;
        if request.is_empty() {
            return Err(Refusal::validation("`inputs` cannot be empty"));
        }
        let limit = positive(request.max_tokens)?.unwrap_or(DEFAULT_NEW_TOKENS);
        let room = self.room(request.prompt_tokens(), Some(limit))?;
        Ok(request.answer(&Identity::new(Flavour::Tgi, invocation, request.model.as_deref()), room))
    }
}

impl Default for Tgi {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Container for Tgi {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        self.answer(&invocation).unwrap_or_else(|refused| refused).paced(self.pace)
    }
}

/// In chat, a temperature of 0 means greedy decoding.
fn check_sampling(temperature: Option<f64>, top_p: Option<f64>) -> Result<(), Refusal> {
    if temperature.is_some_and(|temperature| temperature < 0.0) {
        return Err(Refusal::validation("`temperature` must be strictly positive"));
    }
    if top_p.is_some_and(|top_p| !(top_p > 0.0 && top_p < 1.0)) {
        return Err(Refusal::validation("`top_p` must be > 0.0 and < 1.0"));
    }
    Ok(())
}

fn positive(limit: Option<i64>) -> Result<Option<usize>, Refusal> {
    let Some(limit) = limit else { return Ok(None) };
    match usize::try_from(limit) {
        Ok(0) | Err(_) => Err(Refusal::validation("`max_new_tokens` must be strictly positive")),
        Ok(limit) => Ok(Some(limit)),
    }
}

/// The body of `generate`.
#[derive(Deserialize)]
struct Generate {
    inputs: String,
    #[serde(default)]
    parameters: Parameters,
    #[serde(default)]
    stream: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    best_of: Option<usize>,
    temperature: Option<f64>,
    repetition_penalty: Option<f64>,
    frequency_penalty: Option<f64>,
    top_k: Option<i64>,
    top_p: Option<f64>,
    typical_p: Option<f64>,
    do_sample: bool,
    max_new_tokens: Option<usize>,
    return_full_text: Option<bool>,
    stop: Vec<String>,
    truncate: Option<usize>,
    details: bool,
    decoder_input_details: bool,
    seed: Option<u64>,
}

impl Generate {
    fn speech(&self, limit: usize) -> Speech {
        let limits = Limits { max_tokens: limit, stop: &self.parameters.stop, keeps_stop: true, ignores_end: false };
        Speech::new(&answer(&gist(&self.inputs), limit), &limits)
    }

    fn generated_text(&self, speech: &Speech) -> String {
        let prompt = if self.parameters.return_full_text == Some(true) { self.inputs.as_str() } else { "" };
        format!("{prompt}{}", speech.text())
    }

    fn whole(&self, speech: &Speech) -> ContainerReply {
        let mut answer = json!({"generated_text": self.generated_text(speech)});
        if self.parameters.details {
            let prefill: Vec<Value> = if self.parameters.decoder_input_details {
                tokens(&self.inputs)
                    .iter()
                    .enumerate()
                    .map(|(index, token)| {
                        json!({"id": token_id(token), "text": token, "logprob": (index > 0).then(|| logprob(token))})
                    })
                    .collect()
            } else {
                Vec::new()
            };
            answer["details"] = json!({
                "finish_reason": finish_reason(&speech.finish),
                "generated_tokens": pieces(speech).len(),
                "seed": self.parameters.seed,
                "prefill": prefill,
                "tokens": pieces(speech),
            });
        }
        ContainerReply::json(200, &json!([answer]))
    }

    fn events(&self, speech: &Speech) -> ContainerReply {
        let pieces = pieces(speech);
        let last = pieces.len();
        let mut body = String::new();
        for (index, token) in (1..).zip(&pieces) {
            let (generated_text, details) = if index == last {
                let details = json!({
                    "finish_reason": finish_reason(&speech.finish),
                    "generated_tokens": last,
                    "seed": self.parameters.seed,
                    "input_length": tokens(&self.inputs).len(),
                });
                (Value::from(self.generated_text(speech)), details)
            } else {
                (Value::Null, Value::Null)
            };
            let event = json!({"index": index, "token": token, "generated_text": generated_text, "details": details});
            body.push_str(&format!("data:{event}\n\n"));
        }
        ContainerReply::new(200, "text/event-stream", body)
    }
}

/// The tokens as TGI shows them, with the special one at the end of a text that ends by itself.
fn pieces(speech: &Speech) -> Vec<Value> {
    let piece = |id: u64, text: &str, special: bool| json!({"id": id, "text": text, "logprob": logprob(text), "special": special});
    let end = (speech.finish == Finish::EndOfText).then(|| piece(END_OF_TEXT.1, END_OF_TEXT.0, true));
    speech.tokens.iter().map(|token| piece(token_id(token), token, false)).chain(end).collect()
}

const fn finish_reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::EndOfText => "eos_token",
        Finish::Length => "length",
        Finish::Stop(_) => "stop_sequence",
    }
}

/// A 422 in TGI's error form.
struct Refusal {
    error: String,
    error_type: &'static str,
}

impl Refusal {
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
