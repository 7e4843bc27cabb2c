//! Breaking an answer into lines that fit the terminal, between words.
//!
//! Owns where a line ends. A word is held back until it is whole, so that nothing that is shown has
//! to be taken back. Lines of code, between fences of Markdown, stay as they are.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The fence of a block of code.
const FENCE: &str = "```";

/// Text on its way to a terminal of so many columns.
#[derive(Debug)]
pub(super) struct Wrap {
    columns: usize,
    /// The columns that the line has filled.
    filled: usize,
    /// Blanks that are shown if the next word fits behind them.
    blanks: String,
    /// A word that may go on.
    word: String,
    /// The beginning of the answer's own line, as far as it can be a fence.
    line: String,
    is_code: bool,
}

impl Wrap {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            columns: columns.max(1),
            filled: 0,
            blanks: String::new(),
            word: String::new(),
            line: String::new(),
            is_code: false,
        }
    }

    /// Takes text, and gives what can be shown of it.
    pub(super) fn push(&mut self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\n' => self.end_line(&mut shown),
                ' ' | '\t' if !self.is_code => {
                    self.end_word(&mut shown);
                    self.blanks.push(c);
                }
                // Languages without blanks break between any two characters of double width.
                _ if !self.is_code && c.width() == Some(2) => {
                    self.end_word(&mut shown);
                    self.word.push(c);
                    self.end_word(&mut shown);
                }
                _ if self.is_code => shown.push(c),
                _ => self.word.push(c),
            }
            if c != '\n' && self.line.len() < FENCE.len() {
                self.line.push(c);
            }
        }
        shown
    }

    /// Gives what was held back.
    pub(super) fn finish(&mut self) -> String {
        let mut shown = String::new();
        self.end_word(&mut shown);
        self.start_line();
        self.is_code = false;
        shown
    }

    fn end_line(&mut self, shown: &mut String) {
        self.end_word(shown);
        if self.line == FENCE {
            self.is_code = !self.is_code;
        }
        self.start_line();
        shown.push('\n');
    }

    fn start_line(&mut self) {
        self.filled = 0;
        self.blanks.clear();
        self.line.clear();
    }

    fn end_word(&mut self, shown: &mut String) {
        if self.word.is_empty() {
            return;
        }
        let (word, blanks) = (self.word.width(), self.blanks.width());
        if self.filled > 0 && self.filled + blanks + word > self.columns {
            shown.push('\n');
            self.filled = 0;
        } else {
            shown.push_str(&self.blanks);
            self.filled += blanks;
        }
        shown.push_str(&self.word);
        self.filled += word;
        // The terminal breaks a word that is longer than a line.
        if self.filled > self.columns {
            self.filled = (self.filled - 1) % self.columns + 1;
        }
        self.blanks.clear();
        self.word.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, columns: usize) -> String {
        let mut wrap = Wrap::new(columns);
        let mut shown = wrap.push(text);
        shown.push_str(&wrap.finish());
        shown
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("one two three", 8), "one two\nthree");
        assert_eq!(wrapped("one two", 7), "one two");
        assert_eq!(wrapped("  - one\n\n  - two\n", 7), "  - one\n\n  - two\n");
        assert_eq!(wrapped("a  b", 2), "a\nb", "blanks at a break are not shown");
        assert_eq!(wrapped("abcdefghij k l", 4), "abcdefghij k\nl", "the terminal itself breaks a long word");
        assert_eq!(wrapped("日本語", 4), "日本\n語");
        assert_eq!(wrapped("", 0), "");
    }

    #[test]
    fn code_stays_as_it_is() {
        let code = "a b c\n```sh\nlong line of code\n```\nd e f";
        assert_eq!(wrapped(code, 3), "a b\nc\n```sh\nlong line of code\n```\nd e\nf");
    }

    #[test]
    fn how_the_text_was_cut_changes_nothing() {
        let text = "one two  three\n```\nfour five\n```\nsix 日本語 seven";
        let characters: Vec<char> = text.chars().collect();
        for size in 1..characters.len() {
            let mut wrap = Wrap::new(6);
            let mut shown: String =
                characters.chunks(size).map(|chunk| wrap.push(&chunk.iter().collect::<String>())).collect();
            shown.push_str(&wrap.finish());
            assert_eq!(shown, wrapped(text, 6), "{size}");
        }
    }
}
