//! Where an answer ends: at a stop text, and before the model's own end tokens.
//!
//! Owns both cuts, for whole texts and for texts that come in pieces cut anywhere, and how a caller
//! is told which stop text ended its answer.

use std::sync::Arc;

use serde_json::{Map, Value};

/// Cuts a text that comes in pieces.
///
/// A piece is held back only as far as it may be the beginning of a stop text or of an end token. A
/// stop text ends the answer for good. End tokens are taken away at the very end alone: an answer
/// that talks about `</s>` keeps it.
#[derive(Debug)]
pub(crate) struct StopFilter {
    stops: Vec<Search>,
    end_tokens: Arc<[String]>,
    held: String,
    /// How much of `held` has been shown already.
    shown: usize,
    /// The stop text that has ended the answer.
    stop: Option<String>,
}

impl StopFilter {
    pub(crate) fn new(stop: &Arc<[String]>, end_tokens: Arc<[String]>) -> Self {
        Self { stops: Search::all(stop), end_tokens, held: String::new(), shown: 0, stop: None }
    }

    /// Whether a stop text has ended the answer.
    pub(crate) fn ended(&self) -> bool {
        self.stop.is_some()
    }

    /// The stop text that has ended the answer.
    pub(crate) fn stop(&self) -> Option<&str> {
        self.stop.as_deref()
    }

    /// Whether there is nothing to look for: then no piece needs to be taken.
    pub(crate) fn is_open(&self) -> bool {
        self.stops.is_empty() && self.end_tokens.is_empty()
    }

    /// Takes the next piece and gives what can be shown of it.
    pub(crate) fn push(&mut self, piece: String) -> String {
        if self.ended() {
            return String::new();
        }
        if self.is_open() {
            return piece;
        }
        let held = self.held.len() - self.shown;
        if let Some((at, stop)) = first_stop(&mut self.stops, piece.as_bytes(), held) {
            self.stop = Some(stop);
            let mut text = self.take_held();
            text.push_str(&piece);
            text.truncate(at);
            return text;
        }
        if held > 0 {
            self.held.push_str(&piece);
            let text = self.held.get(self.shown..).unwrap_or_default();
            let shown = text.get(..self.holds_from(text)).unwrap_or_default().to_owned();
            self.shown += shown.len();
            // Moving what is left costs no more than what has been shown since.
            if self.shown > self.held.len() / 2 {
                self.held.drain(..self.shown);
                self.shown = 0;
            }
            return shown;
        }
        let mut text = piece;
        self.held = text.split_off(self.holds_from(&text));
        self.shown = 0;
        text
    }

    fn take_held(&mut self) -> String {
        let mut held = std::mem::take(&mut self.held);
        held.drain(..std::mem::take(&mut self.shown));
        held
    }

    /// The answer has ended: gives what was held back, without end tokens.
    pub(crate) fn finish(&mut self) -> String {
        let mut rest = self.take_held();
        self.stops.iter_mut().for_each(|search| search.matched = 0);
        strip_end_tokens(&mut rest, &self.end_tokens);
        rest
    }

    /// From where on the text may still turn out to be a stop text, or end tokens: whole ones, and
    /// perhaps the beginning of one more.
    fn holds_from(&self, text: &str) -> usize {
        let stopping = self.stops.iter().map(|search| search.matched).max().unwrap_or_default();
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

/// The search for one stop text, which goes over each byte once however long the stop text is
/// ([Knuth, Morris, Pratt](https://en.wikipedia.org/wiki/Knuth%E2%80%93Morris%E2%80%93Pratt_algorithm)).
#[derive(Debug)]
struct Search {
    stop: Arc<[String]>,
    place: usize,
    /// For each length of a beginning of the stop text: how much of it is also its end.
    borders: Vec<usize>,
    /// How much of the stop text the text so far ends with.
    matched: usize,
}

impl Search {
    fn all(stop: &Arc<[String]>) -> Vec<Self> {
        let places = stop.iter().enumerate().filter(|(_, text)| !text.is_empty());
        places.map(|(place, text)| Self::new(stop, place, text.as_bytes())).collect()
    }

    fn new(stop: &Arc<[String]>, place: usize, text: &[u8]) -> Self {
        let mut borders = Vec::with_capacity(text.len());
        borders.push(0);
        let mut matched = 0;
        for byte in text.iter().skip(1) {
            matched = step(text, &borders, matched, *byte);
            borders.push(matched);
        }
        Self { stop: Arc::clone(stop), place, borders, matched: 0 }
    }

    fn text(&self) -> &str {
        self.stop.get(self.place).map_or("", String::as_str)
    }

    /// Reads one more byte. Says whether the stop text is whole now.
    fn read(&mut self, byte: u8) -> bool {
        let Some(text) = self.stop.get(self.place).map(|text| text.as_bytes()) else { return false };
        self.matched = step(text, &self.borders, self.matched, byte);
        self.matched == text.len()
    }
}

/// How much of a stop text is matched with one more byte.
fn step(text: &[u8], borders: &[usize], mut matched: usize, byte: u8) -> usize {
    loop {
        if text.get(matched) == Some(&byte) {
            return matched + 1;
        }
        match matched.checked_sub(1).and_then(|last| borders.get(last)) {
            Some(border) => matched = *border,
            None => return 0,
        }
    }
}

/// The stop text that is whole first, and where it begins, in a text whose first `before` bytes have
/// been read before and whose next ones are `piece`. Of several it is the longest.
fn first_stop(stops: &mut [Search], piece: &[u8], before: usize) -> Option<(usize, String)> {
    if stops.is_empty() {
        return None;
    }
    piece.iter().zip(before + 1..).find_map(|(byte, end)| {
        let mut longest: Option<&Search> = None;
        // All of them read each byte.
        for search in &mut *stops {
            if search.read(*byte) && longest.is_none_or(|known| known.matched < search.matched) {
                longest = Some(search);
            }
        }
        longest.map(|search| (end - search.matched, search.text().to_owned()))
    })
}

/// The lengths of the beginnings of `mark`, the whole mark aside, with which `text` ends.
fn beginnings_at_end<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = usize> + 'a {
    mark.char_indices()
        .skip(1)
        .map(|(end, _)| end)
        .take_while(|end| *end <= text.len())
        .filter(move |end| mark.get(..*end).is_some_and(|beginning| text.ends_with(beginning)))
}

fn end_token_at_end<'a>(text: &str, end_tokens: &'a [String]) -> Option<&'a str> {
    end_tokens.iter().map(String::as_str).find(|token| !token.is_empty() && text.ends_with(token))
}

/// Cuts a whole text at its first stop text. Gives the stop text if there was one.
pub(crate) fn cut_at_stop(text: &mut String, stop: &Arc<[String]>) -> Option<String> {
    let (at, stop) = first_stop(&mut Search::all(stop), text.as_bytes(), 0)?;
    text.truncate(at);
    Some(stop)
}

/// Tells in a choice which stop text ended it, as vLLM does in `stop_reason`. What a container told
/// itself is kept.
///
/// <https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html>
pub(crate) fn tell_stop(choice: &mut Map<String, Value>, stop: Option<&str>) {
    if let Some(stop) = stop
        && choice.get("stop_reason").is_none_or(Value::is_null)
    {
        choice.insert("stop_reason".to_owned(), Value::from(stop));
    }
}

/// Takes the model's end tokens away from the end of a whole text.
pub(crate) fn strip_end_tokens(text: &mut String, end_tokens: &[String]) {
    while let Some(token) = end_token_at_end(text, end_tokens) {
        text.truncate(text.len() - token.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arc(texts: &[&str]) -> Arc<[String]> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn filtered(text: &str, size: usize, stop: &[&str], end: &[&str]) -> (String, bool) {
        let mut filter = StopFilter::new(&arc(stop), arc(end));
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
            ("aabaabaaab", &["aabaaab"], &[], "aab", true),
            ("abcabd", &["abcabx", "bd"], &[], "abca", true),
            ("xENDING", &["ENDING", "END"], &[], "x", true),
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
    fn a_whole_text_is_cut_where_a_streamed_one_is() {
        for (text, stop, expected) in
            [("abcd", &["bcd", "c"][..], "ab"), ("one END two", &["END"], "one "), ("none", &["END", ""], "none")]
        {
            let mut whole = text.to_owned();
            let found = cut_at_stop(&mut whole, &arc(stop));
            assert_eq!((&*whole, found.is_some()), (expected, expected != text));
            assert_eq!(filtered(text, 1, stop, &[]), (expected.to_owned(), found.is_some()));
            if let Some(found) = found {
                assert!(text.starts_with(&format!("{whole}{found}")), "{found} ends {text}");
            }
        }
    }

    #[test]
    fn a_caller_is_told_which_stop_text_it_was() {
        let mut filter = StopFilter::new(&arc(&["b", "abc", "ab"]), arc(&[]));
        assert_eq!((filter.push("xa".to_owned()), filter.stop()), ("x".to_owned(), None));
        filter.push("bc".to_owned());
        assert_eq!(filter.stop(), Some("ab"), "the longest of those that are whole first");
        let mut choice = Map::new();
        tell_stop(&mut choice, None);
        assert!(choice.is_empty());
        tell_stop(&mut choice, filter.stop());
        tell_stop(&mut choice, Some("another"));
        assert_eq!(choice["stop_reason"], "ab");
    }

    #[test]
    fn a_long_stop_text_is_looked_for_in_one_pass() {
        // Looked for anew with each piece, this would take minutes.
        const LENGTH: usize = 1 << 16;
        let stop = "a".repeat(LENGTH) + "b";
        let mut filter = StopFilter::new(&arc(&[&stop]), arc(&[]));
        let shown: usize = (0..LENGTH).map(|_| filter.push("aa".to_owned()).len()).sum();
        assert_eq!((shown, filter.finish().len(), filter.ended()), (LENGTH, LENGTH, false));
    }

    #[test]
    fn text_is_held_back_only_while_it_may_be_a_mark() {
        let mut filter = StopFilter::new(&arc(&["END"]), arc(&[]));
        assert_eq!(filter.push("say E".to_owned()), "say ");
        assert_eq!(filter.push("xit".to_owned()), "Exit");
    }
}
