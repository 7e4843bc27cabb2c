//! What a text container knows about its answer: why it ended, how many tokens it has, and their
//! log probabilities.
//!
//! Owns the details' wire shape, in which TGI and DJL differ by names, and their reading into
//! OpenAI's terms.

use sagewire_types::{FinishReason, Usage, json::HalfJoiner, lenient::Lenient};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Value, json, value::RawValue};

use crate::{
    DecodeContext,
    finish_reason::{in_openais_terms, is_failure},
    thoughts,
};

/// The details of an answer, or of the end of a stream.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Details<'a> {
    #[serde(default)]
    finish_reason: Lenient<FinishReason>,
    #[serde(default)]
    generated_tokens: Lenient<u64>,
    #[serde(default)]
    input_length: Lenient<u64>,
    #[serde(borrow, default)]
    prefill: Option<&'a RawValue>,
    /// Read only where log probabilities are wanted, and in an unknown form they must not cost the
    /// answer.
    #[serde(borrow, default)]
    tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    top_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) best_of_sequences: Option<Vec<Sequence<'a>>>,
}

/// One of the other answers when several were asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Sequence<'a> {
    pub(super) generated_text: String,
    #[serde(default)]
    finish_reason: Lenient<FinishReason>,
    #[serde(default)]
    pub(super) generated_tokens: Lenient<u64>,
    #[serde(borrow, default)]
    tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    top_tokens: Option<&'a RawValue>,
}

/// A token; TGI writes `logprob` and `special`, DJL `log_prob` and `special_token`.
#[derive(Debug, Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    id: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default, alias = "log_prob")]
    logprob: Value,
    #[serde(default, alias = "special_token")]
    special: Lenient<bool>,
}

impl Details<'_> {
    /// Whether the container ended the answer because it failed.
    pub(super) fn has_failed(&self) -> bool {
        self.finish_reason.0.as_ref().is_some_and(is_failure)
    }

    pub(super) fn finish_reason(&self) -> Option<FinishReason> {
        self.finish_reason.0.clone().map(in_openais_terms)
    }

    /// The counts that the container reports. Where it does not say how long the prompt was, that
    /// count is 0.
    pub(super) fn usage(&self) -> Option<Usage> {
        let generated = self.generated_tokens.0?;
        let prefill = list::<IgnoredAny>(self.prefill).map(|tokens| tokens.len()).filter(|length| *length > 0);
        let prompt = self.input_length.0.or(prefill.and_then(|length| u64::try_from(length).ok()));
        Some(Usage::reported(prompt.unwrap_or_default(), generated))
    }

    /// The text with the special tokens that mark thoughts and calls of tools, which containers
    /// leave out of `generated_text`. `None` if there are none.
    pub(super) fn text_with_marks(&self, context: &DecodeContext) -> Option<String> {
        text_with_marks(self.tokens, context)
    }

    /// The log probabilities, where the caller asked for them.
    pub(super) fn logprobs(&self, context: &DecodeContext) -> Option<Value> {
        logprobs_of(context, self.tokens, self.top_tokens)
    }
}

impl Sequence<'_> {
    /// As [`Details::text_with_marks`].
    pub(super) fn text_with_marks(&self, context: &DecodeContext) -> Option<String> {
        text_with_marks(self.tokens, context)
    }

    pub(super) fn finish_reason(&self) -> Option<FinishReason> {
        self.finish_reason.0.clone().map(in_openais_terms)
    }

    pub(super) fn logprobs(&self, context: &DecodeContext) -> Option<Value> {
        logprobs_of(context, self.tokens, self.top_tokens)
    }
}

impl Token {
    /// Whether it is one of the model's special texts, which are not for the user.
    pub(super) fn is_special(&self) -> bool {
        self.special.0 == Some(true)
    }

    /// Whether it is a text that marks thoughts or calls of tools, which are read out of the
    /// answer.
    pub(super) fn is_mark(&self, context: &DecodeContext) -> bool {
        let text = self.text.as_deref().unwrap_or_default().trim();
        let marks_calls = || context.tool_calls.as_ref().is_some_and(|reading| reading.is_mark(text));
        !context.keeps_text_together() && (thoughts::is_mark(text) || marks_calls())
    }

    /// Whether it comes from a server that knows its tokens, as TGI and DJL do, and not from a
    /// script that wraps texts.
    pub(super) fn has_id(&self) -> bool {
        self.id.is_some()
    }

    /// The text's halves of characters joined, if they are marked in it.
    pub(super) fn join_halves(&mut self, joiner: &mut HalfJoiner) {
        self.text = self.text.take().map(|text| joiner.push(&text));
    }

    /// The log probability, if it is a number.
    fn logprob(&self) -> Option<&Value> {
        Some(&self.logprob).filter(|logprob| logprob.is_number())
    }

    fn entry(&self) -> Value {
        let text = self.text.as_deref().unwrap_or_default();
        json!({ "token": text, "logprob": self.logprob(), "bytes": text.as_bytes() })
    }

    fn entry_with_top(&self, top: &[Self]) -> Value {
        let text = self.text.as_deref().unwrap_or_default();
        let top: Vec<Value> = top.iter().map(Self::entry).collect();
        json!({ "token": text, "logprob": self.logprob(), "bytes": text.as_bytes(), "top_logprobs": top })
    }
}

fn text_with_marks(tokens: Option<&RawValue>, context: &DecodeContext) -> Option<String> {
    let tokens = tokens.filter(|tokens| context.tool_calls.is_some() || thoughts::may_be_in(tokens.get()))?;
    let tokens = list::<Token>(Some(tokens))?;
    if !tokens.iter().any(|token| token.is_special() && token.is_mark(context)) {
        return None;
    }
    tokens.into_iter().filter(|token| !token.is_special() || token.is_mark(context)).map(|token| token.text).collect()
}

fn logprobs_of(context: &DecodeContext, tokens: Option<&RawValue>, top_tokens: Option<&RawValue>) -> Option<Value> {
    if !context.logprobs {
        return None;
    }
    logprobs(context, &list(tokens)?, &list(top_tokens).unwrap_or_default())
}

/// A list in the form that is known, if it has it.
fn list<T: DeserializeOwned>(raw: Option<&RawValue>) -> Option<Vec<T>> {
    serde_json::from_str(raw?.get()).ok()
}

/// OpenAI's form of [log probabilities](https://platform.openai.com/docs/api-reference/chat/object#chat/object-choices).
pub(super) fn logprobs(context: &DecodeContext, tokens: &[Token], top_tokens: &[Vec<Token>]) -> Option<Value> {
    if !context.logprobs {
        return None;
    }
    let content: Vec<Value> = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| !token.is_special())
        .map(|(place, token)| token.entry_with_top(top_tokens.get(place).map(Vec::as_slice).unwrap_or_default()))
        .collect();
    Some(json!({ "content": content, "refusal": null }))
}
