//! What becomes of a deployment's place once it has answered.
//!
//! Owns counting the tokens of whole answers and of pieces. Watching a stream to its end is the stream's.

use std::time::Duration;

use sagewire_types::{
    ChatChunk, ChatResponse, CompletionResponse, EmbedResponse, Reply, ReplyMeta, ReplyStream, Usage,
};

use crate::{
    bounds::Bounds,
    estimate,
    lease::Lease,
    state::{Measure, Timing},
    stream,
};

/// What a call gives back.
pub(crate) trait Answer: Sized + Send {
    fn meta_mut(&mut self) -> &mut ReplyMeta;

    /// Notes how the attempt went and gives the place back, at once or when the stream ends.
    fn settle(self, lease: Lease, measure: Measure, took: Duration, bounds: Bounds) -> Self;
}

/// Something that may say how many tokens it took.
pub(crate) trait Counted {
    fn usage(&self) -> Option<&Usage>;

    /// How many bytes of generated text it holds.
    fn text_bytes(&self) -> usize;
}

/// All tokens of a call, as far as its usage tells.
pub(crate) fn total(usage: &Usage) -> u64 {
    usage.total_tokens.max(usage.prompt_tokens.saturating_add(usage.completion_tokens))
}

impl<T: Counted + Send> Answer for Reply<T> {
    fn meta_mut(&mut self) -> &mut ReplyMeta {
        &mut self.meta
    }

    fn settle(self, mut lease: Lease, measure: Measure, took: Duration, _: Bounds) -> Self {
        let generated = match self.value.usage() {
            Some(usage) => usage.completion_tokens,
            None => estimate::of_text(self.value.text_bytes()),
        };
        lease.answered(timing(measure, took, generated));
        lease.used(match self.value.usage() {
            Some(usage) => total(usage),
            None => lease.estimated_tokens().saturating_add(generated),
        });
        self
    }
}

impl<T: Counted + Send + 'static> Answer for ReplyStream<T> {
    fn meta_mut(&mut self) -> &mut ReplyMeta {
        &mut self.meta
    }

    fn settle(self, mut lease: Lease, measure: Measure, took: Duration, bounds: Bounds) -> Self {
        // It resolved when the first chunk was there, so the deployment is well enough to answer.
        lease.answered(timing(measure, took, 0));
        stream::watch(self, lease, bounds)
    }
}

fn timing(measure: Measure, took: Duration, generated: u64) -> Option<Timing> {
    let time = match measure {
        Measure::FirstChunk | Measure::Whole => took,
        Measure::PerToken => took / u32::try_from(generated).ok().filter(|tokens| *tokens > 0)?,
    };
    Some(Timing { measure, time })
}

impl Counted for ChatResponse {
    fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    fn text_bytes(&self) -> usize {
        self.choices.iter().filter_map(|choice| choice.message.content.as_ref()).map(String::len).sum()
    }
}

impl Counted for ChatChunk {
    fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    fn text_bytes(&self) -> usize {
        self.choices.iter().filter_map(|choice| choice.delta.content.as_ref()).map(String::len).sum()
    }
}

impl Counted for CompletionResponse {
    fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    fn text_bytes(&self) -> usize {
        self.choices.iter().map(|choice| choice.text.len()).sum()
    }
}

impl Counted for EmbedResponse {
    fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    fn text_bytes(&self) -> usize {
        0
    }
}
