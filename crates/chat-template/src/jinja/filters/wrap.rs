//! Filters that lay text out: `indent`, `center`, `truncate`, `wordwrap`.

use minijinja::value::Value;
use minijinja::{Environment, Error, State};

use super::like;
use crate::python::args::{Args, as_int, as_str, bind};
use crate::python::budget::afford_bytes;
use crate::python::error::{type_error, value_error};
use crate::python::kind::{Kind, kind};
use crate::python::number::unsupported;
use crate::python::repr::str_of;
use crate::python::text::{char_slice, split_lines};

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
    let text = format!("{text}\n");
    let lines = split_lines(&text, false);
    afford_bytes(state, text.len().saturating_add(lines.len().saturating_mul(indention.len())))?;
    let blank = bound.truth(3, false);
    let mut out = String::with_capacity(text.len() + lines.len() * indention.len());
    for (number, line) in lines.iter().enumerate() {
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
    let text = as_str(&value)?;
    let width = usize::try_from(bound.int(1, 79)?).unwrap_or(0);
    if width == 0 {
        return Err(value_error("invalid width (must be > 0)"));
    }
    let separator = bound.optional_str(3)?.unwrap_or("\n");
    let (break_words, on_hyphens) = (bound.truth(2, true), bound.truth(4, true));
    afford_bytes(state, text.len().saturating_mul(1 + separator.len()))?;
    let lines = split_lines(text, false);
    let wrapped: Vec<String> =
        lines.iter().map(|line| wrap_line(line, width, break_words, on_hyphens).join(separator)).collect();
    Ok(Value::from(wrapped.join(separator)))
}

/// `textwrap.wrap` of one line: blanks at a break vanish, words longer than a line are cut.
fn wrap_line(line: &str, width: usize, break_words: bool, on_hyphens: bool) -> Vec<String> {
    let mut chunks: Vec<String> = chunks(line, on_hyphens);
    chunks.reverse();
    let mut lines = Vec::new();
    while let Some(last) = chunks.last() {
        if last.trim().is_empty() && !lines.is_empty() {
            chunks.pop();
            continue;
        }
        let (mut current, mut length) = (Vec::new(), 0);
        while let Some(chunk) = chunks.pop() {
            let chunk_length = chunk.chars().count();
            if length + chunk_length <= width {
                length += chunk_length;
                current.push(chunk);
                continue;
            }
            if chunk_length > width && break_words {
                let space = (width - length).max(usize::from(current.is_empty()));
                let head = char_slice(&chunk, 0, space).to_owned();
                let tail = char_slice(&chunk, space, chunk_length).to_owned();
                current.push(head);
                chunks.push(tail);
            } else if current.is_empty() {
                current.push(chunk);
            } else {
                chunks.push(chunk);
            }
            break;
        }
        if current.last().is_some_and(|chunk| chunk.trim().is_empty()) {
            current.pop();
        }
        if !current.is_empty() {
            lines.push(current.concat());
        }
    }
    lines
}

/// Splits a line into words, runs of blanks, and, after a hyphen between letters, parts of words.
fn chunks(line: &str, on_hyphens: bool) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    let (mut current, mut blank) = (String::new(), false);
    let chars: Vec<char> = line.chars().collect();
    for (index, c) in chars.iter().enumerate() {
        let is_blank = matches!(c, ' ' | '\t' | '\u{b}' | '\u{c}');
        if !current.is_empty() && is_blank != blank {
            chunks.push(std::mem::take(&mut current));
        }
        blank = is_blank;
        current.push(*c);
        let letter = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphabetic());
        let between = letter(index.checked_sub(1)) && letter(Some(index + 1));
        if on_hyphens && *c == '-' && between && letter(index.checked_sub(2)) && letter(Some(index + 2)) {
            chunks.push(std::mem::take(&mut current));
        }
    }
    if !current.is_empty() {
        chunks.push(current);
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_wrap_at_blanks_and_long_words_are_cut() {
        assert_eq!(wrap_line("a b c", 3, true, true), ["a b", "c"]);
        assert_eq!(wrap_line("abcdefgh ij", 3, true, true), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap_line("abcdefgh ij", 3, false, true), ["abcdefgh", "ij"]);
        assert_eq!(wrap_line("well-known fact", 6, true, true), ["well-", "known", "fact"]);
    }
}
