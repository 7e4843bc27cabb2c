//! The echo of the prompt at the beginning of an answer, which pipelines put there and most
//! containers do not.
//!
//! Owns the rule by which an echo is told from an answer that happens to begin like its prompt, for
//! whole texts and for texts that come in pieces cut anywhere.

use std::sync::Arc;

use serde_json::Value;

use crate::DecodeContext;

/// A prompt without marks that is shorter than this may well begin an answer by chance; its echo is
/// left in place.
const SHORTEST_UNMARKED: usize = 16;

/// What is known about the prompt at the beginning of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Echo {
    /// It is the model's own text. Containers that report details never put the prompt there
    /// unasked.
    Never,
    /// Pipelines put it there unasked, but the model may have said it too: it is taken away where
    /// more follows.
    Likely,
    /// It has marks of a template, with which no answer begins: it is taken away.
    Certain,
    /// The caller asked for it: it is put back after the stop texts, which may well be part of it,
    /// have been looked for.
    Asked,
}

impl Echo {
    /// The rule for an answer whose container is, or is not, known to echo nothing unasked.
    pub(super) fn of(context: &DecodeContext, echoes_nothing: bool) -> Self {
        match context.prompt.as_deref() {
            None | Some("") => Self::Never,
            Some(_) if context.keep_prompt => Self::Asked,
            Some(_) if echoes_nothing => Self::Never,
            Some(_) if context.prompt_is_marked => Self::Certain,
            Some(prompt) if prompt.len() >= SHORTEST_UNMARKED => Self::Likely,
            Some(_) => Self::Never,
        }
    }
}

/// Takes the prompt away from the beginning of a whole text. Says whether it did.
pub(super) fn strip_echo(text: &mut String, prompt: Option<&str>, echo: Echo) -> bool {
    let prompt = prompt.filter(|prompt| echo != Echo::Never && text.starts_with(prompt));
    match prompt.filter(|prompt| echo != Echo::Likely || text.len() > prompt.len()) {
        Some(prompt) => {
            text.drain(..prompt.len());
            true
        }
        None => false,
    }
}

/// A piece of an answer, with its log probabilities.
pub(super) type Piece = (String, Option<Value>);

/// Takes the prompt away from the beginning of a text that comes in pieces.
///
/// Pieces are held back only as long as the text so far is the beginning of the prompt: no more
/// than the prompt is ever held, and the first piece that differs lets all of them go.
#[derive(Debug)]
pub(super) struct EchoFilter {
    /// The prompt, as long as it may still come.
    prompt: Option<Arc<str>>,
    echo: Echo,
    seen: usize,
    held: Vec<Piece>,
}

impl EchoFilter {
    pub(super) fn new(context: &DecodeContext) -> Self {
        let echo = Echo::of(context, false);
        let prompt = context.prompt.clone().filter(|_| echo != Echo::Never);
        Self { prompt, echo, seen: 0, held: Vec::new() }
    }

    /// Whether there is nothing to look for any more: then no piece needs to be taken.
    pub(super) fn is_open(&self) -> bool {
        self.prompt.is_none()
    }

    /// The container turns out to be one that echoes nothing unasked.
    pub(super) fn trust(&mut self) {
        if self.echo == Echo::Likely && self.seen == 0 {
            self.prompt = None;
        }
    }

    /// Takes the next piece and gives those that can be shown.
    pub(super) fn push(&mut self, piece: Piece) -> Vec<Piece> {
        let Some(prompt) = self.prompt.clone() else { return vec![piece] };
        let expected = prompt.get(self.seen..).unwrap_or_default();
        if !expected.is_empty() && expected.starts_with(piece.0.as_str()) {
            self.seen += piece.0.len();
            self.held.push(piece);
            if self.seen == prompt.len() && self.echo != Echo::Likely {
                self.prompt = None;
                self.held.clear();
            }
            return Vec::new();
        }
        if piece.0.is_empty() {
            self.held.push(piece);
            return Vec::new();
        }
        self.prompt = None;
        let mut shown = std::mem::take(&mut self.held);
        match piece.0.strip_prefix(expected) {
            Some(answer) => {
                shown.clear();
                shown.push((answer.to_owned(), piece.1));
            }
            None => shown.push(piece),
        }
        shown
    }

    /// No more will come: gives what was held back.
    pub(super) fn finish(&mut self) -> Vec<Piece> {
        self.prompt = None;
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(prompt: &str, is_marked: bool, keep_prompt: bool) -> DecodeContext {
        let mut context = DecodeContext::new("id", "m", 0).with_prompt(prompt, is_marked, &[]);
        context.keep_prompt = keep_prompt;
        context
    }

    fn whole(context: &DecodeContext, text: &str) -> String {
        let mut text = text.to_owned();
        strip_echo(&mut text, context.prompt.as_deref(), Echo::of(context, false));
        text
    }

    fn in_pieces(context: &DecodeContext, text: &str, size: usize) -> String {
        let mut filter = EchoFilter::new(context);
        let characters: Vec<char> = text.chars().collect();
        let mut pieces = Vec::new();
        for piece in characters.chunks(size) {
            pieces.extend(filter.push((piece.iter().collect(), None)));
        }
        pieces.extend(filter.finish());
        pieces.into_iter().map(|(text, _)| text).collect()
    }

    const LONG: &str = "Say what a llama is:";

    #[test]
    fn whole_texts_and_pieces_of_any_size_are_treated_the_same() {
        let cases: &[(&str, bool, bool, &str, &str)] = &[
            // With marks: whatever the length, and with nothing after it.
            ("[U] hé", true, false, "[U] hé fine", " fine"),
            ("[U] hi", true, false, "[U] hi", ""),
            ("[U] hi", true, false, "[U] ho", "[U] ho"),
            ("[U] hi", true, false, "[U]", "[U]"),
            // Without: where it is long and something follows.
            (LONG, false, false, "Say what a llama is: an animal", " an animal"),
            (LONG, false, false, LONG, LONG),
            (LONG, false, false, "Say what you like", "Say what you like"),
            ("Hi", false, false, "Hi there", "Hi there"),
            // Asked for: it is put back elsewhere.
            ("Hi", false, true, "Hi there", " there"),
            ("Hi", false, true, "Hello", "Hello"),
            ("", false, true, "Hello", "Hello"),
        ];
        for (prompt, is_marked, keep_prompt, text, expected) in cases {
            let context = context(prompt, *is_marked, *keep_prompt);
            assert_eq!(whole(&context, text), *expected, "{prompt:?} in {text:?}");
            for size in 1..=text.chars().count() {
                assert_eq!(in_pieces(&context, text, size), *expected, "{prompt:?} in {text:?}, pieces of {size}");
            }
        }
    }

    #[test]
    fn a_container_that_reports_details_echoes_nothing_unasked() {
        assert_eq!(Echo::of(&context("[U] hi", true, false), true), Echo::Never);
        assert_eq!(Echo::of(&context("hi", false, true), true), Echo::Asked);
        let mut filter = EchoFilter::new(&context(LONG, false, false));
        filter.trust();
        assert!(filter.is_open());
    }

    #[test]
    fn text_is_held_back_only_while_it_may_be_the_prompt() {
        let mut filter = EchoFilter::new(&context(LONG, false, false));
        assert_eq!(filter.push(("Say".to_owned(), None)), []);
        let held = filter.push((" no".to_owned(), None));
        assert_eq!(held.into_iter().map(|(text, _)| text).collect::<Vec<_>>(), ["Say", " no"]);
        assert!(filter.is_open());
    }
}
