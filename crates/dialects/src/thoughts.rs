//! A reasoning model's thoughts, between `<think>` and `</think>` or marks like these at the
//! beginning of an answer.
//!
//! Owns the cut between thoughts and answer, the same for whole texts and for texts in pieces. A
//! tag anywhere else is text. The prompt may have opened the thoughts already, as the templates of
//! DeepSeek-R1 and its like do.

/// How thoughts begin and end: most models, Mistral, Seed OSS, Command A, Gemma 4,
/// EXAONE Deep, LongCat.
const MARKS: [(&str, &str); 7] = [
    ("<think>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel>thought", "<channel|>"),
    ("<thought>", "</thought>"),
    ("<longcat_think>", "</longcat_think>"),
];

/// What ends the thoughts that a prompt has opened with its last word, if it has.
pub(crate) fn opened_by(prompt: &str) -> Option<&'static str> {
    let prompt = prompt.trim_end();
    MARKS.iter().find(|(open, _)| prompt.ends_with(open)).map(|(_, close)| *close)
}

/// Whether a token's text is such a mark, or begins with one.
pub(crate) fn is_mark(token: &str) -> bool {
    MARKS.iter().any(|(open, close)| token == *open || token == *close || (token.len() > 4 && open.starts_with(token)))
}

/// Whether one of the marks is a token in this JSON text, or begins with a token in it.
pub(crate) fn may_be_in(tokens: &str) -> bool {
    let token = |open: &'static str| open.split_inclusive(['>', ']']).next().unwrap_or(open);
    MARKS.iter().any(|(open, close)| tokens.contains(token(open)) || tokens.contains(close))
}

/// Cuts the text of one choice as it comes in pieces.
#[derive(Debug)]
pub(crate) struct ThoughtSplitter {
    held: String,
    state: ThoughtState,
    /// What ends the thoughts that the prompt has opened.
    opened: Option<&'static str>,
    /// What ends the thoughts.
    close: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ThoughtState {
    /// Nothing but blanks and a beginning of the opening tag so far.
    Start,
    /// Within the thoughts, before their first character that is no blank.
    Opened,
    /// Within the thoughts.
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

impl ThoughtSplitter {
    /// For an answer whose thoughts the prompt has opened, or not.
    pub(crate) fn new(opened: Option<&'static str>) -> Self {
        Self { held: String::new(), state: ThoughtState::Start, opened, close: opened.unwrap_or_default() }
    }

    /// For a text in which tags mean nothing.
    pub(crate) fn off() -> Self {
        Self { held: String::new(), state: ThoughtState::Answering, opened: None, close: "" }
    }

    /// Whether every further piece is answer: then none needs to be looked at.
    pub(crate) fn is_answering(&self) -> bool {
        self.state == ThoughtState::Answering
    }

    /// A container that reports thoughts in a field of their own has none in its text.
    pub(crate) fn skip(&mut self) {
        if self.held.is_empty() {
            self.state = ThoughtState::Answering;
        }
    }

    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: String) -> Pieces {
        if self.is_answering() && self.held.is_empty() {
            return Pieces { thoughts: None, answer: Some(piece) };
        }
        let mut pieces = Pieces::default();
        self.held.push_str(&piece);
        if self.state == ThoughtState::Start {
            let begun = self.held.trim_start();
            let found = MARKS.iter().find_map(|(open, close)| Some((begun.strip_prefix(open)?, *close)));
            if let Some((rest, close)) = found {
                self.close = close;
                self.held = rest.to_owned();
                self.state = ThoughtState::Opened;
            } else if !MARKS.iter().any(|(open, _)| open.starts_with(begun)) {
                self.state = if self.opened.is_some() { ThoughtState::Opened } else { ThoughtState::Answering };
            }
        }
        if matches!(self.state, ThoughtState::Opened | ThoughtState::Thinking) {
            pieces.thoughts = self.think();
        }
        if self.state == ThoughtState::Between && !self.held.trim_start().is_empty() {
            self.held = self.held.trim_start().to_owned();
            self.state = ThoughtState::Answering;
        }
        if self.is_answering() && !self.held.is_empty() {
            pieces.answer = Some(std::mem::take(&mut self.held));
        }
        pieces
    }

    /// The text has ended: what was held back as a possible tag is text.
    pub(crate) fn finish(&mut self) -> Pieces {
        let rest = std::mem::take(&mut self.held);
        match self.state {
            ThoughtState::Start if self.opened.is_some() => Pieces { thoughts: said(rest.trim()), answer: None },
            ThoughtState::Opened => Pieces { thoughts: said(rest.trim()), answer: None },
            ThoughtState::Thinking => Pieces { thoughts: said(rest.trim_end()), answer: None },
            ThoughtState::Between => Pieces::default(),
            ThoughtState::Start | ThoughtState::Answering => Pieces { thoughts: None, answer: said(&rest) },
        }
    }

    /// The thoughts so far, without the blanks at their beginning and end; those at the end may be
    /// within them, and are held back.
    fn think(&mut self) -> Option<String> {
        if self.state == ThoughtState::Opened {
            let begun = self.held.trim_start();
            self.held = begun.to_owned();
        }
        if let Some((thoughts, answer)) = self.held.split_once(self.close) {
            let thoughts = said(thoughts.trim_end());
            self.held = answer.to_owned();
            self.state = ThoughtState::Between;
            return thoughts;
        }
        let possible_tag = (1..self.close.len())
            .rev()
            .find(|length| self.close.get(..*length).is_some_and(|beginning| self.held.ends_with(beginning)))
            .unwrap_or_default();
        let before_tag = self.held.get(..self.held.len() - possible_tag).unwrap_or_default();
        let held = self.held.split_off(before_tag.trim_end().len());
        let thoughts = said(&std::mem::replace(&mut self.held, held));
        if thoughts.is_some() {
            self.state = ThoughtState::Thinking;
        }
        thoughts
    }
}

/// Two pieces of one text.
pub(crate) fn join(first: Option<String>, second: Option<String>) -> Option<String> {
    match (first, second) {
        (Some(first), Some(second)) => Some(first + &second),
        (first, second) => first.or(second),
    }
}

fn said(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_pieces(text: &str, opened: bool, size: usize) -> (String, String) {
        let mut splitter = ThoughtSplitter::new(opened.then_some("</think>"));
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
    fn whole_texts_and_pieces_of_every_size_are_cut_alike() {
        for (text, opened, thoughts, answer) in [
            ("<think>R</think>A", false, "R", "A"),
            ("<think>\nR\n\nS \n</think>\n\nA\n", false, "R\n\nS", "A\n"),
            ("\n<think>a < b </thin 1</think>\n\nyes <think>", false, "a < b </thin 1", "yes <think>"),
            ("no thoughts </think>", false, "", "no thoughts </think>"),
            ("A <think>R</think>", false, "", "A <think>R</think>"),
            ("<thin", false, "", "<thin"),
            ("<think>cut off </th", false, "cut off </th", ""),
            ("<think>cut off", false, "cut off", ""),
            ("<think>\n\n</think>\n\nA", false, "", "A"),
            ("", false, "", ""),
            ("First I add.\n</think>\n\n4", true, "First I add.", "4"),
            ("<think>\nFirst I add.\n</think>\n\n4", true, "First I add.", "4"),
            ("\n\nFirst", true, "First", ""),
            ("<thi", true, "<thi", ""),
            ("</think>4", true, "", "4"),
            ("[THINK]R </think> [/THINK] A", false, "R </think>", "A"),
            ("<seed:think>R</seed:think>A", false, "R", "A"),
            ("<|channel>thought\nR\n<channel|>A", false, "R", "A"),
            ("<|channel>other", false, "", "<|channel>other"),
        ] {
            let expected = (thoughts.to_owned(), answer.to_owned());
            for size in 1..=text.chars().count().max(1) {
                assert_eq!(in_pieces(text, opened, size), expected, "{text:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_prompt_opens_thoughts_with_its_last_word_alone() {
        for (prompt, end) in [
            ("<｜Assistant｜><think>\n", Some("</think>")),
            ("x<think>", Some("</think>")),
            ("x[THINK]", Some("[/THINK]")),
            ("<think>\n\n</think>\n\n", None),
            ("say <think> now", None),
        ] {
            assert_eq!(opened_by(prompt), end, "{prompt}");
        }
    }
}
