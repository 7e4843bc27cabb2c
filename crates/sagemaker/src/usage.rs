//! Tokens that no container counted.
//!
//! Owns what is done about missing counts: with the feature `estimate-usage` they are estimated and marked so
//! ([`Usage::estimated`]); without it they stay missing. What a container reports is never changed.

use std::sync::Arc;

use sagewire_types::{ChatChunk, ChatRequest, ChatResponse, EmbedInput, EmbedResponse, Usage};

use crate::dialect::DecodeContext;

#[cfg(feature = "estimate-usage")]
mod tokens;

/// What each message adds beside its text: its role and the marks around it, as OpenAI counts them.
const TOKENS_PER_MESSAGE: u64 = 4;

/// A prompt whose tokens may have to be counted here.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Prompt {
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
    /// One text that was sent as it is. Nothing is kept where nothing will be estimated.
    pub(crate) fn text(text: impl Into<Arc<str>>) -> Option<Self> {
        cfg!(feature = "estimate-usage").then(|| Self { text: text.into(), marks: 0 })
    }

    /// The messages of a container that makes the prompt itself.
    pub(crate) fn messages(request: &ChatRequest) -> Option<Self> {
        if !cfg!(feature = "estimate-usage") || request.messages.is_empty() {
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

/// Makes ready what counts tokens, where a stream with this context may need it.
pub(crate) async fn get_ready(context: &DecodeContext) {
    if context.include_usage {
        ready().await;
    }
}

/// Completes the counts of a whole answer.
pub(crate) async fn fill_in(response: &mut ChatResponse, context: &DecodeContext) {
    if is_whole(response.usage.as_ref()) {
        return;
    }
    ready().await;
    let said = response.choices.iter().map(|choice| {
        let message = &choice.message;
        let calls = message.tool_calls.iter().flat_map(|call| [&call.function.name, &call.function.arguments]);
        message.content.iter().chain(&message.reasoning_content).chain(calls).map(|text| count(text)).sum()
    });
    let said = sum(said);
    response.usage = completed(response.usage.take(), context.uncounted.as_ref(), said);
}

/// Completes the counts of embedded inputs.
pub(crate) async fn fill_in_embeddings(response: &mut EmbedResponse, input: &EmbedInput) {
    if response.usage.is_some() {
        return;
    }
    ready().await;
    let tokens = match input {
        EmbedInput::Tokens(tokens) => Some(known(tokens.len())),
        EmbedInput::TokenLists(lists) => Some(lists.iter().map(|list| known(list.len())).sum()),
        EmbedInput::Text(_) | EmbedInput::Texts(_) => sum(input.texts().into_iter().flatten().map(|text| count(text))),
    };
    response.usage = tokens.map(|tokens| Usage::estimated(tokens, 0));
}

/// Watches the chunks of a streamed answer, so that a usage that was asked for comes at its end.
#[derive(Debug)]
pub(crate) struct Meter {
    said: String,
    reported: bool,
    /// What the answer's chunks are named by.
    head: Option<(Arc<str>, Arc<str>, u64)>,
}

impl Meter {
    /// A meter, where one is needed.
    pub(crate) fn new(context: &DecodeContext) -> Option<Self> {
        (cfg!(feature = "estimate-usage") && context.include_usage).then(|| Self {
            said: String::new(),
            reported: false,
            head: None,
        })
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
                if !is_whole(Some(usage)) {
                    let completed = completed(Some(usage.clone()), context.uncounted.as_ref(), count(&self.said));
                    *usage = completed.unwrap_or_default();
                }
            }
        }
    }

    /// The chunk with the usage of the whole answer, where none was reported.
    pub(crate) fn missing(&self, context: &DecodeContext) -> Option<ChatChunk> {
        let (id, model, created) = self.head.clone().filter(|_| !self.reported)?;
        let usage = completed(None, context.uncounted.as_ref(), count(&self.said))?;
        let mut chunk = ChatChunk::new(id, model, created, Vec::new());
        chunk.usage = Some(usage);
        Some(chunk)
    }
}

/// No prompt has no tokens: where a container reports none it did not count them.
fn is_whole(usage: Option<&Usage>) -> bool {
    usage.is_some_and(|usage| usage.prompt_tokens > 0)
}

/// What is reported, and estimates for the rest; `None` where an estimate is wanted and cannot be made.
fn completed(reported: Option<Usage>, prompt: Option<&Prompt>, said: Option<u64>) -> Option<Usage> {
    let Some(prompt_tokens) = prompt.and_then(|prompt| Some(count(&prompt.text)?.saturating_add(prompt.marks))) else {
        return reported;
    };
    match (reported, said) {
        (Some(mut usage), _) => {
            usage.prompt_tokens = prompt_tokens;
            usage.total_tokens = prompt_tokens.saturating_add(usage.completion_tokens);
            usage.estimated = true;
            Some(usage)
        }
        (None, Some(said)) => Some(Usage::estimated(prompt_tokens, said)),
        (None, None) => None,
    }
}

fn sum(mut counts: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    counts.try_fold(0_u64, |sum, count| Some(sum.saturating_add(count?)))
}

fn known(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(feature = "estimate-usage")]
async fn ready() {
    tokens::ready().await;
}

#[cfg(not(feature = "estimate-usage"))]
async fn ready() {}

#[cfg(feature = "estimate-usage")]
fn count(text: &str) -> Option<u64> {
    Some(tokens::count(text))
}

#[cfg(not(feature = "estimate-usage"))]
fn count(_: &str) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests;
