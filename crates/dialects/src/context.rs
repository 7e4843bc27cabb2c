//! What a dialect is told: the operator's and the call's facts that bodies and replies depend on.
//!
//! Owns those facts alone. Where they come from is the provider's; none of them is printed by
//! `Debug`, for prompts are the caller's.

use std::{fmt, sync::Arc};

use sagewire_types::{ChatRequest, CompletionRequest, Prompt};
use serde_json::Value;

use crate::{
    parameters::{DetailsPolicy, ParameterPolicy},
    thoughts::{self, Pieces, ThoughtSplitter, join},
    tool_calls::ToolCallReading,
    usage::{self, CountTokens},
};

/// What a dialect is told when it makes a body.
#[derive(Clone)]
#[non_exhaustive]
pub struct EncodeContext<'a> {
    /// The endpoint's name.
    pub endpoint: &'a str,
    /// The model's name for the body: that of Hugging Face where it is set, else the endpoint's.
    pub model: &'a str,
    /// The prompt, for a dialect that wants one.
    pub prompt: Option<&'a str>,
    /// Whether the reply shall be streamed.
    pub stream: bool,
    /// What happens to parameters that the dialect cannot carry.
    pub policy: &'a ParameterPolicy,
    /// Whether the details of the answer are asked for.
    pub details: DetailsPolicy,
    /// What the temperature 0 becomes for a container that refuses it; `None` sends it as it is.
    pub zero_temperature: Option<f64>,
}

impl fmt::Debug for EncodeContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodeContext")
            .field("endpoint", &self.endpoint)
            .field("model", &self.model)
            .field("prompt_bytes", &self.prompt.map(str::len))
            .field("stream", &self.stream)
            .field("policy", &self.policy)
            .field("details", &self.details)
            .field("zero_temperature", &self.zero_temperature)
            .finish()
    }
}

impl<'a> EncodeContext<'a> {
    /// A context for a whole reply of this model, with nothing else set.
    #[must_use]
    pub fn new(model: &'a str, policy: &'a ParameterPolicy) -> Self {
        Self {
            endpoint: model,
            model,
            prompt: None,
            stream: false,
            policy,
            details: DetailsPolicy::Auto,
            zero_temperature: None,
        }
    }

    /// Whether the details of the answer are asked for where the caller says nothing about them.
    pub(crate) fn asks_for_details(&self) -> bool {
        self.details != DetailsPolicy::Never && !self.policy.additional_drop_params.iter().any(|name| name == "details")
    }
}

/// What a dialect is told when it reads a reply.
#[derive(Clone)]
#[non_exhaustive]
pub struct DecodeContext {
    /// The answer's id, for containers that give none.
    pub id: Arc<str>,
    /// The model's name in the answer.
    pub model: Arc<str>,
    /// When the answer was made, in seconds since 1970, for containers that do not say.
    pub created: u64,
    /// The prompt that was sent, so that its echo can be taken away.
    pub prompt: Option<Arc<str>>,
    /// Whether the prompt has marks of a template, with which no answer begins.
    pub prompt_is_marked: bool,
    /// Whether the caller asked for the prompt to be part of the answer.
    pub keep_prompt: bool,
    /// Texts that end an answer; the answer is cut before them. Empty where the caller asked to see
    /// them (`include_stop_str_in_output`).
    pub stop: Arc<[String]>,
    /// Special texts of the model that end its turn and are not for the user.
    pub end_tokens: Arc<[String]>,
    /// What ends the thoughts that the prompt opened and the answer begins within, such as
    /// `</think>`.
    pub open_thoughts: Option<&'static str>,
    /// How calls of tools are read out of the text; `None` leaves them in it.
    pub tool_calls: Option<ToolCallReading>,
    /// Whether thoughts and calls stay part of the text: a raw prompt is continued by raw text.
    pub keep_thoughts: bool,
    /// Whether the caller asked for log probabilities.
    pub logprobs: bool,
    /// Whether the caller asked for the usage in a stream's last chunk.
    pub include_usage: bool,
    /// How many answers the caller asked for (`n`): a stream with fewer that have ended is not
    /// whole.
    pub choices: u32,
    /// What estimates the tokens that the container does not report; `None` leaves them unreported.
    pub count_tokens: Option<CountTokens>,
    /// The prompt whose tokens may have to be estimated.
    pub(crate) uncounted: Option<usage::Prompt>,
}

impl DecodeContext {
    /// A context for one plain answer: everything that a caller may ask for is unset.
    pub fn new(id: impl Into<Arc<str>>, model: impl Into<Arc<str>>, created: u64) -> Self {
        Self {
            id: id.into(),
            model: model.into(),
            created,
            prompt: None,
            prompt_is_marked: false,
            keep_prompt: false,
            stop: Arc::default(),
            end_tokens: Arc::default(),
            open_thoughts: None,
            tool_calls: None,
            keep_thoughts: false,
            logprobs: false,
            include_usage: false,
            choices: 1,
            count_tokens: None,
            uncounted: None,
        }
    }

    /// The same with what estimates the tokens that the container does not report.
    #[must_use]
    pub fn with_count(mut self, count: Option<CountTokens>) -> Self {
        self.count_tokens = count;
        self
    }

    /// The same with what this request asks for: stop texts, log probabilities, usage, answers, and
    /// the prompt as part of the answer.
    #[must_use]
    pub fn with_request(mut self, request: &ChatRequest) -> Self {
        let is_on = |name| request.extra.get(name).and_then(Value::as_bool) == Some(true);
        if let Some(stop) = request.stop.as_ref().filter(|_| !is_on("include_stop_str_in_output")) {
            self.stop = stop.as_slice().into();
        }
        self.logprobs = request.logprobs == Some(true);
        self.include_usage = request.stream_options.as_ref().and_then(|options| options.include_usage) == Some(true);
        self.choices = request.n.unwrap_or(1).max(1);
        self.keep_prompt = is_on("return_full_text");
        self.uncounted = self.count_tokens.and_then(|count| usage::Prompt::messages(request, count));
        self
    }

    /// The same with what this completion asks for.
    #[must_use]
    pub fn with_completion(mut self, request: &CompletionRequest) -> Self {
        let is_on = |name| request.extra.get(name).and_then(Value::as_bool) == Some(true);
        if let Some(stop) =
            request.stop.as_ref().filter(|_| !is_on("include_stop_str_in_output") && request.echo != Some(true))
        {
            self.stop = stop.as_slice().into();
        }
        let prompts = match &request.prompt {
            Prompt::Text(_) | Prompt::Tokens(_) => 1,
            Prompt::Texts(texts) => texts.len(),
            Prompt::TokenLists(lists) => lists.len(),
        };
        self.keep_thoughts = true;
        self.logprobs = request.logprobs.is_some();
        self.include_usage = request.stream_options.as_ref().and_then(|options| options.include_usage) == Some(true);
        self.uncounted = self.count_tokens.map(|count| usage::Prompt::completion(request, count));
        self.choices = u32::try_from(prompts).unwrap_or(u32::MAX).saturating_mul(request.n.unwrap_or(1)).max(1);
        self
    }

    /// The same with the prompt that was sent, whether it has marks of a template, and what ends
    /// the model's turn after it.
    #[must_use]
    pub fn with_prompt(mut self, prompt: &str, is_marked: bool, end_tokens: &[String]) -> Self {
        let prompt: Arc<str> = prompt.into();
        self.prompt_is_marked = is_marked;
        self.open_thoughts = thoughts::opened_by(&prompt);
        self.uncounted = self.count_tokens.map(|_| usage::Prompt::text(Arc::clone(&prompt)));
        self.prompt = Some(prompt);
        self.end_tokens = end_tokens.into();
        self
    }
}

impl DecodeContext {
    /// The same for an answer whose text holds calls of tools.
    #[must_use]
    pub fn with_tool_calls(mut self, reading: Option<ToolCallReading>) -> Self {
        self.tool_calls = reading;
        self
    }

    /// The same for an answer whose thoughts stay part of the text.
    #[must_use]
    pub fn keeping_thoughts(mut self) -> Self {
        self.keep_thoughts = true;
        self
    }

    /// Whether the text stays as it is: one that shall begin with its prompt, or continues a raw
    /// one.
    pub(crate) fn keeps_text_together(&self) -> bool {
        self.keep_thoughts || self.keep_prompt
    }

    /// What cuts the thoughts off one choice that comes in pieces.
    pub(crate) fn thought_splitter(&self) -> ThoughtSplitter {
        if self.keeps_text_together() { ThoughtSplitter::off() } else { ThoughtSplitter::new(self.open_thoughts) }
    }

    /// The thoughts and the answer of a whole text. A text without thoughts is an answer, also if
    /// it is empty.
    pub(crate) fn split_thoughts(&self, text: String) -> Pieces {
        let mut splitter = self.thought_splitter();
        let Pieces { thoughts, answer } = splitter.push(text);
        let rest = splitter.finish();
        let (thoughts, answer) = (join(thoughts, rest.thoughts), join(answer, rest.answer));
        let answer = if thoughts.is_none() { Some(answer.unwrap_or_default()) } else { answer };
        Pieces { thoughts, answer }
    }
}

impl fmt::Debug for DecodeContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodeContext")
            .field("id", &self.id)
            .field("model", &self.model)
            .field("created", &self.created)
            .field("prompt_bytes", &self.prompt.as_deref().map(str::len))
            .field("prompt_is_marked", &self.prompt_is_marked)
            .field("keep_prompt", &self.keep_prompt)
            .field("stop_texts", &self.stop.len())
            .field("end_tokens", &self.end_tokens)
            .field("open_thoughts", &self.open_thoughts)
            .field("tool_calls", &self.tool_calls)
            .field("keep_thoughts", &self.keep_thoughts)
            .field("logprobs", &self.logprobs)
            .field("include_usage", &self.include_usage)
            .field("choices", &self.choices)
            .field("uncounted", &self.uncounted)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_asks_for_is_taken_from_it() {
        let json = r#"{"messages":[],"stop":"END","logprobs":true,"n":3,"stream_options":{"include_usage":true},"return_full_text":true}"#;
        let mut request: ChatRequest = serde_json::from_str(json).unwrap();
        let context = DecodeContext::new("id", "m", 0).with_request(&request);
        assert_eq!((context.stop.as_ref(), context.choices), (&["END".to_owned()][..], 3));
        assert!(context.logprobs && context.include_usage && context.keep_prompt);
        request.extra.insert("include_stop_str_in_output".to_owned(), Value::Bool(true));
        assert!(DecodeContext::new("id", "m", 0).with_request(&request).stop.is_empty());
    }

    #[test]
    fn no_prompt_is_printed() {
        let policy = ParameterPolicy::default();
        let mut encode = EncodeContext::new("m", &policy);
        encode.prompt = Some("my secret prompt");
        let mut decode = DecodeContext::new("id", "m", 0);
        decode.prompt = Some("my secret prompt".into());
        decode.stop = Arc::new(["my secret stop".to_owned()]);
        for text in [format!("{encode:?} {encode:#?}"), format!("{decode:?} {decode:#?}")] {
            assert!(!text.contains("secret") && text.contains("16"), "{text}");
        }
    }
}
