//! Thoughts between `<think>` tags at the beginning of an answer.
//!
//! Owns the cut between thoughts and answer, for whole texts and for texts in pieces. A tag anywhere else is text.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// The thoughts and the answer after them, where the text begins with thoughts.
pub(crate) fn split(text: &str) -> Option<(&str, &str)> {
    let (thoughts, answer) = text.trim_start().strip_prefix(OPEN)?.split_once(CLOSE)?;
    Some((thoughts.trim(), answer.trim_start()))
}

/// Cuts the text of one choice as it comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct ThinkSplitter {
    held: String,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing but blanks and a beginning of the opening tag so far.
    #[default]
    Start,
    Thinking,
    /// After the closing tag, until the answer's first character that is no blank.
    Between,
    Answering,
}

/// What a piece adds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pieces {
    pub(crate) thoughts: Option<String>,
    pub(crate) answer: Option<String>,
}

impl ThinkSplitter {
    /// Whether every further piece is answer: then none needs to be looked at.
    pub(crate) fn is_answering(&self) -> bool {
        self.state == State::Answering
    }

    /// A container that reports thoughts in a field of their own has none in its text.
    pub(crate) fn skip(&mut self) {
        if self.held.is_empty() {
            self.state = State::Answering;
        }
    }

    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: String) -> Pieces {
        if self.state == State::Answering && self.held.is_empty() {
            return Pieces { thoughts: None, answer: Some(piece) };
        }
        let mut pieces = Pieces::default();
        self.held.push_str(&piece);
        if self.state == State::Start {
            let begun = self.held.trim_start();
            if let Some(rest) = begun.strip_prefix(OPEN) {
                self.held = rest.to_owned();
                self.state = State::Thinking;
            } else if !OPEN.starts_with(begun) {
                self.state = State::Answering;
            }
        }
        if self.state == State::Thinking {
            self.think(&mut pieces);
        }
        if self.state == State::Between && !self.held.trim_start().is_empty() {
            self.held = self.held.trim_start().to_owned();
            self.state = State::Answering;
        }
        if self.state == State::Answering && !self.held.is_empty() {
            pieces.answer = Some(std::mem::take(&mut self.held));
        }
        pieces
    }

    /// The text has ended: what was held back as a possible tag is text.
    pub(crate) fn finish(&mut self) -> Pieces {
        let rest = Some(std::mem::take(&mut self.held)).filter(|rest| !rest.is_empty());
        match self.state {
            State::Thinking => Pieces { thoughts: rest, answer: None },
            State::Between => Pieces::default(),
            State::Start | State::Answering => Pieces { thoughts: None, answer: rest },
        }
    }

    fn think(&mut self, pieces: &mut Pieces) {
        if let Some((thoughts, answer)) = self.held.split_once(CLOSE) {
            pieces.thoughts = Some(thoughts.to_owned()).filter(|thoughts| !thoughts.is_empty());
            self.held = answer.to_owned();
            self.state = State::Between;
            return;
        }
        let possible_tag = (1..CLOSE.len())
            .rev()
            .find(|length| CLOSE.get(..*length).is_some_and(|beginning| self.held.ends_with(beginning)))
            .unwrap_or_default();
        let tag = self.held.split_off(self.held.len() - possible_tag);
        pieces.thoughts = Some(std::mem::replace(&mut self.held, tag)).filter(|thoughts| !thoughts.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_pieces(text: &str, size: usize) -> (String, String) {
        let mut splitter = ThinkSplitter::default();
        let characters: Vec<char> = text.chars().collect();
        let (mut thoughts, mut answer) = (String::new(), String::new());
        let mut add = |pieces: Pieces| {
            thoughts.push_str(pieces.thoughts.as_deref().unwrap_or_default());
            answer.push_str(pieces.answer.as_deref().unwrap_or_default());
        };
        for piece in characters.chunks(size) {
            add(splitter.push(piece.iter().collect()));
        }
        add(splitter.finish());
        (thoughts, answer)
    }

    #[test]
    fn thoughts_are_cut_off_at_every_size_of_piece() {
        for (text, thoughts, answer) in [
            ("<think>R</think>A", "R", "A"),
            ("\n<think>a < b </thin 1</think>\n\nyes <think>", "a < b </thin 1", "yes <think>"),
            ("no thoughts </think>", "", "no thoughts </think>"),
            ("<thin", "", "<thin"),
            ("<think>cut off </th", "cut off </th", ""),
            ("", "", ""),
        ] {
            for size in 1..=text.chars().count().max(1) {
                assert_eq!(
                    in_pieces(text, size),
                    (thoughts.to_owned(), answer.to_owned()),
                    "{text:?} in pieces of {size}"
                );
            }
        }
    }

    #[test]
    fn a_whole_text_is_cut_only_where_both_tags_are_there() {
        assert_eq!(split("<think>\nR\n</think>\n\nA"), Some(("R", "A")));
        assert_eq!(split("<think>R"), None);
        assert_eq!(split("A <think>R</think>"), None);
    }
}
