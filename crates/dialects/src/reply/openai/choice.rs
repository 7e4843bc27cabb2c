//! One choice of a streamed answer, as its chunks go by.
//!
//! Owns what is changed in its chunks: halves of characters are joined, thoughts are cut off, stop
//! texts and end tokens too, finish reasons are translated and calls numbered.

use sagewire_types::{ChunkChoice, Delta, FinishReason, Role, ToolCallDelta, json::HalfJoiner};

use super::liberties;
use crate::{
    DecodeContext,
    finish_reason::{self, in_openais_terms},
    stop_texts::{StopFilter, tell_stop},
    thoughts::{Pieces, ThoughtSplitter, join},
    tool_calls::CallPieces,
};

/// What is known of a choice so far.
pub(super) struct ChoiceState {
    halves: Halves,
    think: ThoughtSplitter,
    filter: StopFilter,
    calls: CallPieces,
    finished: bool,
    has_spoken: bool,
    /// Its pieces are messages in place of deltas.
    in_messages: bool,
}

impl ChoiceState {
    pub(super) fn new(context: &DecodeContext) -> Self {
        let filter = StopFilter::new(&context.stop, context.end_tokens.clone());
        Self {
            halves: Halves::default(),
            think: context.thought_splitter(),
            filter,
            calls: CallPieces::default(),
            finished: false,
            has_spoken: false,
            in_messages: false,
        }
    }

    /// Whether a part of the answer came in a delta.
    pub(super) fn speaks_in_deltas(&self) -> bool {
        self.has_spoken && !self.in_messages
    }

    /// A message came in place of a delta.
    pub(super) fn takes_messages(&mut self) {
        self.in_messages = true;
    }

    pub(super) fn has_finished(&self) -> bool {
        self.finished
    }

    /// The container marked the end and gave no reason.
    pub(super) fn end_without_a_reason(&mut self) -> ChunkChoice {
        self.finished = true;
        let mut choice = ChunkChoice::finished(finish_reason::of_ended(None, self.calls.any()));
        tell_stop(&mut choice.extra, self.filter.stop());
        choice
    }

    /// Changes the next piece; `halves` says whether half characters are marked in it. Says whether
    /// anything is left to hand over.
    pub(super) fn take(&mut self, choice: &mut ChunkChoice, response_id: &str, halves: bool) -> bool {
        liberties::tidy_logprobs(&mut choice.logprobs);
        let delta = &mut choice.delta;
        self.has_spoken |= liberties::says_anything(delta);
        // Every answer is the assistant's.
        delta.role = delta.role.take().map(|_| Role::Assistant);
        let had_text = delta.content.is_some() || delta.reasoning_content.is_some();
        let ends = choice.finish_reason.is_some();
        if halves || self.halves.are_waiting() {
            self.halves.join(delta, halves, ends);
        }
        for call in &mut delta.tool_calls {
            self.calls.take(call, choice.index, response_id);
        }
        if let Some(reason) = choice.finish_reason.take() {
            self.finished = true;
            choice.finish_reason = Some(finish_reason::of_ended(Some(in_openais_terms(reason)), self.calls.any()));
        }
        if delta.reasoning_content.is_some() {
            self.think.skip();
        }
        if !(self.think.is_answering() && self.filter.is_open()) {
            self.cut(delta);
        }
        if self.filter.ended() && choice.finish_reason == Some(FinishReason::Length) {
            choice.finish_reason = Some(FinishReason::Stop);
        }
        if choice.finish_reason.is_some() {
            tell_stop(&mut choice.extra, self.filter.stop());
        }
        let held_back = had_text && *delta == Delta::default();
        !held_back || choice.finish_reason.is_some() || choice.logprobs.is_some()
    }

    /// What was held back, for no more will come.
    pub(super) fn rest(&mut self) -> Option<ChunkChoice> {
        let content = self.halves.content.finish().map(String::from);
        let pushed = content.map(|content| self.think.push(content)).unwrap_or_default();
        let rest = self.think.finish();
        let answer = join(pushed.answer, rest.answer).map(|answer| self.filter.push(answer));
        let answer = join(answer, Some(self.filter.finish()));
        let mut choice = ChunkChoice::default();
        choice.delta.reasoning_content =
            join(self.halves.thoughts.finish().map(String::from), join(pushed.thoughts, rest.thoughts));
        choice.delta.content = answer.filter(|answer| !answer.is_empty());
        (choice.delta != Delta::default()).then_some(choice)
    }

    fn cut(&mut self, delta: &mut Delta) {
        let content = delta.content.take();
        let had_text = content.is_some();
        let Pieces { mut thoughts, answer } = match content {
            Some(content) if content.is_empty() => Pieces { thoughts: None, answer: Some(content) },
            Some(content) => self.think.push(content),
            None => Pieces::default(),
        };
        let was_empty = answer.as_deref() == Some("");
        let mut answer = answer.map(|answer| self.filter.push(answer));
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

/// The halves of characters that wait for their other half, in each text of a choice.
#[derive(Default)]
struct Halves {
    content: HalfJoiner,
    thoughts: HalfJoiner,
    arguments: HalfJoiner,
}

impl Halves {
    fn are_waiting(&self) -> bool {
        [&self.content, &self.thoughts, &self.arguments].iter().any(|text| text.is_waiting())
    }

    fn join(&mut self, delta: &mut Delta, marked: bool, ends: bool) {
        let arguments = |call: &mut ToolCallDelta| call.function.as_mut()?.arguments.take();
        join_text(&mut self.content, &mut delta.content, marked);
        join_text(&mut self.thoughts, &mut delta.reasoning_content, marked);
        for call in &mut delta.tool_calls {
            let mut text = arguments(call);
            join_text(&mut self.arguments, &mut text, marked);
            if let Some(function) = &mut call.function {
                function.arguments = text;
            }
        }
        if ends {
            delta.content = join(delta.content.take(), self.content.finish().map(String::from));
            delta.reasoning_content = join(delta.reasoning_content.take(), self.thoughts.finish().map(String::from));
        }
    }
}

/// A piece in which nothing is marked may still follow a half.
fn join_text(joiner: &mut HalfJoiner, text: &mut Option<String>, marked: bool) {
    let Some(piece) = text.take_if(|text| !text.is_empty()) else { return };
    *text = Some(if marked { joiner.push(&piece) } else { joiner.finish().into_iter().collect::<String>() + &piece });
    // What waits for its other half is not there yet.
    text.take_if(|text| text.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(stop: &[&str]) -> ChoiceState {
        let mut context = DecodeContext::new("id", "m", 0);
        context.stop = stop.iter().map(|text| (*text).to_owned()).collect();
        ChoiceState::new(&context)
    }

    #[test]
    fn a_finish_reason_in_container_terms_is_translated() {
        let mut choice = ChunkChoice::finished(FinishReason::Other("eos_token".to_owned()));
        assert!(state(&[]).take(&mut choice, "r", false));
        assert_eq!(choice.finish_reason, Some(FinishReason::Stop));
    }

    #[test]
    fn a_piece_that_is_held_back_is_not_handed_over() {
        let mut state = state(&["END"]);
        let mut taken = |text: &str| {
            let mut choice = ChunkChoice::text(text);
            state.take(&mut choice, "r", false).then_some(choice.delta.content).flatten()
        };
        assert_eq!(taken("say E").as_deref(), Some("say "));
        assert_eq!(taken("N"), None);
        assert_eq!(taken("D and more"), None);
        let mut last = ChunkChoice::finished(FinishReason::Length);
        assert!(state.take(&mut last, "r", false));
        assert_eq!(last.finish_reason, Some(FinishReason::Stop));
    }
}
