//! Methods that take text apart: `split`, `rsplit`, `splitlines`, `partition`.

use minijinja::value::Value;
use minijinja::{Error, State};

use crate::python::args::{as_str, bind};
use crate::python::budget::{charge_bytes, collect_charged};
use crate::python::error::{type_error, value_error};
use crate::python::text::{is_space, split_lines};

/// A part of a text: safe if the text was.
fn like(source: &Value, part: &str) -> Value {
    if source.is_safe() { Value::from_safe_string(part.to_owned()) } else { Value::from(part) }
}

/// `text.split(sep=None, maxsplit=-1)`, or from the right.
pub(super) fn split(state: &State<'_, '_>, source: &Value, args: &[Value], from_right: bool) -> Result<Value, Error> {
    let text = source.as_str().unwrap_or_default();
    let bound = bind(if from_right { "rsplit" } else { "split" }, ["sep", "maxsplit"], args)?;
    let separator = bound.optional_str(0)?;
    let most = usize::try_from(bound.int(1, -1)?).unwrap_or(usize::MAX);
    let mut parts: Vec<&str> = match separator {
        Some("") => return Err(value_error("empty separator")),
        Some(separator) => {
            charge_bytes(state, separator.len())?;
            if from_right {
                collect_charged(state, text.rsplitn(most.saturating_add(1), separator))?
            } else {
                collect_charged(state, text.splitn(most.saturating_add(1), separator))?
            }
        }
        None if from_right => collect_charged(state, split_space_right(text, most))?,
        None => collect_charged(state, split_space(text, most))?,
    };
    if from_right {
        parts.reverse();
    }
    Ok(parts.into_iter().map(|part| like(source, part)).collect())
}

/// Splits at runs of white space; what is left after `most` splits keeps its inner and trailing
/// space.
fn split_space(text: &str, most: usize) -> impl Iterator<Item = &str> {
    let mut rest = text.trim_start_matches(is_space);
    let mut left = most;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if left == 0 {
            return Some(std::mem::take(&mut rest));
        }
        left -= 1;
        let end = rest.find(is_space).unwrap_or(rest.len());
        let (part, tail) = rest.split_at(end);
        rest = tail.trim_start_matches(is_space);
        Some(part)
    })
}

/// The same from the right; the parts come last first.
fn split_space_right(text: &str, most: usize) -> impl Iterator<Item = &str> {
    let mut rest = text.trim_end_matches(is_space);
    let mut left = most;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if left == 0 {
            return Some(std::mem::take(&mut rest));
        }
        left -= 1;
        let start = rest.char_indices().rev().find(|(_, c)| is_space(*c)).map_or(0, |(at, c)| at + c.len_utf8());
        let (head, part) = rest.split_at(start);
        rest = head.trim_end_matches(is_space);
        Some(part)
    })
}

/// `text.splitlines(keepends=False)`.
pub(super) fn lines(state: &State<'_, '_>, source: &Value, args: &[Value]) -> Result<Value, Error> {
    let text = source.as_str().unwrap_or_default();
    let bound = bind("splitlines", ["keepends"], args)?;
    let lines = collect_charged(state, split_lines(text, bound.truth(0, false)))?;
    Ok(lines.into_iter().map(|line| like(source, line)).collect())
}

/// `text.partition(sep)`, or from the right.
pub(super) fn partition(
    state: &State<'_, '_>,
    source: &Value,
    args: &[Value],
    from_right: bool,
) -> Result<Value, Error> {
    let text = source.as_str().unwrap_or_default();
    let bound = bind("partition", ["sep"], args)?;
    let separator = as_str(bound.get(0).ok_or_else(|| type_error("partition() takes exactly one argument"))?)?;
    if separator.is_empty() {
        return Err(value_error("empty separator"));
    }
    charge_bytes(state, separator.len())?;
    let found = if from_right { text.rsplit_once(separator) } else { text.split_once(separator) };
    let (before, separator, after) = match found {
        Some((before, after)) => (before, separator, after),
        None if from_right => ("", "", text),
        None => (text, "", ""),
    };
    Ok(Value::from((like(source, before), like(source, separator), like(source, after))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_splits_in_runs() {
        assert!(split_space(" a  b \u{1c}c ", usize::MAX).eq(["a", "b", "c"]));
        assert!(split_space(" a  b  c ", 1).eq(["a", "b  c "]));
        assert!(split_space_right(" a  b  c ", 1).eq(["c", " a  b"]));
        assert_eq!(split_space("  ", 3).count(), 0);
    }
}
