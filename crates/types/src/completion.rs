//! Completions: a raw prompt in, its continuation out, in the shapes of OpenAI's older API.
//!
//! Owns the data alone. No chat template is applied to a completion's prompt.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    FinishReason, StopSequences, StreamOptions, Usage,
    setters::setters,
    texts_or_tokens::{TextsOrTokens, inputs},
};

/// A completion request: the body of OpenAI's [`POST /completions`](https://platform.openai.com/docs/api-reference/completions/create).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CompletionRequest {
    /// Which model: `prefix/name`, or an alias that a router or proxy knows.
    #[serde(default)]
    pub model: String,
    /// The text to continue, sent to the model as it is.
    pub prompt: Prompt,
    /// How random the sampling is, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Sample from the most likely tokens that make up this share of the probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// How many continuations to make.
    #[serde(default, deserialize_with = "crate::whole::optional", skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// Texts at which the continuation ends; they are not part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopSequences>,
    /// Whether the caller asked for a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// What a stream carries besides text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// The most tokens to generate.
    #[serde(default, deserialize_with = "crate::whole::optional", skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Makes tokens that occurred at all less likely, -2 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// Makes tokens less likely the more often they occurred, -2 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// Asks for the same answer to the same request.
    #[serde(default, deserialize_with = "crate::whole::optional", skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Whether the prompt is part of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<bool>,
    /// How many of the most likely tokens to report at each place.
    #[serde(default, deserialize_with = "crate::whole::optional", skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<u32>,
    /// The caller's own user, for abuse tracking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Every other parameter, in the caller's order.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl CompletionRequest {
    /// A request to continue this text.
    #[must_use]
    pub fn new(model: impl Into<String>, prompt: impl Into<Prompt>) -> Self {
        Self { model: model.into(), prompt: prompt.into(), ..Self::default() }
    }

    setters! {
        /// Sets the sampling temperature, 0 to 2.
        with_temperature(temperature: f64);
        /// Sets nucleus sampling.
        with_top_p(top_p: f64);
        /// Sets how many continuations to make.
        with_n(n: u32);
        /// Sets the texts at which the continuation ends.
        with_stop(stop: impl Into<StopSequences>);
        /// Sets what a stream carries besides text.
        with_stream_options(stream_options: StreamOptions);
        /// Sets the most tokens to generate.
        with_max_tokens(max_tokens: u64);
        /// Makes tokens that occurred at all less likely, -2 to 2.
        with_presence_penalty(presence_penalty: f64);
        /// Makes tokens less likely the more often they occurred, -2 to 2.
        with_frequency_penalty(frequency_penalty: f64);
        /// Asks for the same answer to the same request.
        with_seed(seed: i64);
        /// Sets whether the prompt is part of the answer.
        with_echo(echo: bool);
        /// Sets how many of the most likely tokens to report at each place.
        with_logprobs(logprobs: u32);
        /// Sets the caller's own user, for abuse tracking.
        with_user(user: impl Into<String>);
    }

    /// Sets a parameter that has no field of its own, such as `top_k`.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }
}

/// The prompt of a completion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, try_from = "TextsOrTokens")]
pub enum Prompt {
    /// One text.
    Text(String),
    /// Several texts, each continued on its own.
    Texts(Vec<String>),
    /// One text as token ids.
    Tokens(Vec<u32>),
    /// Several texts as token ids.
    TokenLists(Vec<Vec<u32>>),
}

inputs!(Prompt);

impl TryFrom<TextsOrTokens> for Prompt {
    type Error = &'static str;

    fn try_from(input: TextsOrTokens) -> Result<Self, &'static str> {
        match input {
            TextsOrTokens::Text(text) => Ok(Self::Text(text)),
            TextsOrTokens::Texts(texts) => Ok(Self::Texts(texts)),
            TextsOrTokens::Tokens(tokens) => Ok(Self::Tokens(tokens)),
            TextsOrTokens::TokenLists(lists) => Ok(Self::TokenLists(lists)),
            TextsOrTokens::Others(_) => {
                Err("invalid type: expected a string, a list of strings, a list of token ids, or a list of such lists")
            }
        }
    }
}

impl Default for Prompt {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// OpenAI's [`text_completion`](https://platform.openai.com/docs/api-reference/completions/object); a stream's chunks have the same shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CompletionResponse {
    /// The answer's id, the same in all chunks of a stream.
    #[serde(default, deserialize_with = "crate::chat::null_as_default")]
    pub id: Arc<str>,
    /// `text_completion`.
    #[serde(default = "object_name")]
    pub object: Arc<str>,
    /// When it was made, in seconds since 1970.
    #[serde(default, deserialize_with = "crate::chat::null_as_default")]
    pub created: u64,
    /// The model that answered.
    #[serde(default, deserialize_with = "crate::chat::null_as_default")]
    pub model: Arc<str>,
    /// The continuations, or in a stream their next pieces.
    pub choices: Vec<CompletionChoice>,
    /// The tokens used, where reported or estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Everything else, in its order.
    #[serde(flatten, serialize_with = "crate::json::exact_fields")]
    pub extra: Map<String, Value>,
}

impl CompletionResponse {
    /// An answer, or a chunk of one, with these choices.
    #[must_use]
    pub fn new(id: Arc<str>, model: Arc<str>, created: u64, choices: Vec<CompletionChoice>) -> Self {
        Self { id, object: object_name(), created, model, choices, usage: None, extra: Map::new() }
    }
}

/// One continuation, or in a stream its next piece.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CompletionChoice {
    /// Its place among the choices, from 0.
    #[serde(default)]
    pub index: u32,
    /// The text.
    #[serde(default)]
    pub text: String,
    /// Why it ended.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
    /// The tokens' log probabilities, where asked for.
    #[serde(default, serialize_with = "crate::json::exact_value")]
    pub logprobs: Option<Value>,
    /// Everything else, in its order.
    #[serde(flatten, serialize_with = "crate::json::exact_fields")]
    pub extra: Map<String, Value>,
}

impl CompletionChoice {
    /// A text at this place among the choices.
    #[must_use]
    pub fn new(index: u32, text: impl Into<String>, finish_reason: Option<FinishReason>) -> Self {
        Self { index, text: text.into(), finish_reason, ..Self::default() }
    }
}

fn object_name() -> Arc<str> {
    Arc::from("text_completion")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_survive() {
        let json = r#"{"id":"c","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"x","finish_reason":"length","logprobs":null,"stop_reason":null}],"service_tier":null}"#;
        let response: CompletionResponse = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&response).unwrap(), json);
    }

    #[test]
    fn a_prompt_is_required() {
        let error = serde_json::from_str::<CompletionRequest>(r#"{"model":"m"}"#).unwrap_err();
        assert!(error.to_string().contains("missing field `prompt`"), "{error}");
    }
}
