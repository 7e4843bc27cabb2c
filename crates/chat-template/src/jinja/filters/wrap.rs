//! Filters that lay text out: `indent`, `center`, `truncate`, `wordwrap`.

use minijinja::value::Value;
use minijinja::{Environment, Error, State};

use super::like;
use crate::python::args::{Args, as_int, as_str, bind};
use crate::python::budget::{afford_bytes, charge_items};
use crate::python::error::{type_error, undefined_error, value_error};
use crate::python::kind::{Kind, kind};
use crate::python::number::unsupported;
use crate::python::repr::str_of;
use crate::python::text::{byte_offset, char_slice, split_lines};

pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("indent", indent);
    env.add_filter("center", center);
    env.add_filter("truncate", truncate);
    env.add_filter("wordwrap", word_wrap);
}

/// `indent(s, width=4, first=False, blank=False)`.
fn indent(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("indent", ["s", "width", "first", "blank"], args)?;
    let value = bound.or_none(0);
    let Some(text) = value.as_str() else { return Err(unsupported("+", &value, &Value::from("\n"))) };
    let indention = match bound.get(1) {
        Some(width) if kind(width) == Kind::Str => width.as_str().unwrap_or_default().to_owned(),
        width => {
            let width = usize::try_from(width.map_or(Ok(4), as_int)?).unwrap_or(0);
            afford_bytes(state, width)?;
            " ".repeat(width)
        }
    };
    // Jinja2 adds a line break before it splits, so that one at the end of the text survives.
    afford_bytes(state, text.len())?;
    let text = format!("{text}\n");
    let lines = split_lines(&text, false).count();
    charge_items(state, lines)?;
    afford_bytes(state, text.len().saturating_add(lines.saturating_mul(indention.len())))?;
    let blank = bound.truth(3, false);
    let mut out = String::with_capacity(text.len() + lines * indention.len());
    for (number, line) in split_lines(&text, false).enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let indented = if number == 0 { bound.truth(2, false) } else { blank || !line.is_empty() };
        if indented {
            out.push_str(&indention);
        }
        out.push_str(line);
    }
    Ok(like(&value, out))
}

/// `center(value, width=80)`.
fn center(state: &mut State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("center", ["value", "width"], args)?;
    let value = bound.or_none(0);
    let text = Value::from(str_of(state, &value)?.as_ref());
    text.call_method(state, "center", &[Value::from(bound.int(1, 80)?)])
}

/// `truncate(s, length=255, killwords=False, end='...', leeway=5)`.
fn truncate(args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("truncate", ["s", "length", "killwords", "end", "leeway"], args)?;
    let value = bound.or_none(0);
    let end = bound.optional_str(3)?.unwrap_or("...");
    let length = usize::try_from(bound.int(1, 255)?).unwrap_or(0);
    let leeway = bound.optional_int(4)?.unwrap_or(5);
    let keep = length.checked_sub(end.chars().count());
    let (Some(keep), Ok(leeway)) = (keep, usize::try_from(leeway)) else {
        return Err(value_error("truncate() needs a length that holds its end mark, and no negative leeway"));
    };
    let size = value.as_str().map_or_else(|| value.len(), |text| Some(text.chars().count()));
    if value.is_undefined() || size.is_some_and(|size| size <= length.saturating_add(leeway)) {
        return Ok(value);
    }
    let Some(text) = value.as_str() else { return Err(type_error("truncate() cuts text only")) };
    let cut = char_slice(text, 0, keep);
    let cut = if bound.truth(2, false) { cut } else { cut.rsplit_once(' ').map_or(cut, |(head, _)| head) };
    Ok(like(&value, format!("{cut}{end}")))
}

/// `wordwrap(s, width=79, break_long_words=True, wrapstring='\n', break_on_hyphens=True)`.
fn word_wrap(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let names = ["s", "width", "break_long_words", "wrapstring", "break_on_hyphens"];
    let bound = bind("wordwrap", names, args)?;
    let value = bound.or_none(0);
    if value.is_undefined() {
        return Err(undefined_error("the text to wrap is undefined"));
    }
    let text = as_str(&value)?;
    let width = usize::try_from(bound.int(1, 79)?).unwrap_or(0);
    if width == 0 {
        return Err(value_error("invalid width (must be > 0)"));
    }
    let separator = bound.optional_str(3)?.unwrap_or("\n");
    let style = Wrapping { width, break_words: bound.truth(2, true), on_hyphens: bound.truth(4, true) };
    charge_items(state, text.len())?;
    let mut out = String::with_capacity(text.len());
    for (number, line) in split_lines(text, false).enumerate() {
        if number > 0 {
            out.push_str(separator);
        }
        style.wrap(line, |first, piece| {
            afford_bytes(state, out.len() + separator.len() + piece.len())?;
            if !first {
                out.push_str(separator);
            }
            out.push_str(piece);
            Ok(())
        })?;
    }
    Ok(Value::from(out))
}

/// How `textwrap.wrap` breaks a line: blanks at a break vanish, words longer than a line are cut.
#[derive(Clone, Copy)]
struct Wrapping {
    /// In characters.
    width: usize,
    break_words: bool,
    on_hyphens: bool,
}

impl Wrapping {
    /// Cuts a word that is longer than a line: behind a hyphen if one fits, else after `space`
    /// characters.
    fn cut(self, chunk: &str, space: usize) -> (&str, &str) {
        let mut at = byte_offset(chunk, space);
        if self.on_hyphens {
            let head = chunk.get(..at).unwrap_or_default();
            if let Some(hyphen) = head.rfind('-').filter(|hyphen| head.chars().take(*hyphen).any(|c| c != '-')) {
                at = hyphen + 1;
            }
        }
        chunk.split_at(at)
    }

    /// Hands each part of the line to `part`, and whether it is the first.
    fn wrap(self, line: &str, mut part: impl FnMut(bool, &str) -> Result<(), Error>) -> Result<(), Error> {
        let mut chunks = Chunks { rest: line, before: [None; 3], on_hyphens: self.on_hyphens };
        // A chunk that is still to be placed, and its length in characters.
        let mut waiting: Option<(&str, usize)> = None;
        let mut first = true;
        loop {
            let (mut current, mut length) = (String::new(), 0);
            // Where the last chunk of this part begins, should it be blank.
            let mut last = 0;
            while let Some((chunk, size)) =
                waiting.take().or_else(|| chunks.next().map(|chunk| (chunk, chunk.chars().count())))
            {
                if current.is_empty() && !first && chunk.trim().is_empty() {
                    continue;
                }
                if length + size <= self.width {
                    (last, length) = (current.len(), length + size);
                    current.push_str(chunk);
                    continue;
                }
                if size > self.width && self.break_words {
                    let (head, tail) = self.cut(chunk, self.width - length);
                    last = current.len();
                    current.push_str(head);
                    waiting = Some((tail, size - head.chars().count()));
                } else if current.is_empty() {
                    current.push_str(chunk);
                } else {
                    waiting = Some((chunk, size));
                }
                break;
            }
            if current.is_empty() {
                return Ok(());
            }
            let blank = current.get(last..).is_some_and(|chunk| chunk.trim().is_empty());
            let kept = current.get(..if blank { last } else { current.len() }).unwrap_or_default();
            if !kept.is_empty() {
                part(first, kept)?;
                first = false;
            }
        }
    }
}

/// The words of a line, runs of blanks, and parts of words: up to a hyphen between letters, dashes
/// between words. <https://github.com/python/cpython/blob/3.11/Lib/textwrap.py>
struct Chunks<'t> {
    rest: &'t str,
    /// The three characters before the rest.
    before: [Option<char>; 3],
    on_hyphens: bool,
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{b}' | '\u{c}')
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

impl Chunks<'_> {
    /// Whether a word may end behind the character before `rest`.
    fn ends_before(&self, rest: &str) -> bool {
        let [third, second, last] = self.before;
        let letter = |c: Option<char>| c.is_some_and(is_letter);
        let mut ahead = rest.chars();
        let next = ahead.next();
        if last == Some('-') {
            let behind_letters = letter(second) && (letter(third) || third == Some('-'));
            let after = ahead.next();
            return behind_letters && letter(next) && (letter(after) || (after == Some('-') && letter(ahead.next())));
        }
        next == Some('-') && self.dash(rest).is_some()
    }

    /// The length of the dashes that `rest` begins with, if they stand between words.
    fn dash(&self, rest: &str) -> Option<usize> {
        let [.., last] = self.before;
        let after_word = last.is_some_and(|c| c.is_alphanumeric() || "_!\"'&.,?".contains(c));
        let word = rest.trim_start_matches('-');
        let length = rest.len() - word.len();
        let before_word = word.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        (after_word && before_word && length >= 2).then_some(length)
    }

    fn pass(&mut self, c: char) {
        let [_, second, last] = self.before;
        self.before = [second, last, Some(c)];
    }
}

impl<'t> Iterator for Chunks<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let blank = is_blank(self.rest.chars().next()?);
        let mut end = self.dash(self.rest).filter(|_| self.on_hyphens).unwrap_or(0);
        let dashes = end > 0;
        for (at, c) in self.rest.char_indices() {
            let rest = self.rest.get(at..).unwrap_or_default();
            let ended = match dashes {
                true => at == end,
                false => is_blank(c) != blank || (at > 0 && self.on_hyphens && !blank && self.ends_before(rest)),
            };
            if ended {
                break;
            }
            end = if dashes { end } else { at + c.len_utf8() };
            self.pass(c);
        }
        let (chunk, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_wrap_at_blanks_and_long_words_are_cut() {
        let wrap = |line: &str, width: usize, break_words: bool| {
            let mut parts = Vec::new();
            let style = Wrapping { width, break_words, on_hyphens: true };
            let part = |first: bool, part: &str| {
                assert_eq!(first, parts.is_empty());
                parts.push(part.to_owned());
                Ok(())
            };
            style.wrap(line, part).unwrap();
            parts
        };
        assert_eq!(wrap("a b c", 3, true), ["a b", "c"]);
        assert_eq!(wrap("abcdefgh ij", 3, true), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("abcdefgh ij", 3, false), ["abcdefgh", "ij"]);
        assert_eq!(wrap("well-known fact", 6, true), ["well-", "known", "fact"]);
        assert_eq!(wrap("  lead and   more  ", 6, true), ["  lead", "and", "more"]);
    }
}
