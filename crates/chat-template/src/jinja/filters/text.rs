//! Filters that change text: case, trimming, replacing, formatting, JSON.

use minijinja::value::{Tuple, Value};
use minijinja::{Environment, Error, State};

use super::{like, subject};
use crate::jinja::methods::replace_text;
use crate::jinja::nesting::charge_tree;
use crate::python::args::{Args, bind, split_kwargs};
use crate::python::budget::afford_bytes;
use crate::python::dict::{Dict, entries};
use crate::python::error::type_error;
use crate::python::json::{Style, dumps};
use crate::python::kind::{Kind, kind};
use crate::python::percent::percent;
use crate::python::repr::{repr_of, str_of};
use crate::python::text::{CharSet, capitalize, is_space};

pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("string", |state: &State<'_, '_>, value: &Value| match kind(value) {
        Kind::Str => Ok(value.clone()),
        _ => str_of(state, value).map(|text| Value::from(text.as_ref())),
    });
    env.add_filter("upper", |state: &State<'_, '_>, value: &Value| {
        str_of(state, value).map(|text| like(value, text.to_uppercase()))
    });
    env.add_filter("lower", |state: &State<'_, '_>, value: &Value| {
        str_of(state, value).map(|text| like(value, text.to_lowercase()))
    });
    env.add_filter("capitalize", |state: &State<'_, '_>, value: &Value| {
        str_of(state, value).map(|text| like(value, capitalize(&text)))
    });
    env.add_filter("title", |state: &State<'_, '_>, value: &Value| {
        str_of(state, value).map(|text| like(value, title(&text)))
    });
    env.add_filter("trim", trim);
    env.add_filter("replace", replace);
    env.add_filter("format", format);
    env.add_filter("wordcount", |state: &State<'_, '_>, value: &Value| {
        let text = str_of(state, value)?;
        let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
        Ok::<_, Error>(words.count())
    });
    env.add_filter("tojson", tojson);
    env.add_filter("pprint", |state: &State<'_, '_>, value: &Value| {
        charge_tree(state, value)?;
        repr_of(state, &sorted(value))
    });
}

/// `trim(value, chars=None)`.
fn trim(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    if let [value] = args {
        if let Some(text) = value.as_str() {
            let trimmed = text.trim_matches(is_space);
            // Nothing to cut: the same text, not a copy.
            if trimmed.len() == text.len() {
                return Ok(value.clone());
            }
            return Ok(if value.is_safe() {
                Value::from_safe_string(trimmed.to_owned())
            } else {
                Value::from(trimmed)
            });
        }
    }
    let bound = bind("trim", ["value", "chars"], args)?;
    let value = bound.or_none(0);
    let text = str_of(state, &value)?;
    let trimmed = match bound.optional_str(1)? {
        Some(chars) => {
            let chars = CharSet::new(state, chars)?;
            text.trim_matches(|c: char| chars.contains(c))
        }
        None => text.trim_matches(is_space),
    };
    Ok(like(&value, trimmed.to_owned()))
}

/// `replace(value, old, new, count=None)`.
fn replace(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("replace", ["s", "old", "new", "count"], args)?;
    let (Some(value), Some(old), Some(new)) = (bound.get(0), bound.get(1), bound.get(2)) else {
        return Err(type_error("replace() needs the text to replace and the text to put in its place"));
    };
    let (text, old, new) = (str_of(state, value)?, str_of(state, old)?, str_of(state, new)?);
    replace_text(state, &text, &old, &new, bound.optional_int(3)?.unwrap_or(-1)).map(Value::from)
}

/// `format(value, *args, **kwargs)`: `value % args`.
fn format(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let value = subject(args)?;
    let (positional, kwargs) = split_kwargs(args.get(1..).unwrap_or_default());
    let values = match kwargs {
        Some(_) if !positional.is_empty() => {
            return Err(type_error("can't handle positional and keyword arguments at the same time"));
        }
        Some(kwargs) => {
            let pairs = kwargs.args().map(|name| Ok((Value::from(name), kwargs.peek::<Value>(name)?)));
            Dict::from_pairs(pairs.collect::<Result<Vec<_>, Error>>()?)
        }
        None => Value::from(Tuple::from(positional)),
    };
    let text = str_of(state, value)?;
    percent(state, &text, &values).map(|text| like(value, text))
}

/// The `title` filter: words start after white space, a dash or an opening bracket, not after an
/// apostrophe.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word_start = true;
    for c in text.chars() {
        let separator = is_space(c) || matches!(c, '-' | '(' | '{' | '[' | '<');
        if separator {
            out.push(c);
        } else if word_start {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        word_start = separator;
    }
    out
}

/// `tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
fn tojson(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    if let [value] = args {
        return dumps(state, value, &Style::default()).map(Value::from);
    }
    let bound = bind("tojson", ["x", "ensure_ascii", "indent", "separators", "sort_keys"], args)?;
    let indent = bound.get(2).filter(|indent| !indent.is_none());
    let mut style = Style {
        ensure_ascii: bound.truth(1, false),
        sort_keys: bound.truth(4, false),
        indent: match indent {
            Some(text) if kind(text) == Kind::Str => text.as_str().map(str::to_owned),
            Some(_) => {
                let width = usize::try_from(bound.int(2, 0)?).unwrap_or(0);
                afford_bytes(state, width)?;
                Some(" ".repeat(width))
            }
            None => None,
        },
        ..Style::default()
    };
    // With an indentation each item ends its line, so that the blank after the comma goes.
    if style.indent.is_some() {
        style.item_separator = ",".to_owned();
    }
    if let Some(separators) = bound.get(3).filter(|separators| !separators.is_none()) {
        let parts: Vec<Value> = separators.try_iter()?.take(3).collect();
        let [item, key] = parts.as_slice() else { return Err(type_error("separators must be a pair of strings")) };
        let text = |part: &Value| part.as_str().map(str::to_owned).ok_or_else(|| type_error("separators must be str"));
        (style.item_separator, style.key_separator) = (text(item)?, text(key)?);
    }
    dumps(state, &bound.or_none(0), &style).map(Value::from)
}

/// `pprint` sorts the keys of dictionaries.
fn sorted(value: &Value) -> Value {
    match kind(value) {
        Kind::Dict => {
            let mut pairs = entries(value);
            pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
            Dict::from_pairs(pairs.into_iter().map(|(key, value)| (key, sorted(&value))))
        }
        Kind::List => value.try_iter().into_iter().flatten().map(|item| sorted(&item)).collect(),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_filter_leaves_apostrophes_alone() {
        assert_eq!(title("hello wORLD foo-bar it's (x) ǆ"), "Hello World Foo-Bar It's (X) Ǆ");
    }
}
