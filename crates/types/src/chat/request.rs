//! What a caller asks of a chat model.
//!
//! Owns OpenAI's request body with its parameters, and the ordered map of parameters that only some
//! container knows. Holds nothing of the operator's: credentials, URLs and headers are the
//! [`CallContext`](crate::CallContext)'s.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Content, Message, Tool, ToolChoice};
use crate::setters::setters;

/// A chat request: the body of OpenAI's [`POST /chat/completions`](https://platform.openai.com/docs/api-reference/chat/create).
///
/// ```
/// use sagewire_types::{ChatRequest, Message};
///
/// let request = ChatRequest::new("sagemaker/my-endpoint", [Message::user("Hello, how are you?")])
///     .with_temperature(0.2)
///     .with_max_tokens(80)
///     .with_parameter("top_k", 40);
/// assert_eq!(
///     serde_json::to_string(&request)?,
///     r#"{"model":"sagemaker/my-endpoint","messages":[{"role":"user","content":"Hello, how are you?"}],"temperature":0.2,"max_tokens":80,"top_k":40}"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChatRequest {
    /// Which model: `prefix/name`, or an alias that a router or proxy knows.
    #[serde(default)]
    pub model: String,
    /// The conversation so far.
    #[serde(default)]
    pub messages: Vec<Message>,
    /// The tools that the model may call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<Tool>>,
    /// Whether and which tool must be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Whether several tools may be called at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// How random the sampling is, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Sample from the most likely tokens that make up this share of the probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// How many answers to make.
    #[serde(default, deserialize_with = "crate::whole::optional", skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// Texts at which the answer ends; they are not part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopSequences>,
    /// Whether the caller asked for a stream.
    /// [`Provider::chat_stream`](crate::Provider::chat_stream) streams whatever stands here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// What a stream carries besides text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// The most tokens to generate (OpenAI's older name).
    #[serde(default, deserialize_with = "crate::whole::optional", skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// The most tokens to generate, reasoning included (OpenAI's newer name; it wins over
    /// `max_tokens`).
    #[serde(default, deserialize_with = "crate::whole::optional", skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u64>,
    /// Makes tokens that occurred at all less likely, -2 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// Makes tokens less likely the more often they occurred, -2 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// Token id to bias, -100 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logit_bias: Option<Map<String, Value>>,
    /// Whether the answer carries the log probabilities of its tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// How many of the most likely tokens to report at each place, 0 to 20.
    #[serde(default, deserialize_with = "crate::whole::optional", skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u32>,
    /// Asks for the same answer to the same request.
    #[serde(default, deserialize_with = "crate::whole::optional", skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// The form of the answer: text, a JSON object, or a JSON schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<Value>,
    /// How much a reasoning model thinks: `low`, `medium`, `high`, or what the model knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<String>,
    /// The caller's own user, for abuse tracking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Every other parameter, in the caller's order: those of OpenAI's that have no field here, and
    /// those that only a container knows.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// OpenAI's parameters that have no field in [`ChatRequest`]: in its `extra`, a key named here is
/// OpenAI's and not a container's.
pub const OTHER_OPENAI_PARAMETERS: &[&str] = &[
    "audio",
    "function_call",
    "functions",
    "metadata",
    "modalities",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "verbosity",
    "web_search_options",
];

impl ChatRequest {
    /// A request to this model with this conversation, and every parameter left to the model.
    #[must_use]
    pub fn new(model: impl Into<String>, messages: impl Into<Vec<Message>>) -> Self {
        Self { model: model.into(), messages: messages.into(), ..Self::default() }
    }

    /// Adds a message at the end of the conversation.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Message>) -> Self {
        self.messages.push(message.into());
        self
    }

    /// Adds instructions for the whole conversation, before all other messages.
    #[must_use]
    pub fn with_system(mut self, instructions: impl Into<Content>) -> Self {
        self.messages.insert(0, Message::system(instructions));
        self
    }

    setters! {
        /// Sets the sampling temperature, 0 to 2.
        with_temperature(temperature: f64);
        /// Sets nucleus sampling.
        with_top_p(top_p: f64);
        /// Sets how many answers to make.
        with_n(n: u32);
        /// Sets the texts at which the answer ends.
        with_stop(stop: impl Into<StopSequences>);
        /// Sets what a stream carries besides text.
        with_stream_options(stream_options: StreamOptions);
        /// Sets the most tokens to generate.
        with_max_tokens(max_tokens: u64);
        /// Sets the most tokens to generate, reasoning included. It wins over `max_tokens`.
        with_max_completion_tokens(max_completion_tokens: u64);
        /// Makes tokens that occurred at all less likely, -2 to 2.
        with_presence_penalty(presence_penalty: f64);
        /// Makes tokens less likely the more often they occurred, -2 to 2.
        with_frequency_penalty(frequency_penalty: f64);
        /// Sets token ids and their bias, -100 to 100.
        with_logit_bias(logit_bias: Map<String, Value>);
        /// Sets whether the answer carries the log probabilities of its tokens.
        with_logprobs(logprobs: bool);
        /// Sets how many of the most likely tokens to report at each place, 0 to 20.
        with_top_logprobs(top_logprobs: u32);
        /// Asks for the same answer to the same request.
        with_seed(seed: i64);
        /// Sets the form of the answer.
        with_response_format(response_format: impl Into<Value>);
        /// Sets the tools that the model may call.
        with_tools(tools: impl Into<Vec<Tool>>);
        /// Sets whether and which tool must be called.
        with_tool_choice(tool_choice: ToolChoice);
        /// Sets whether several tools may be called at once.
        with_parallel_tool_calls(parallel_tool_calls: bool);
        /// Sets how much a reasoning model thinks: `low`, `medium`, `high`, or what the model knows.
        with_reasoning_effort(reasoning_effort: impl Into<String>);
        /// Sets the caller's own user, for abuse tracking.
        with_user(user: impl Into<String>);
    }

    /// Sets a parameter that has no field of its own, such as `top_k`.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    /// The most tokens to generate: `max_completion_tokens`, else `max_tokens`.
    #[must_use]
    pub fn token_limit(&self) -> Option<u64> {
        self.max_completion_tokens.or(self.max_tokens)
    }
}

/// OpenAI's `stop`: one text or several. The form is kept for containers that are given the body as
/// it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum StopSequences {
    /// One text.
    One(String),
    /// Several texts.
    Many(Vec<String>),
}

impl StopSequences {
    /// The texts, whichever form they came in.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

impl From<&str> for StopSequences {
    fn from(text: &str) -> Self {
        Self::One(text.to_owned())
    }
}

impl<T: Into<String>, const N: usize> From<[T; N]> for StopSequences {
    fn from(texts: [T; N]) -> Self {
        Self::Many(texts.into_iter().map(Into::into).collect())
    }
}

impl From<Vec<String>> for StopSequences {
    fn from(texts: Vec<String>) -> Self {
        Self::Many(texts)
    }
}

/// OpenAI's [`stream_options`](https://platform.openai.com/docs/api-reference/chat/create#chat_create-stream_options).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StreamOptions {
    /// Whether a last chunk reports the tokens used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_usage: Option<bool>,
    /// Everything else, in its order.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl StreamOptions {
    /// Options that ask for a last chunk with the tokens used.
    #[must_use]
    pub fn with_usage() -> Self {
        Self { include_usage: Some(true), extra: Map::new() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_parameters_keep_their_order() {
        let json = r#"{"model":"m","messages":[],"zeta":1,"alpha":{"b":1,"a":2}}"#;
        let request: ChatRequest = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&request).unwrap(), json);
    }

    #[test]
    fn each_setter_sets_the_field_of_its_name() {
        let request = ChatRequest::new("m", [Message::user("hi")])
            .with_system("be brief")
            .with_temperature(0.5)
            .with_top_p(0.9)
            .with_n(2)
            .with_stop(["a", "b"])
            .with_stream_options(StreamOptions::with_usage())
            .with_max_tokens(1)
            .with_max_completion_tokens(2)
            .with_presence_penalty(0.1)
            .with_frequency_penalty(0.2)
            .with_logit_bias(Map::from_iter([("7".to_owned(), 1.into())]))
            .with_logprobs(true)
            .with_top_logprobs(3)
            .with_seed(-4)
            .with_response_format(json!({"type": "json_object"}))
            .with_tools([])
            .with_tool_choice(ToolChoice::Required)
            .with_parallel_tool_calls(false)
            .with_reasoning_effort("low")
            .with_user("u");
        let expected = json!({
            "model": "m",
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
            "temperature": 0.5, "top_p": 0.9, "n": 2, "stop": ["a", "b"], "stream_options": {"include_usage": true},
            "max_tokens": 1, "max_completion_tokens": 2, "presence_penalty": 0.1, "frequency_penalty": 0.2,
            "logit_bias": {"7": 1}, "logprobs": true, "top_logprobs": 3, "seed": -4,
            "response_format": {"type": "json_object"}, "tools": [], "tool_choice": "required",
            "parallel_tool_calls": false, "reasoning_effort": "low", "user": "u",
        });
        assert_eq!(serde_json::to_value(request).unwrap(), expected);
    }

    #[test]
    fn the_newer_token_limit_wins() {
        let mut request = ChatRequest::new("m", []).with_max_tokens(5);
        assert_eq!(request.token_limit(), Some(5));
        request.max_completion_tokens = Some(7);
        assert_eq!(request.token_limit(), Some(7));
    }

    #[test]
    fn whole_floats_are_integers_and_are_sent_as_such() {
        let json = r#"{"model":"m","messages":[],"n":2.0,"max_tokens":1024.0,"max_completion_tokens":7.0,"top_logprobs":3.0,"seed":-1.0}"#;
        let request: ChatRequest = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&request).unwrap(), json.replace(".0", ""));
        for json in [r#"{"max_tokens":1024.5}"#, r#"{"max_tokens":-1}"#, r#"{"max_tokens":"1024"}"#, r#"{"n":true}"#] {
            assert!(serde_json::from_str::<ChatRequest>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_wrong_type_is_named() {
        let error = serde_json::from_str::<ChatRequest>(r#"{"model":"m","temperature":"hot"}"#).unwrap_err();
        assert!(error.to_string().contains("expected f64"), "{error}");
    }
}
