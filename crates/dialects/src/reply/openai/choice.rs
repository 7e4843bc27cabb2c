//! One choice of a streamed answer, as its chunks go by.
//!
//! Owns what is changed in its chunks: thoughts are cut off, stop texts and end tokens too, finish reasons are translated and calls
//! named.

use std::collections::BTreeSet;

use sagewire_types::{ChunkChoice, Delta, FinishReason};

use super::{Thoughts, call_id, in_openais_terms, liberties};
use crate::{
    DecodeContext,
    stop_texts::StopFilter,
    thoughts::{Pieces, ThinkSplitter},
};

/// What is known of a choice so far.
pub(super) struct ChoiceState {
    think: ThinkSplitter,
    filter: StopFilter,
    /// The calls that began, by their place.
    calls: BTreeSet<u32>,
    finished: bool,
}

impl ChoiceState {
    pub(super) fn new(context: &DecodeContext, thoughts: Thoughts) -> Self {
        let mut think = ThinkSplitter::default();
        if thoughts == Thoughts::Kept {
            think.skip();
        }
        let filter = StopFilter::new(context.stop.clone(), context.end_tokens.clone());
        Self { think, filter, calls: BTreeSet::new(), finished: false }
    }

    pub(super) fn has_finished(&self) -> bool {
        self.finished
    }

    pub(super) fn set_finished(&mut self) {
        self.finished = true;
    }

    /// Changes the next piece. Says whether anything is left of it to hand over.
    pub(super) fn take(&mut self, choice: &mut ChunkChoice, response_id: &str) -> bool {
        liberties::tidy_logprobs(&mut choice.logprobs);
        if let Some(text) = liberties::take_text(&mut choice.extra) {
            choice.delta.content = Some(text);
        }
        let delta = &mut choice.delta;
        if let Some(reasoning) = liberties::take_reasoning(&mut delta.extra) {
            delta.reasoning_content.get_or_insert(reasoning);
        }
        for call in &mut delta.tool_calls {
            let begins = self.calls.insert(call.index);
            if call.id.as_deref().unwrap_or_default().is_empty() {
                call.id = begins.then(|| call_id(response_id, choice.index, call.index));
            }
        }
        if let Some(reason) = choice.finish_reason.take() {
            self.finished = true;
            choice.finish_reason = Some(in_openais_terms(reason));
        }
        if delta.reasoning_content.is_some() {
            self.think.skip();
        }
        let had_text = delta.content.is_some();
        if !(self.think.is_answering() && self.filter.is_open()) {
            self.cut(delta);
        }
        if self.filter.ended() && choice.finish_reason == Some(FinishReason::Length) {
            choice.finish_reason = Some(FinishReason::Stop);
        }
        let held_back = had_text && delta.content.is_none() && *delta == Delta::default();
        !held_back || choice.finish_reason.is_some() || choice.logprobs.is_some()
    }

    /// What was held back, for no more will come.
    pub(super) fn rest(&mut self) -> Option<ChunkChoice> {
        let Pieces { thoughts, answer } = self.think.finish();
        let answer = join(answer.map(|answer| self.filter.push(answer)), Some(self.filter.finish()));
        let mut choice = ChunkChoice::default();
        choice.delta.reasoning_content = thoughts;
        choice.delta.content = answer.filter(|answer| !answer.is_empty());
        (choice.delta != Delta::default()).then_some(choice)
    }

    fn cut(&mut self, delta: &mut Delta) {
        let content = delta.content.take();
        let had_text = content.is_some();
        let Pieces { thoughts, answer } = match content {
            Some(content) if content.is_empty() => Pieces { thoughts: None, answer: Some(content) },
            Some(content) => self.think.push(content),
            None => Pieces::default(),
        };
        let was_empty = answer.as_deref() == Some("");
        let mut answer = answer.map(|answer| self.filter.push(answer));
        let mut thoughts = thoughts;
        if self.finished {
            let Pieces { thoughts: rest_of_thoughts, answer: rest } = self.think.finish();
            thoughts = join(thoughts, rest_of_thoughts);
            let rest = join(rest.map(|rest| self.filter.push(rest)), Some(self.filter.finish()));
            answer = join(answer, rest.filter(|rest| !rest.is_empty()));
        }
        delta.content = answer.filter(|answer| !answer.is_empty() || was_empty || (had_text && self.finished));
        delta.reasoning_content = join(delta.reasoning_content.take(), thoughts);
    }
}

fn join(first: Option<String>, second: Option<String>) -> Option<String> {
    match (first, second) {
        (Some(first), Some(second)) => Some(first + &second),
        (first, second) => first.or(second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(stop: &[&str]) -> ChoiceState {
        let mut context = DecodeContext::new("id", "m", 0);
        context.stop = stop.iter().map(|text| (*text).to_owned()).collect();
        ChoiceState::new(&context, Thoughts::Split)
    }

    #[test]
    fn a_finish_reason_in_container_terms_is_translated() {
        let mut choice = ChunkChoice::finished(FinishReason::Other("eos_token".to_owned()));
        assert!(state(&[]).take(&mut choice, "r"));
        assert_eq!(choice.finish_reason, Some(FinishReason::Stop));
    }

    #[test]
    fn a_piece_that_is_held_back_is_not_handed_over() {
        let mut state = state(&["END"]);
        let mut taken = |text: &str| {
            let mut choice = ChunkChoice::text(text);
            state.take(&mut choice, "r").then_some(choice.delta.content).flatten()
        };
        assert_eq!(taken("say E").as_deref(), Some("say "));
        assert_eq!(taken("N"), None);
        assert_eq!(taken("D and more"), None);
        let mut last = ChunkChoice::finished(FinishReason::Length);
        assert!(state.take(&mut last, "r"));
        assert_eq!(last.finish_reason, Some(FinishReason::Stop));
    }

    #[test]
    fn a_call_without_an_id_is_named_once() {
        let mut state = state(&[]);
        let mut named = || {
            let json = r#"{"index":1,"delta":{"tool_calls":[{"index":2,"function":{"arguments":"{"}}]}}"#;
            let mut choice: ChunkChoice = serde_json::from_str(json).unwrap();
            state.take(&mut choice, "r");
            choice.delta.tool_calls[0].id.clone()
        };
        assert_eq!((named().as_deref(), named()), (Some("call_r_1_2"), None));
    }
}
