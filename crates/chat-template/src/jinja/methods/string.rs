//! Methods of text. <https://docs.python.org/3/library/stdtypes.html#string-methods>

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, State};

use super::{no_such_method, not_found, split};
use crate::jinja::operators::items_of;
use crate::python::args::{as_int, as_str, bind, split_kwargs};
use crate::python::budget::{afford_bytes, charge_bytes, charge_items};
use crate::python::error::type_error;
use crate::python::kind::type_name;
use crate::python::str_format::str_format;
use crate::python::subscript::item;
use crate::python::text::{CharSet, capitalize, char_slice, is_space, is_titlecase, swap_case, title};

pub(super) const METHODS: [&str; 47] = [
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];

pub(super) fn call(state: &State<'_, '_>, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    let text = value.as_str().unwrap_or_default();
    let done = |text: String| -> Result<Value, Error> {
        Ok(if value.is_safe() { Value::from_safe_string(text) } else { Value::from(text) })
    };
    match name {
        "strip" => done(strip(state, text, args, true, true)?.to_owned()),
        "lstrip" => done(strip(state, text, args, true, false)?.to_owned()),
        "rstrip" => done(strip(state, text, args, false, true)?.to_owned()),
        "upper" => no_args(name, args).and_then(|()| done(text.to_uppercase())),
        "lower" => no_args(name, args).and_then(|()| done(text.to_lowercase())),
        // Beyond ASCII, case folding differs from lower case for few letters; this is the one that matters.
        "casefold" => no_args(name, args).and_then(|()| done(text.to_lowercase().replace('ß', "ss"))),
        "title" => no_args(name, args).and_then(|()| done(title(text))),
        "capitalize" => no_args(name, args).and_then(|()| done(capitalize(text))),
        "swapcase" => no_args(name, args).and_then(|()| done(swap_case(text))),
        "split" => split::split(state, value, args, false),
        "rsplit" => split::split(state, value, args, true),
        "splitlines" => split::lines(state, value, args),
        "partition" => split::partition(state, value, args, false),
        "rpartition" => split::partition(state, value, args, true),
        "startswith" => affix(state, text, name, args, |text, affix| text.starts_with(affix)),
        "endswith" => affix(state, text, name, args, |text, affix| text.ends_with(affix)),
        "removeprefix" => {
            let prefix = one_str(name, args)?;
            done(text.strip_prefix(prefix.as_str()).unwrap_or(text).to_owned())
        }
        "removesuffix" => {
            let suffix = one_str(name, args)?;
            done(text.strip_suffix(suffix.as_str()).unwrap_or(text).to_owned())
        }
        "find" | "rfind" => Ok(Value::from(find(state, text, name, args)?.unwrap_or(-1))),
        "index" | "rindex" => {
            find(state, text, name, args)?.map(Value::from).ok_or_else(|| not_found("substring not found"))
        }
        "count" => count(state, text, args),
        "replace" => replace(state, text, args).and_then(done),
        "join" => join(state, text, args).and_then(done),
        "format" => {
            let (positional, kwargs) = split_kwargs(args);
            str_format(state, text, positional, kwargs.as_ref()).and_then(done)
        }
        "format_map" => {
            let bound = bind(name, ["mapping"], args)?;
            let mapping = bound.or_none(0);
            let kwargs = crate::python::dict::entries(&mapping).into_iter();
            let kwargs = kwargs.filter_map(|(key, value)| key.as_str().map(|key| (key.to_owned(), value)));
            str_format(state, text, &[], Some(&kwargs.collect())).and_then(done)
        }
        "center" | "ljust" | "rjust" => justify(state, text, name, args).and_then(done),
        "zfill" => zero_fill(state, text, args).and_then(done),
        "expandtabs" => expand_tabs(state, text, args).and_then(done),
        "translate" => translate(state, text, args).and_then(done),
        "encode" => Ok(Value::from_bytes(text.as_bytes().to_vec())),
        _ => match classify(text, name) {
            Some(answer) => no_args(name, args).map(|()| Value::from(answer)),
            None => Err(no_such_method(value, name)),
        },
    }
}

fn no_args(name: &str, args: &[Value]) -> Result<(), Error> {
    if args.is_empty() {
        return Ok(());
    }
    Err(type_error(format!("str.{name}() takes no arguments ({} given)", args.len())))
}

fn one_str(name: &str, args: &[Value]) -> Result<String, Error> {
    match args {
        [value] => as_str(value).map(str::to_owned),
        _ => Err(type_error(format!("str.{name}() takes exactly one argument ({} given)", args.len()))),
    }
}

fn strip<'t>(state: &State<'_, '_>, text: &'t str, args: &[Value], left: bool, right: bool) -> Result<&'t str, Error> {
    let bound = bind("strip", ["chars"], args)?;
    let chars = bound.optional_str(0)?.map(|chars| CharSet::new(state, chars)).transpose()?;
    let unwanted = |c: char| chars.as_ref().map_or_else(|| is_space(c), |chars| chars.contains(c));
    let text = if left { text.trim_start_matches(unwanted) } else { text };
    Ok(if right { text.trim_end_matches(unwanted) } else { text })
}

/// Cuts `text[start:end]` for the methods that take these arguments; also the offset, in
/// characters. `None` if the start is past the end of the text.
fn window<'t>(text: &'t str, start: Option<&Value>, end: Option<&Value>) -> Result<Option<(&'t str, usize)>, Error> {
    let given = |value: Option<&Value>| value.filter(|value| !value.is_none()).map(as_int).transpose();
    let (start, end) = (given(start)?, given(end)?);
    if start.is_none() && end.is_none() {
        return Ok(Some((text, 0)));
    }
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let place = |at: i64| if at < 0 { at.saturating_add(length).max(0) } else { at };
    let (start, end) = (place(start.unwrap_or(0)), place(end.unwrap_or(length)).min(length));
    if start > length || start > end {
        return Ok(None);
    }
    let (start, end) = (usize::try_from(start).unwrap_or(0), usize::try_from(end).unwrap_or(0));
    Ok(Some((char_slice(text, start, end), start)))
}

/// `startswith` and `endswith`: one affix or a tuple of them.
fn affix(
    state: &State<'_, '_>,
    text: &str,
    name: &str,
    args: &[Value],
    test: fn(&str, &str) -> bool,
) -> Result<Value, Error> {
    let bound = bind(name, ["prefix", "start", "end"], args)?;
    let wanted = bound.get(0).ok_or_else(|| type_error(format!("{name} expected at least 1 argument, got 0")))?;
    let Some((text, _)) = window(text, bound.get(1), bound.get(2))? else { return Ok(Value::from(false)) };
    if !wanted.is_tuple() {
        let affix = wanted.as_str().ok_or_else(|| {
            type_error(format!("{name} first arg must be str or a tuple of str, not {}", type_name(wanted)))
        })?;
        return Ok(Value::from(test(text, affix)));
    }
    for candidate in items_of(state, wanted)? {
        let affix = as_str(&candidate)?;
        charge_bytes(state, affix.len().min(text.len()))?;
        if test(text, affix) {
            return Ok(Value::from(true));
        }
    }
    Ok(Value::from(false))
}

/// The character index of a substring.
fn find(state: &State<'_, '_>, text: &str, name: &str, args: &[Value]) -> Result<Option<i64>, Error> {
    let bound = bind(name, ["sub", "start", "end"], args)?;
    let wanted = as_str(bound.get(0).ok_or_else(|| type_error(format!("{name} expected at least 1 argument")))?)?;
    charge_bytes(state, wanted.len())?;
    let Some((text, offset)) = window(text, bound.get(1), bound.get(2))? else { return Ok(None) };
    let found = if name.starts_with('r') { text.rfind(wanted) } else { text.find(wanted) };
    let index = found.and_then(|at| text.get(..at)).map(|before| before.chars().count() + offset);
    Ok(index.and_then(|index| i64::try_from(index).ok()))
}

fn count(state: &State<'_, '_>, text: &str, args: &[Value]) -> Result<Value, Error> {
    let bound = bind("count", ["sub", "start", "end"], args)?;
    let wanted = as_str(bound.get(0).ok_or_else(|| type_error("count expected at least 1 argument, got 0"))?)?;
    charge_bytes(state, wanted.len())?;
    let Some((text, _)) = window(text, bound.get(1), bound.get(2))? else { return Ok(Value::from(0)) };
    // `matches("")` finds the empty text at every boundary, one more than there are characters, as
    // Python counts.
    Ok(Value::from(text.matches(wanted).count()))
}

fn replace(state: &State<'_, '_>, text: &str, args: &[Value]) -> Result<String, Error> {
    let bound = bind("replace", ["old", "new", "count"], args)?;
    let (Some(old), Some(new)) = (bound.get(0), bound.get(1)) else {
        return Err(type_error(format!("replace expected at least 2 arguments, got {}", args.len())));
    };
    replace_text(state, text, as_str(old)?, as_str(new)?, bound.int(2, -1)?)
}

/// Replaces `old` by `new`, at most `count` times unless that is negative. Charged before the text
/// is made.
pub(in crate::jinja) fn replace_text(
    state: &State<'_, '_>,
    text: &str,
    old: &str,
    new: &str,
    count: i64,
) -> Result<String, Error> {
    charge_bytes(state, old.len())?;
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let matches = text.matches(old).take(most).count();
    afford_bytes(state, text.len().saturating_add(matches.saturating_mul(new.len())))?;
    Ok(text.replacen(old, new, most))
}

fn join(state: &State<'_, '_>, separator: &str, args: &[Value]) -> Result<String, Error> {
    let [items] = args else {
        return Err(type_error(format!("str.join() takes exactly one argument ({} given)", args.len())));
    };
    let items = items_of(state, items)?;
    let mut length = separator.len().saturating_mul(items.len().saturating_sub(1));
    for (index, item) in items.iter().enumerate() {
        let text = item.as_str().ok_or_else(|| {
            type_error(format!("sequence item {index}: expected str instance, {} found", type_name(item)))
        })?;
        length = length.saturating_add(text.len());
    }
    afford_bytes(state, length)?;
    let mut out = String::with_capacity(length);
    for (index, text) in items.iter().filter_map(Value::as_str).enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        out.push_str(text);
    }
    Ok(out)
}

/// `center`, `ljust`, `rjust`.
fn justify(state: &State<'_, '_>, text: &str, name: &str, args: &[Value]) -> Result<String, Error> {
    let bound = bind(name, ["width", "fillchar"], args)?;
    let width = usize::try_from(bound.int(0, 0)?).unwrap_or(0);
    let fill = bound.optional_str(1)?.unwrap_or(" ");
    let mut fills = fill.chars();
    let (Some(fill), None) = (fills.next(), fills.next()) else {
        return Err(type_error("The fill character must be exactly one character long"));
    };
    let missing = width.saturating_sub(text.chars().count());
    afford_bytes(state, missing.saturating_mul(fill.len_utf8()))?;
    let left = match name {
        "ljust" => 0,
        "rjust" => missing,
        // CPython puts the odd one to the left only when the width is odd.
        _ => missing / 2 + (missing & width & 1),
    };
    let mut out: String = std::iter::repeat_n(fill, left).collect();
    out.push_str(text);
    out.extend(std::iter::repeat_n(fill, missing - left));
    Ok(out)
}

fn zero_fill(state: &State<'_, '_>, text: &str, args: &[Value]) -> Result<String, Error> {
    let bound = bind("zfill", ["width"], args)?;
    let width = usize::try_from(bound.int(0, 0)?).unwrap_or(0);
    let missing = width.saturating_sub(text.chars().count());
    afford_bytes(state, missing)?;
    let (sign, digits) = text.split_at(if text.starts_with(['+', '-']) { 1 } else { 0 });
    Ok(format!("{sign}{}{digits}", "0".repeat(missing)))
}

fn expand_tabs(state: &State<'_, '_>, text: &str, args: &[Value]) -> Result<String, Error> {
    let bound = bind("expandtabs", ["tabsize"], args)?;
    let size = usize::try_from(bound.int(0, 8)?).unwrap_or(0);
    afford_bytes(state, text.matches('\t').count().saturating_mul(size))?;
    let (mut out, mut column) = (String::with_capacity(text.len()), 0_usize);
    for c in text.chars() {
        match c {
            '\t' if size > 0 => {
                let blanks = size - column % size;
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\t' => {}
            _ => {
                out.push(c);
                column = if matches!(c, '\n' | '\r') { 0 } else { column + 1 };
            }
        }
    }
    Ok(out)
}

/// `translate(table)` with a table from code points to code points, text or `None`.
fn translate(state: &State<'_, '_>, text: &str, args: &[Value]) -> Result<String, Error> {
    let [table] = args else { return Err(type_error("str.translate() takes exactly one argument")) };
    let mut out = String::with_capacity(text.len());
    charge_items(state, text.len())?;
    for c in text.chars() {
        let entry = item(state, table, &Value::from(u32::from(c)))?;
        match entry.kind() {
            ValueKind::Undefined => out.push(c),
            ValueKind::None => {}
            ValueKind::String => {
                let text = entry.as_str().unwrap_or_default();
                afford_bytes(state, out.len() + text.len())?;
                out.push_str(text);
            }
            _ => {
                let code = u32::try_from(as_int(&entry)?).ok().and_then(char::from_u32);
                out.push(code.ok_or_else(|| type_error("character mapping must be in range(0x110000)"))?);
            }
        }
    }
    Ok(out)
}

/// The `is...()` methods. `None` if there is no such method.
fn classify(text: &str, name: &str) -> Option<bool> {
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    Some(match name {
        "isalpha" => all(char::is_alphabetic),
        "isdigit" => all(|c| c.is_ascii_digit() || matches!(c, '²' | '³' | '¹') || is_decimal(c)),
        "isdecimal" => all(is_decimal),
        "isnumeric" => all(char::is_numeric),
        "isalnum" => all(char::is_alphanumeric),
        "isspace" => all(is_space),
        "isascii" => text.is_ascii(),
        "isprintable" => text.chars().all(crate::python::text::is_printable),
        "islower" => text.chars().any(char::is_lowercase) && !text.chars().any(|c| c.is_uppercase() || is_titlecase(c)),
        "isupper" => text.chars().any(char::is_uppercase) && !text.chars().any(|c| c.is_lowercase() || is_titlecase(c)),
        "istitle" => text.chars().any(|c| c.is_uppercase() || c.is_lowercase()) && title(text) == text,
        "isidentifier" => {
            let mut chars = text.chars();
            chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
                && chars.all(|c| c == '_' || c.is_alphanumeric())
        }
        _ => return None,
    })
}

/// A decimal digit in any script: their code points come in runs of ten that start at a multiple
/// Unicode fixes, so the numeric characters that Rust knows are enough only for ASCII and the
/// common scripts listed here.
fn is_decimal(c: char) -> bool {
    const ZEROS: [u32; 18] = [
        0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20,
        0x1040, 0xff10,
    ];
    ZEROS.iter().any(|zero| (*zero..*zero + 10).contains(&u32::from(c)))
}
