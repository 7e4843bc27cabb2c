//! Filters that take, count and group items.

use std::hash::{BuildHasher as _, Hasher as _};

use minijinja::value::Value;
use minijinja::{Environment, Error, State};

use super::{item_at, subject};
use crate::jinja::methods;
use crate::jinja::operators::items_of;
use crate::python::args::{Args, bind};
use crate::python::budget::{afford_bytes, charge_items};
use crate::python::dict::{Dict, DictView, ViewKind};
use crate::python::error::{runtime_error, type_error, undefined_error, value_error};
use crate::python::iterators::Generator;
use crate::python::kind::{Kind, has_len, kind, type_name};
use crate::python::repr::str_of;

pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("length", length);
    env.add_filter("count", length);
    env.add_filter("list", |state: &State<'_, '_>, value: &Value| items_of(state, value).map(Value::from));
    env.add_filter("first", first);
    env.add_filter("last", last);
    env.add_filter("random", random);
    env.add_filter("reverse", reverse);
    env.add_filter("join", join);
    env.add_filter("items", items);
    env.add_filter("batch", batch);
    env.add_filter("slice", slice);
    env.add_filter("default", default);
    env.add_filter("d", default);
    env.add_filter("attr", attr);
}

fn length(value: &Value) -> Result<usize, Error> {
    let kind = kind(value);
    if !has_len(kind) {
        return Err(type_error(format!("object of type '{}' has no len()", type_name(value))));
    }
    Ok(match kind {
        Kind::Undefined => 0,
        Kind::Str => value.as_str().map_or(0, |text| text.chars().count()),
        _ => value.len().unwrap_or(0),
    })
}

fn first(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    match kind(value) {
        Kind::Generator => {
            let next = value.downcast_object_ref::<Generator>().map_or(Ok(None), Generator::next)?;
            Ok(next.unwrap_or_default())
        }
        Kind::Str => Ok(value.as_str().and_then(|text| text.chars().next()).map(Value::from).unwrap_or_default()),
        Kind::List | Kind::Tuple => Ok(value.get_item_by_index(0).unwrap_or_default()),
        _ => Ok(items_of(state, value)?.into_iter().next().unwrap_or_default()),
    }
}

fn last(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    match kind(value) {
        Kind::Generator => Err(type_error(format!("'{}' object is not reversible", type_name(value)))),
        Kind::Str => Ok(value.as_str().and_then(|text| text.chars().last()).map(Value::from).unwrap_or_default()),
        _ => Ok(items_of(state, value)?.pop().unwrap_or_default()),
    }
}

/// Any item. The seed is what the standard library gives to hash maps: no state of ours, no clock.
fn random(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    let items = items_of(state, value)?;
    let seed = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let index = usize::try_from(seed).unwrap_or(0).checked_rem(items.len());
    Ok(index.and_then(|index| items.into_iter().nth(index)).unwrap_or_default())
}

fn reverse(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    let type_name = match kind(value) {
        Kind::Str => {
            let text = value.as_str().unwrap_or_default();
            afford_bytes(state, text.len())?;
            return Ok(Value::from(text.chars().rev().collect::<String>()));
        }
        Kind::List => "list_reverseiterator",
        Kind::Dict => "dict_reversekeyiterator",
        Kind::View => "dict_reverseitemiterator",
        Kind::Range => "range_iterator",
        Kind::Generator => {
            let mut items = items_of(state, value)?;
            items.reverse();
            return Ok(Value::from(items));
        }
        Kind::Undefined | Kind::Tuple | Kind::Bytes => "reversed",
        _ => return Err(runtime_error("argument must be iterable")),
    };
    let mut items = items_of(state, value)?;
    items.reverse();
    Ok(Generator::iterator(type_name, items))
}

/// `join(value, d='', attribute=None)`.
fn join(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("join", ["value", "d", "attribute"], args)?;
    let separator = bound.get(1).map(|separator| str_of(state, separator)).transpose()?.unwrap_or_default();
    let attribute = bound.get(2).filter(|attribute| !attribute.is_none());
    let mut items = items_of(state, subject(args)?)?;
    if let Some(path) = attribute {
        for item in &mut items {
            *item = item_at(state, item, path)?;
        }
    }
    // What is text already has a length before the joined text is made; what is printed on the way is
    // checked on the way.
    let known: usize = items.iter().filter_map(Value::as_str).map(str::len).sum();
    let separators = separator.len().saturating_mul(items.len().saturating_sub(1));
    afford_bytes(state, known.saturating_add(separators))?;
    let mut out = String::with_capacity(known.saturating_add(separators));
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(&separator);
        }
        let text = str_of(state, item)?;
        afford_bytes(state, out.len().saturating_add(text.len()))?;
        out.push_str(&text);
    }
    Ok(Value::from(out))
}

/// `items(value)`: the pairs of a mapping.
fn items(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    let pairs = match kind(value) {
        Kind::Undefined => Vec::new(),
        Kind::Dict => {
            charge_items(state, value.len().unwrap_or(0))?;
            items_of(state, &DictView::value(value, ViewKind::Items))?
        }
        _ => return Err(type_error("Can only get item pairs from a mapping.")),
    };
    Ok(Generator::value("do_items", pairs))
}

/// `batch(value, linecount, fill_with=None)`: lists of `linecount` items.
fn batch(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("batch", ["value", "linecount", "fill_with"], args)?;
    let size = usize::try_from(bound.int(1, 0)?).ok().filter(|size| *size > 0);
    let size = size.ok_or_else(|| value_error("batch() needs a number of items above zero"))?;
    let items = items_of(state, subject(args)?)?;
    let fill = bound.get(2).filter(|fill| !fill.is_none());
    let mut batches: Vec<Vec<Value>> = items.chunks(size).map(<[Value]>::to_vec).collect();
    if let (Some(fill), Some(last)) = (fill, batches.last_mut()) {
        charge_items(state, size)?;
        last.resize(size, fill.clone());
    }
    Ok(Generator::value("do_batch", batches.into_iter().map(Value::from).collect()))
}

/// `slice(value, slices, fill_with=None)`: so many lists of nearly equal length.
fn slice(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("slice", ["value", "slices", "fill_with"], args)?;
    let count = usize::try_from(bound.int(1, 0)?).ok().filter(|count| *count > 0);
    let count = count.ok_or_else(|| value_error("slice() needs a number of slices above zero"))?;
    charge_items(state, count)?;
    let items = items_of(state, subject(args)?)?;
    let (short, longer) = (items.len() / count, items.len() % count);
    let fill = bound.get(2).filter(|fill| !fill.is_none());
    let mut rest = items.into_iter();
    let slices = (0..count).map(|number| {
        let mut part: Vec<Value> = rest.by_ref().take(short + usize::from(number < longer)).collect();
        if number >= longer {
            part.extend(fill.cloned());
        }
        Value::from(part)
    });
    Ok(Generator::value("do_slice", slices.collect()))
}

/// `default(value, default_value='', boolean=False)`.
fn default(args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("default", ["value", "default_value", "boolean"], args)?;
    let value = subject(args)?;
    if value.is_undefined() || (bound.truth(2, false) && !value.is_true()) {
        return Ok(bound.get(1).cloned().unwrap_or_else(|| Value::from("")));
    }
    Ok(value.clone())
}

/// `attr(obj, name)`: an attribute, never an item.
fn attr(value: &Value, name: &str) -> Result<Value, Error> {
    Ok(match kind(value) {
        _ if name.starts_with("__") => Value::UNDEFINED,
        Kind::Undefined => {
            return Err(undefined_error(format!("the value whose attribute '{name}' is read is undefined")));
        }
        Kind::Object => value.get_attr(name).unwrap_or_default(),
        kind if methods::exists(kind, name) => methods::bound(value, name),
        _ => Value::UNDEFINED,
    })
}

/// A dictionary made of pairs, for [`crate::jinja::globals`].
pub(in crate::jinja) fn dict_of(state: &State<'_, '_>, value: &Value) -> Result<Vec<(Value, Value)>, Error> {
    if kind(value) == Kind::Dict {
        charge_items(state, value.len().unwrap_or(0))?;
        return Ok(crate::python::dict::entries(value));
    }
    if value.is_undefined() {
        return Err(undefined_error("the value to make a dictionary of is undefined"));
    }
    let mut pairs = Vec::new();
    for item in items_of(state, value)? {
        let parts = items_of(state, &item)?;
        let [key, value] = parts.as_slice() else {
            return Err(value_error("dictionary update sequence element has the wrong length; 2 is required"));
        };
        crate::jinja::operators::check_hashable(state, key)?;
        pairs.push((key.clone(), value.clone()));
    }
    Ok(crate::python::dict::entries(&Dict::from_pairs(pairs)))
}
