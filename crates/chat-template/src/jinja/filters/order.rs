//! Filters that compare items: sorting, grouping, extremes, duplicates.

use std::cmp::Ordering;

use minijinja::value::Value;
use minijinja::{Environment, Error, State};

use super::{sort_key, subject};
use crate::jinja::operators::{check_hashable, compare, equal, items_of};
use crate::python::args::{Args, bind};
use crate::python::budget::{charge_items, charge_sort};
use crate::python::dict::entries;
use crate::python::error::{type_error, undefined_error, value_error};
use crate::python::iterators::Generator;
use crate::python::kind::{Kind, kind};

pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("sort", sort);
    env.add_filter("dictsort", dict_sort);
    env.add_filter("groupby", group_by);
    env.add_filter("unique", unique);
    env.add_filter("min", |state: &State<'_, '_>, args: Args<'_>| extreme(state, &args, Ordering::Less));
    env.add_filter("max", |state: &State<'_, '_>, args: Args<'_>| extreme(state, &args, Ordering::Greater));
}

/// How keys compare.
#[derive(Clone, Copy)]
enum Keys {
    /// As lists: equal ones are passed over, the first that differ decide.
    Lists,
    /// As they are: even equal ones must have an order.
    Single,
}

/// Sorts by keys, stably; values that Python cannot order are an error.
fn sort_by_keys<T>(
    state: &State<'_, '_>,
    items: &mut [(Vec<Value>, T)],
    keys: Keys,
    reverse: bool,
) -> Result<(), Error> {
    charge_sort(state, items.len())?;
    let mut failure = None;
    items.sort_by(|(a, _), (b, _)| {
        let order = compare_keys(state, keys, a, b).unwrap_or_else(|error| {
            failure.get_or_insert(error);
            Ordering::Equal
        });
        if reverse { order.reverse() } else { order }
    });
    failure.map_or(Ok(()), Err)
}

fn compare_keys(state: &State<'_, '_>, keys: Keys, a: &[Value], b: &[Value]) -> Result<Ordering, Error> {
    let less = |a: &Value, b: &Value| compare(state, "<", a, b, Ordering::is_lt);
    for (a, b) in a.iter().zip(b) {
        match keys {
            Keys::Lists if equal(state, a, b)? => {}
            Keys::Lists => return Ok(if less(a, b)? { Ordering::Less } else { Ordering::Greater }),
            Keys::Single if less(a, b)? => return Ok(Ordering::Less),
            Keys::Single => return Ok(if less(b, a)? { Ordering::Greater } else { Ordering::Equal }),
        }
    }
    Ok(Ordering::Equal)
}

/// `sort(value, reverse=False, case_sensitive=False, attribute=None)`; `attribute` may name
/// several, with commas.
fn sort(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("sort", ["value", "reverse", "case_sensitive", "attribute"], args)?;
    let exact = bound.truth(2, false);
    let paths: Vec<Value> = match bound.get(3).filter(|attribute| !attribute.is_none()) {
        Some(attribute) => match attribute.as_str() {
            Some(names) => names.split(',').map(Value::from).collect(),
            None => vec![attribute.clone()],
        },
        None => Vec::new(),
    };
    let mut keyed = Vec::new();
    for item in items_of(state, subject(args)?)? {
        let keys = if paths.is_empty() {
            vec![sort_key(state, &item, None, exact)?]
        } else {
            paths.iter().map(|path| sort_key(state, &item, Some(path), exact)).collect::<Result<_, _>>()?
        };
        keyed.push((keys, item));
    }
    sort_by_keys(state, &mut keyed, Keys::Lists, bound.truth(1, false))?;
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

/// `dictsort(value, case_sensitive=False, by='key', reverse=False)`.
fn dict_sort(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("dictsort", ["value", "case_sensitive", "by", "reverse"], args)?;
    let value = subject(args)?;
    if value.is_undefined() {
        return Err(undefined_error("the mapping to sort is undefined"));
    }
    if kind(value) != Kind::Dict {
        return Err(type_error("dictsort() works on mappings"));
    }
    let by_value = match bound.optional_str(2)?.unwrap_or("key") {
        "key" => false,
        "value" => true,
        _ => return Err(value_error("You can only sort by either \"key\" or \"value\"")),
    };
    let exact = bound.truth(1, false);
    charge_items(state, value.len().unwrap_or(0))?;
    let mut keyed = Vec::new();
    for (key, item) in entries(value) {
        let sort_by = sort_key(state, if by_value { &item } else { &key }, None, exact)?;
        keyed.push((vec![sort_by], (key, item)));
    }
    sort_by_keys(state, &mut keyed, Keys::Single, bound.truth(3, false))?;
    Ok(keyed.into_iter().map(|(_, pair)| Value::from(pair)).collect())
}

/// `groupby(value, attribute, default=None, case_sensitive=False)`: pairs of the common value and
/// its items.
fn group_by(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("groupby", ["value", "attribute", "default", "case_sensitive"], args)?;
    let path = bound.get(1).ok_or_else(|| type_error("groupby() needs the name of an attribute"))?;
    let exact = bound.truth(3, false);
    let default = bound.get(2).filter(|default| !default.is_none());
    let key_of = |item: &Value, exact: bool| -> Result<Value, Error> {
        let key = sort_key(state, item, Some(path), exact)?;
        Ok(match default {
            Some(default) if key.is_undefined() => default.clone(),
            _ => key,
        })
    };
    let mut keyed = Vec::new();
    for item in items_of(state, subject(args)?)? {
        keyed.push((vec![key_of(&item, exact)?], item));
    }
    sort_by_keys(state, &mut keyed, Keys::Single, false)?;
    let mut groups: Vec<(Value, Value, Vec<Value>)> = Vec::new();
    for (keys, item) in keyed {
        let key = keys.into_iter().next().unwrap_or_default();
        match groups.last_mut() {
            Some((last, _, items)) if *last == key => items.push(item),
            // The group is called by its first item's value, in its own spelling.
            _ => groups.push((key, key_of(&item, true)?, vec![item])),
        }
    }
    Ok(groups.into_iter().map(|(_, name, items)| Value::from((name, Value::from(items)))).collect())
}

/// `unique(value, case_sensitive=False, attribute=None)`.
fn unique(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("unique", ["value", "case_sensitive", "attribute"], args)?;
    let path = bound.get(2).filter(|attribute| !attribute.is_none());
    let items = items_of(state, subject(args)?)?;
    charge_sort(state, items.len())?;
    let mut seen = indexmap::IndexSet::new();
    let mut kept = Vec::new();
    for item in items {
        let key = sort_key(state, &item, path, bound.truth(1, false))?;
        check_hashable(state, &key)?;
        if seen.insert(key) {
            kept.push(item);
        }
    }
    Ok(Generator::value("do_unique", kept))
}

/// `min` and `max(value, case_sensitive=False, attribute=None)`; the first of equals wins.
fn extreme(state: &State<'_, '_>, args: &[Value], wanted: Ordering) -> Result<Value, Error> {
    let bound = bind("min", ["value", "case_sensitive", "attribute"], args)?;
    let path = bound.get(2).filter(|attribute| !attribute.is_none());
    let mut best: Option<(Value, Value)> = None;
    for item in items_of(state, subject(args)?)? {
        let key = sort_key(state, &item, path, bound.truth(1, false))?;
        let better = match &best {
            None => true,
            Some((best_key, _)) if wanted == Ordering::Less => compare(state, "<", &key, best_key, Ordering::is_lt)?,
            Some((best_key, _)) => compare(state, ">", &key, best_key, Ordering::is_gt)?,
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map(|(_, item)| item).unwrap_or_default())
}
