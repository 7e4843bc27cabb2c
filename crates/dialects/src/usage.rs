//! Tokens that no container counted.
//!
//! Owns what is done about missing counts. If a function that counts tokens is given, they are estimated and marked so
//! ([`Usage::estimated`]); otherwise they stay missing. What a container reports is never changed.

use std::sync::Arc;

use sagewire_types::{ChatChunk, ChatRequest, ChatResponse, EmbedInput, EmbedResponse, Usage};

use crate::DecodeContext;

/// Counts the tokens of a text: as the model's tokenizer does, or about.
pub type CountTokens = fn(&str) -> u64;

/// What each message adds beside its text: its role and the marks around it, as OpenAI counts them.
const TOKENS_PER_MESSAGE: u64 = 4;

/// A prompt whose tokens may have to be counted here.
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

    /// The messages of a container that makes the prompt itself.
    pub(crate) fn messages(request: &ChatRequest) -> Option<Self> {
        if request.messages.is_empty() {
            return None;
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
}

/// Completes the counts of a whole answer.
pub fn fill_in(response: &mut ChatResponse, context: &DecodeContext) {
    let Some(count) = context.count_tokens.filter(|_| needs_counting(response.usage.as_ref())) else { return };
    let said = response.choices.iter().map(|choice| {
        let message = &choice.message;
        let calls = message.tool_calls.iter().flat_map(|call| [&call.function.name, &call.function.arguments]);
        message.content.iter().chain(&message.reasoning_content).chain(calls).map(|text| count(text)).sum::<u64>()
    });
    let said = said.sum();
    response.usage = completed(response.usage.take(), context.uncounted.as_ref(), said, count);
}

/// Completes the counts of embedded inputs.
pub fn fill_in_embeddings(response: &mut EmbedResponse, input: &EmbedInput, count: CountTokens) {
    if response.usage.is_some() {
        return;
    }
    let tokens = match input {
        EmbedInput::Tokens(tokens) => known(tokens.len()),
        EmbedInput::TokenLists(lists) => lists.iter().map(|list| known(list.len())).sum(),
        EmbedInput::Text(_) | EmbedInput::Texts(_) => input.texts().into_iter().flatten().map(|text| count(text)).sum(),
    };
    response.usage = Some(Usage::estimated(tokens, 0));
}

/// Watches the chunks of a streamed answer, so that a usage that was asked for comes at its end.
#[derive(Debug)]
pub(crate) struct Meter {
    count: CountTokens,
    said: String,
    reported: bool,
    /// What the answer's chunks are named by.
    head: Option<(Arc<str>, Arc<str>, u64)>,
}

impl Meter {
    /// A meter, where one is needed.
    pub(crate) fn new(context: &DecodeContext) -> Option<Self> {
        let count = context.count_tokens.filter(|_| context.include_usage)?;
        Some(Self { count, said: String::new(), reported: false, head: None })
    }

    /// Sees the next chunks, and completes a usage among them.
    pub(crate) fn see(&mut self, chunks: &mut [ChatChunk], context: &DecodeContext) {
        for chunk in chunks {
            self.head.get_or_insert_with(|| (chunk.id.clone(), chunk.model.clone(), chunk.created));
            for choice in &chunk.choices {
                let delta = &choice.delta;
                let calls = delta.tool_calls.iter().filter_map(|call| call.function.as_ref());
                let calls = calls.flat_map(|function| function.name.iter().chain(&function.arguments));
                delta
                    .content
                    .iter()
                    .chain(&delta.reasoning_content)
                    .chain(calls)
                    .for_each(|text| self.said.push_str(text));
            }
            if let Some(usage) = &mut chunk.usage {
                self.reported = true;
                if needs_counting(Some(usage)) {
                    let said = (self.count)(&self.said);
                    let completed = completed(Some(usage.clone()), context.uncounted.as_ref(), said, self.count);
                    *usage = completed.unwrap_or_default();
                }
            }
        }
    }

    /// The chunk with the usage of the whole answer, where none was reported.
    pub(crate) fn missing(&self, context: &DecodeContext) -> Option<ChatChunk> {
        let (id, model, created) = self.head.clone().filter(|_| !self.reported)?;
        let usage = completed(None, context.uncounted.as_ref(), (self.count)(&self.said), self.count)?;
        let mut chunk = ChatChunk::new(id, model, created, Vec::new());
        chunk.usage = Some(usage);
        Some(chunk)
    }
}

/// Whether a count is missing. No prompt has no tokens: a container that reports none did not count them.
#[must_use]
pub fn needs_counting(usage: Option<&Usage>) -> bool {
    usage.is_none_or(|usage| usage.prompt_tokens == 0)
}

/// What is reported, and estimates for the rest; `None` if an estimate is wanted and cannot be made.
fn completed(reported: Option<Usage>, prompt: Option<&Prompt>, said: u64, count: CountTokens) -> Option<Usage> {
    let Some(prompt) = prompt else { return reported };
    let prompt_tokens = count(&prompt.text).saturating_add(prompt.marks);
    Some(match reported {
        Some(mut usage) => {
            usage.prompt_tokens = prompt_tokens;
            usage.total_tokens = prompt_tokens.saturating_add(usage.completion_tokens);
            usage.estimated = true;
            usage
        }
        None => Usage::estimated(prompt_tokens, said),
    })
}

fn known(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
