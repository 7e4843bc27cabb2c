//! Tokens that a container does not report.
//!
//! Owns how missing counts are estimated and marked so ([`Usage::estimated`]). What a container
//! reports is never changed.

use std::sync::Arc;

use sagewire_types::{
    ChatChunk, ChatRequest, ChatResponse, CompletionRequest, EmbedInput, EmbedResponse, Tally, Usage,
};

use crate::DecodeContext;

/// What estimates the tokens of a text.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum CountTokens {
    /// The length of the text, which needs no copy of it: [`Tally::generated`].
    ByLength,
    /// A tokenizer, which may be another one than the model's.
    With(fn(&str) -> u64),
}

/// What each message adds beside its text for a tokenizer: its role and the marks around it, as
/// OpenAI counts them.
const TOKENS_PER_MESSAGE: u64 = 4;

impl CountTokens {
    fn of<'a>(self, texts: impl Iterator<Item = &'a str>) -> u64 {
        match self {
            Self::ByLength => by_length(texts.map(str::len).sum()),
            Self::With(count) => texts.map(count).sum(),
        }
    }
}

fn by_length(bytes: usize) -> u64 {
    Tally::new(None, bytes).generated()
}

/// A prompt whose tokens may have to be estimated.
#[derive(Clone, PartialEq, Eq)]
pub struct Prompt {
    text: Arc<str>,
    /// Tokens beside the text's.
    marks: u64,
}

impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prompt").field("text_bytes", &self.text.len()).field("marks", &self.marks).finish()
    }
}

impl Prompt {
    /// One text that was sent as it is.
    pub(crate) fn text(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), marks: 0 }
    }

    fn counted(tokens: u64) -> Self {
        Self { text: Arc::default(), marks: tokens }
    }

    /// The messages of a container that makes the prompt itself.
    pub(crate) fn messages(request: &ChatRequest, count: CountTokens) -> Option<Self> {
        if request.messages.is_empty() {
            return None;
        }
        if matches!(count, CountTokens::ByLength) {
            return Some(Self::counted(request.estimated_tokens()));
        }
        let mut text = String::new();
        for message in &request.messages {
            text.push_str(&message.text());
            for call in &message.tool_calls {
                text.push_str(&call.function.name);
                text.push_str(&call.function.arguments);
            }
            text.push('\n');
        }
        let messages = u64::try_from(request.messages.len()).unwrap_or(u64::MAX);
        Some(Self { text: text.into(), marks: messages.saturating_mul(TOKENS_PER_MESSAGE) })
    }

    /// The prompts of a completion; token ids count themselves.
    pub(crate) fn completion(request: &CompletionRequest, count: CountTokens) -> Self {
        match (&request.prompt, count) {
            (sagewire_types::Prompt::Text(text), CountTokens::With(_)) => Self::text(text.as_str()),
            (sagewire_types::Prompt::Texts(texts), CountTokens::With(_)) => Self::text(texts.join("\n")),
            _ => Self::counted(request.estimated_tokens()),
        }
    }

    fn tokens(&self, count: CountTokens) -> u64 {
        count.of(std::iter::once(&*self.text)).saturating_add(self.marks)
    }
}

/// Completes the counts of a whole answer.
pub fn fill_in(response: &mut ChatResponse, context: &DecodeContext) {
    let Some(count) = context.count_tokens.filter(|_| needs_counting(response.usage.as_ref())) else { return };
    let texts = response.choices.iter().flat_map(|choice| {
        let message = &choice.message;
        let calls = message.tool_calls.iter().flat_map(|call| [&call.function.name, &call.function.arguments]);
        message.content.iter().chain(&message.reasoning_content).chain(calls).map(String::as_str)
    });
    let said = count.of(texts);
    response.usage = completed(response.usage.take(), context.uncounted.as_ref(), said, count);
}

/// Completes the counts of embedded inputs.
pub fn fill_in_embeddings(response: &mut EmbedResponse, input: &EmbedInput, count: CountTokens) {
    if response.usage.as_ref().is_some_and(|usage| usage.prompt_tokens > 0) {
        return;
    }
    let tokens = match input {
        EmbedInput::Tokens(tokens) => known(tokens.len()),
        EmbedInput::TokenLists(lists) => lists.iter().map(|list| known(list.len())).sum(),
        EmbedInput::Others(others) => by_length(others.iter().map(EmbedInput::text_bytes_of).sum()),
        EmbedInput::Text(_) | EmbedInput::Texts(_) => count.of(input.texts().into_iter().flatten().map(String::as_str)),
    };
    response.usage = Some(response.usage.take().unwrap_or_default().or_estimated(tokens, 0));
}

/// Watches the chunks of a streamed answer, so that a usage that was asked for comes at its end.
#[derive(Debug)]
pub(crate) struct Meter {
    count: CountTokens,
    said: StreamedText,
    reported: bool,
    /// What the answer's chunks are named by.
    head: Option<(Arc<str>, Arc<str>, u64)>,
}

/// The text of a stream so far, as far as it is needed.
#[derive(Debug, Default)]
struct StreamedText {
    bytes: usize,
    /// What a tokenizer will read.
    text: String,
}

impl StreamedText {
    fn push(&mut self, text: &str, count: CountTokens) {
        self.bytes = self.bytes.saturating_add(text.len());
        if matches!(count, CountTokens::With(_)) {
            self.text.push_str(text);
        }
    }

    fn tokens(&self, count: CountTokens) -> u64 {
        match count {
            CountTokens::ByLength => by_length(self.bytes),
            CountTokens::With(count) => count(&self.text),
        }
    }
}

impl Meter {
    /// A meter, where one is needed.
    pub(crate) fn new(context: &DecodeContext) -> Option<Self> {
        let count = context.count_tokens.filter(|_| context.include_usage)?;
        Some(Self { count, said: StreamedText::default(), reported: false, head: None })
    }

    /// Sees the next chunks, and completes a usage among them.
    pub(crate) fn see(&mut self, chunks: &mut [ChatChunk], context: &DecodeContext) {
        for chunk in chunks {
            self.head.get_or_insert_with(|| (chunk.id.clone(), chunk.model.clone(), chunk.created));
            for choice in &chunk.choices {
                let delta = &choice.delta;
                let calls = delta.tool_calls.iter().filter_map(|call| call.function.as_ref());
                let calls = calls.flat_map(|function| function.name.iter().chain(&function.arguments));
                let texts = delta.content.iter().chain(&delta.reasoning_content).chain(calls);
                texts.for_each(|text| self.said.push(text, self.count));
            }
            if let Some(usage) = &mut chunk.usage {
                self.reported = true;
                if needs_counting(Some(usage)) {
                    let said = self.said.tokens(self.count);
                    let completed = completed(Some(usage.clone()), context.uncounted.as_ref(), said, self.count);
                    *usage = completed.unwrap_or_default();
                }
            }
        }
    }

    /// The chunk with the usage of the whole answer, where none was reported.
    pub(crate) fn missing(&self, context: &DecodeContext) -> Option<ChatChunk> {
        let (id, model, created) = self.head.clone().filter(|_| !self.reported)?;
        let usage = completed(None, context.uncounted.as_ref(), self.said.tokens(self.count), self.count)?;
        let mut chunk = ChatChunk::new(id, model, created, Vec::new());
        chunk.usage = Some(usage);
        Some(chunk)
    }
}

/// Whether a count may be missing: a container that reports 0 tokens did not count them, unless the
/// answer is empty.
#[must_use]
pub fn needs_counting(usage: Option<&Usage>) -> bool {
    usage.is_none_or(|usage| usage.prompt_tokens == 0 || usage.completion_tokens == 0)
}

/// What is reported, and estimates for the rest; `None` if nothing is reported and the prompt is
/// not known.
fn completed(reported: Option<Usage>, prompt: Option<&Prompt>, said: u64, count: CountTokens) -> Option<Usage> {
    let Some(prompt) = prompt else { return reported };
    Some(reported.unwrap_or_default().or_estimated(prompt.tokens(count), said))
}

fn known(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
