//! Python's ideas about characters: what is white space, printable, a line break.

use std::collections::HashSet;

use minijinja::{Error, State};

use super::budget;

/// What `str.strip()` and `str.split()` remove: Unicode white space, and the four ASCII separators
/// that Rust leaves out. <https://docs.python.org/3/library/stdtypes.html#str.isspace>
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// `str.strip()`.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// The characters that `str.strip(chars)` removes.
pub(crate) enum CharSet<'t> {
    /// Few enough to be searched one by one.
    Few(&'t str),
    Many(HashSet<char>),
}

impl<'t> CharSet<'t> {
    /// Charges for reading `chars`.
    pub(crate) fn new(state: &State<'_, '_>, chars: &'t str) -> Result<Self, Error> {
        if chars.len() <= 16 {
            return Ok(Self::Few(chars));
        }
        budget::charge_items(state, chars.len())?;
        Ok(Self::Many(chars.chars().collect()))
    }

    pub(crate) fn contains(&self, c: char) -> bool {
        match self {
            Self::Few(chars) => chars.contains(c),
            Self::Many(chars) => chars.contains(&c),
        }
    }
}

/// What `str.splitlines()` breaks at. <https://docs.python.org/3/library/stdtypes.html#str.splitlines>
pub(crate) fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// `str.splitlines(keepends)`.
pub(crate) fn split_lines(text: &str, keep_ends: bool) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((at, found)) = rest.char_indices().find(|(_, c)| is_line_break(*c)) else {
            return Some(std::mem::take(&mut rest));
        };
        let (line, tail) = rest.split_at(at);
        let width = if found == '\r' && tail.starts_with("\r\n") { 2 } else { found.len_utf8() };
        let (whole, after) = rest.split_at(at + width);
        rest = after;
        Some(if keep_ends { whole } else { line })
    })
}

/// `str.isprintable()` for one character: what `repr` leaves as it is.
/// White space other than the plain space, controls, format characters, surrogates, private use and
/// unassigned code points are not printable. Rust's standard library knows the same classes through
/// its own debug escapes.
pub(crate) fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    if c.is_whitespace() || c.is_control() {
        return false;
    }
    // Combining marks are printable in Python but escaped by Rust's `escape_debug` when they stand
    // first, so they are put behind a letter. One that is escaped all the same is not printable.
    let mut pair = String::with_capacity(8);
    pair.push('a');
    pair.push(c);
    pair.escape_debug().count() == 2
}

/// `str.title()`: every run of letters starts with a title-case letter, the rest is lower case.
pub(crate) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        let cased = c.is_lowercase() || c.is_uppercase() || is_titlecase(c);
        if in_word {
            out.extend(c.to_lowercase());
        } else {
            push_title(&mut out, c);
        }
        in_word = cased;
    }
    out
}

/// `str.capitalize()`.
pub(crate) fn capitalize(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    if let Some(first) = chars.next() {
        push_title(&mut out, first);
        out.push_str(&chars.as_str().to_lowercase());
    }
    out
}

/// `str.swapcase()`.
pub(crate) fn swap_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_uppercase() {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
    }
    out
}

/// The few letters that are one character but two letters (`ǅ`): neither upper nor lower case.
pub(crate) fn is_titlecase(c: char) -> bool {
    matches!(c, '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}' | '\u{1f88}'..='\u{1f8f}' | '\u{1f98}'..='\u{1f9f}'
        | '\u{1fa8}'..='\u{1faf}' | '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}')
}

/// Pushes the title case of `c`: upper case, but only the first letter of what `c` expands to.
fn push_title(out: &mut String, c: char) {
    match c {
        '\u{1c4}'..='\u{1c6}' => out.push('\u{1c5}'),
        '\u{1c7}'..='\u{1c9}' => out.push('\u{1c8}'),
        '\u{1ca}'..='\u{1cc}' => out.push('\u{1cb}'),
        '\u{1f1}'..='\u{1f3}' => out.push('\u{1f2}'),
        _ => {
            let mut upper = c.to_uppercase();
            out.extend(upper.next());
            for more in upper {
                out.extend(more.to_lowercase());
            }
        }
    }
}

/// The text in pieces of some kilobytes, for work that has to look at its limits now and then.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    const PIECE: usize = 4096;
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = (PIECE..rest.len()).find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(end);
        rest = tail;
        Some(piece)
    })
}

/// The byte offset of character number `index`, or the end of the text.
pub(crate) fn byte_offset(text: &str, index: usize) -> usize {
    text.char_indices().nth(index).map_or(text.len(), |(at, _)| at)
}

/// Cuts `text[start..end]` counted in characters; an end past the text is the end of the text.
pub(crate) fn char_slice(text: &str, start: usize, end: usize) -> &str {
    let from = byte_offset(text, start);
    let to = byte_offset(text, end.max(start));
    text.get(from..to).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_where_python_breaks_them() {
        assert!(split_lines("a\r\nb\u{b}c\u{2028}\n", false).eq(["a", "b", "c", ""]));
        assert!(split_lines("a\r\nb", true).eq(["a\r\n", "b"]));
        assert_eq!(split_lines("", false).count(), 0);
    }

    #[test]
    fn title_case_restarts_after_an_apostrophe() {
        assert_eq!(title("it's wORLD 3rd"), "It'S World 3Rd");
        assert_eq!(capitalize("ßa B"), "Ssa b");
    }

    #[test]
    fn printable_follows_unicode_classes() {
        assert!(is_printable('é') && is_printable('\u{301}') && is_printable('😀') && is_printable(' '));
        assert!(!is_printable('\u{a0}') && !is_printable('\u{200b}') && !is_printable('\u{7f}'));
    }
}
