//! Where an answer ends: at a stop text, and before the model's own end tokens.
//!
//! Owns both cuts, for whole texts and for texts that come in pieces cut anywhere.

use std::sync::Arc;

/// Cuts a text that comes in pieces.
///
/// A piece is held back only as far as it may be the beginning of a stop text or of an end token. A stop text ends the answer for good.
/// End tokens are taken away at the very end alone: an answer that talks about `</s>` keeps it.
#[derive(Debug)]
pub(crate) struct StopFilter {
    stop: Arc<[String]>,
    end_tokens: Arc<[String]>,
    held: String,
    ended: bool,
}

impl StopFilter {
    pub(crate) fn new(stop: Arc<[String]>, end_tokens: Arc<[String]>) -> Self {
        Self { stop, end_tokens, held: String::new(), ended: false }
    }

    /// Whether a stop text has ended the answer.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Whether there is nothing to look for: then no piece needs to be taken.
    pub(crate) fn is_open(&self) -> bool {
        self.stop.is_empty() && self.end_tokens.is_empty()
    }

    /// Takes the next piece and gives what can be shown of it.
    pub(crate) fn push(&mut self, piece: String) -> String {
        if self.ended {
            return String::new();
        }
        if self.is_open() {
            return piece;
        }
        let mut text = std::mem::take(&mut self.held);
        if text.is_empty() {
            text = piece;
        } else {
            text.push_str(&piece);
        }
        if let Some(at) = first_stop(&text, &self.stop) {
            text.truncate(at);
            self.ended = true;
            return text;
        }
        self.held = text.split_off(self.holds_from(&text));
        text
    }

    /// The answer has ended: gives what was held back, without end tokens.
    pub(crate) fn finish(&mut self) -> String {
        let mut rest = std::mem::take(&mut self.held);
        strip_end_tokens(&mut rest, &self.end_tokens);
        rest
    }

    /// From where on the text may still turn out to be a stop text, or end tokens: whole ones, and perhaps the beginning of one more.
    fn holds_from(&self, text: &str) -> usize {
        let stopping = self.stop.iter().flat_map(|stop| beginnings_at_end(text, stop)).max().unwrap_or_default();
        let before_end_tokens = self
            .end_tokens
            .iter()
            .flat_map(|token| beginnings_at_end(text, token))
            .chain([0])
            .map(|partial| {
                let mut from = text.len() - partial;
                while let Some(token) = end_token_at_end(text.get(..from).unwrap_or_default(), &self.end_tokens) {
                    from -= token.len();
                }
                from
            })
            .min();
        before_end_tokens.unwrap_or(text.len()).min(text.len() - stopping)
    }
}

/// The lengths of the beginnings of `mark`, the whole mark aside, with which `text` ends.
fn beginnings_at_end<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = usize> + 'a {
    mark.char_indices()
        .skip(1)
        .map(|(end, _)| end)
        .filter(move |end| mark.get(..*end).is_some_and(|beginning| text.ends_with(beginning)))
}

fn end_token_at_end<'a>(text: &str, end_tokens: &'a [String]) -> Option<&'a str> {
    end_tokens.iter().map(String::as_str).find(|token| !token.is_empty() && text.ends_with(token))
}

/// Cuts a whole text at its first stop text. Says whether there was one.
pub(crate) fn cut_at_stop(text: &mut String, stop: &[String]) -> bool {
    match first_stop(text, stop) {
        Some(at) => {
            text.truncate(at);
            true
        }
        None => false,
    }
}

/// Takes the model's end tokens away from the end of a whole text.
pub(crate) fn strip_end_tokens(text: &mut String, end_tokens: &[String]) {
    while let Some(token) = end_token_at_end(text, end_tokens) {
        text.truncate(text.len() - token.len());
    }
}

fn first_stop(text: &str, stop: &[String]) -> Option<usize> {
    stop.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| text.find(stop.as_str())).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arc(texts: &[&str]) -> Arc<[String]> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn filtered(text: &str, size: usize, stop: &[&str], end: &[&str]) -> (String, bool) {
        let mut filter = StopFilter::new(arc(stop), arc(end));
        let characters: Vec<char> = text.chars().collect();
        let mut out: String = characters.chunks(size).map(|piece| filter.push(piece.iter().collect())).collect();
        out.push_str(&filter.finish());
        (out, filter.ended())
    }

    #[test]
    fn pieces_of_any_size_give_what_the_whole_gives() {
        let cases: &[(&str, &[&str], &[&str], &str, bool)] = &[
            ("one two END three", &["END"], &[], "one two ", true),
            ("héllo 😀 STOP", &["STOP", "😀"], &[], "héllo ", true),
            ("answer</s>", &[], &["</s>"], "answer", false),
            ("answer</s></s><|im_end|>", &[], &["</s>", "<|im_end|>"], "answer", false),
            ("the tag </s> ends it</s>", &[], &["</s>"], "the tag </s> ends it", false),
            ("a < b </", &[], &["</s>"], "a < b </", false),
            ("aab", &["ab"], &["b"], "a", true),
            ("EN", &["END"], &["EN"], "", false),
            ("nothing", &[""], &[""], "nothing", false),
            ("x</s>END", &["END"], &["</s>"], "x</s>", true),
        ];
        for (text, stop, end, expected, ended) in cases {
            for size in 1..=text.chars().count() {
                assert_eq!(
                    filtered(text, size, stop, end),
                    ((*expected).to_owned(), *ended),
                    "{text:?} in pieces of {size}"
                );
            }
        }
    }

    #[test]
    fn text_is_held_back_only_while_it_may_be_a_mark() {
        let mut filter = StopFilter::new(arc(&["END"]), arc(&[]));
        assert_eq!(filter.push("say E".to_owned()), "say ");
        assert_eq!(filter.push("xit".to_owned()), "Exit");
    }
}
