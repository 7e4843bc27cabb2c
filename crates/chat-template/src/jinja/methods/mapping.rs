//! Methods of dictionaries.

use minijinja::value::Value;
use minijinja::{Error, State};

use super::{no_kwargs, no_such_method};
use crate::jinja::operators::{check_hashable, items_of};
use crate::python::args::bind;
use crate::python::budget::charge_items;
use crate::python::dict::{Dict, DictView, ViewKind, entries};
use crate::python::error::type_error;

pub(super) const METHODS: [&str; 6] = ["copy", "fromkeys", "get", "items", "keys", "values"];

pub(super) fn call(state: &State<'_, '_>, dict: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    no_kwargs(name, args)?;
    match name {
        "keys" | "values" | "items" | "copy" if !args.is_empty() => {
            Err(type_error(format!("{name}() takes no arguments ({} given)", args.len())))
        }
        "keys" | "values" | "items" | "copy" => {
            charge_items(state, dict.len().unwrap_or(0))?;
            Ok(match name {
                "keys" => DictView::value(dict, ViewKind::Keys),
                "values" => DictView::value(dict, ViewKind::Values),
                "items" => DictView::value(dict, ViewKind::Items),
                _ => Dict::from_pairs(entries(dict)),
            })
        }
        "get" => {
            let bound = bind("get", ["key", "default"], args)?;
            let key = bound.get(0).ok_or_else(|| type_error("get expected at least 1 argument, got 0"))?;
            check_hashable(state, key)?;
            let found = dict.as_object().and_then(|object| object.get_value(key));
            Ok(found.unwrap_or_else(|| bound.or_none(1)))
        }
        "fromkeys" => from_keys(state, args),
        _ => Err(no_such_method(dict, name)),
    }
}

/// `dict.fromkeys(keys, value=None)`.
pub(in crate::jinja) fn from_keys(state: &State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let bound = bind("fromkeys", ["iterable", "value"], args)?;
    let keys = bound.get(0).ok_or_else(|| type_error("fromkeys expected at least 1 argument, got 0"))?;
    let value = bound.or_none(1);
    let keys = items_of(state, keys)?;
    keys.iter().try_for_each(|key| check_hashable(state, key))?;
    Ok(Dict::from_pairs(keys.into_iter().map(|key| (key, value.clone()))))
}
