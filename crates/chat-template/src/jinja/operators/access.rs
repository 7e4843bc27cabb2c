//! What takes values apart: slices, subscripts and attributes.

use std::cmp::Ordering;

use minijinja::value::{Tuple, Value};
use minijinja::{Error, State};

use crate::jinja::methods;
use crate::jinja::nesting::charge_tree;
use crate::python::args::as_int;
use crate::python::budget::{afford_bytes, charge_items};
use crate::python::dict::{DictView, ViewKind};
use crate::python::error::{type_error, undefined_error, value_error};
use crate::python::iterators::PyRange;
use crate::python::kind::{Kind, kind, type_name};
use crate::python::subscript;

/// `value[start:stop:step]`, copied at once as Python copies.
pub(super) fn slice(
    state: &State<'_, '_>,
    value: &Value,
    start: &Value,
    stop: &Value,
    step: &Value,
) -> Result<Value, Error> {
    let bound = |value: &Value| if value.is_none() { Ok(None) } else { as_int(value).map(Some) };
    let kind = kind(value);
    if !matches!(kind, Kind::Str | Kind::List | Kind::Tuple | Kind::Range | Kind::Bytes) {
        if kind == Kind::Undefined {
            return Err(undefined_error("the value to slice is undefined"));
        }
        return Err(type_error(format!("'{}' object is not subscriptable", type_name(value))));
    }
    let (start, stop, step) = (bound(start)?, bound(stop)?, bound(step)?);
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(value_error("slice step cannot be zero"));
    }
    if kind == Kind::Str {
        let text = value.as_str().unwrap_or_default();
        afford_bytes(state, text.len())?;
        let cut = slice_text(text, start, stop, step);
        return Ok(if value.is_safe() { Value::from_safe_string(cut) } else { Value::from(cut) });
    }
    let length = value.len().unwrap_or(0);
    let (first, last, count) = slice_bounds(length, start, stop, step);
    if let Some(range) = value.downcast_object_ref::<PyRange>() {
        let at = |index: i64| range.start.saturating_add(index.saturating_mul(range.step));
        return Ok(Value::from_object(PyRange {
            start: at(first),
            stop: at(last),
            step: range.step.saturating_mul(step),
        }));
    }
    charge_items(state, count)?;
    let pick = |n: usize| usize::try_from(first + i64::try_from(n).unwrap_or(i64::MAX) * step).unwrap_or(usize::MAX);
    let items: Vec<Value> = (0..count).map(|n| value.get_item_by_index(pick(n)).unwrap_or_default()).collect();
    Ok(match kind {
        Kind::Tuple => Value::from(Tuple::from(items)),
        _ => Value::from(items),
    })
}

/// A slice that is undefined where the value has no slices.
pub(super) fn slice_or_undefined(
    state: &State<'_, '_>,
    value: &Value,
    start: &Value,
    stop: &Value,
    step: &Value,
) -> Result<Value, Error> {
    match kind(value) {
        Kind::Str | Kind::List | Kind::Tuple | Kind::Range | Kind::Bytes | Kind::Undefined => {
            slice(state, value, start, stop, step)
        }
        _ => Ok(Value::UNDEFINED),
    }
}

/// The first index, the end and the number of items of a slice over `length` items.
/// <https://docs.python.org/3/reference/datamodel.html#slice.indices>
fn slice_bounds(length: usize, start: Option<i64>, stop: Option<i64>, step: i64) -> (i64, i64, usize) {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |index: i64| if index < 0 { index.saturating_add(length).max(low) } else { index.min(high) };
    let first = start.map_or(if step > 0 { low } else { high }, clamp);
    let last = stop.map_or(if step > 0 { high } else { low }, clamp);
    let (span, step) = if step > 0 { (last - first, step) } else { (first - last, step.saturating_neg()) };
    let count = if span <= 0 { 0 } else { (span - 1) / step + 1 };
    (first, last, usize::try_from(count).unwrap_or(0))
}

fn slice_text(text: &str, start: Option<i64>, stop: Option<i64>, step: i64) -> String {
    if text.is_ascii() && step == 1 {
        let (first, _, count) = slice_bounds(text.len(), start, stop, step);
        let first = usize::try_from(first).unwrap_or(0);
        return text.get(first..first + count).unwrap_or_default().to_owned();
    }
    let length = text.chars().count();
    let (first, _, count) = slice_bounds(length, start, stop, step);
    let first = usize::try_from(first).unwrap_or(0);
    let stride = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
    if step > 0 {
        text.chars().skip(first).step_by(stride).take(count).collect()
    } else {
        text.chars().rev().skip(length.saturating_sub(first + 1)).step_by(stride).take(count).collect()
    }
}

/// `container[key]`, for a key that is not written in the template.
pub(in crate::jinja) fn item(state: &State<'_, '_>, container: &Value, key: &Value) -> Result<Value, Error> {
    if kind(key) == Kind::Tuple {
        charge_tree(state, key)?;
    }
    subscript::item(state, container, key)
}

/// A key on its way into a dictionary literal.
pub(super) fn hashable(state: &State<'_, '_>, key: &Value) -> Result<Value, Error> {
    check_hashable(state, key)?;
    Ok(key.clone())
}

/// Fails for values that Python cannot hash.
pub(in crate::jinja) fn check_hashable(state: &State<'_, '_>, key: &Value) -> Result<(), Error> {
    match kind(key) {
        Kind::Tuple => {
            charge_tree(state, key)?;
            key.try_iter()?.try_for_each(|item| check_hashable(state, &item))
        }
        Kind::View if view_kind(key) == Some(ViewKind::Values) => Ok(()),
        Kind::List | Kind::Dict | Kind::View => Err(type_error(format!("unhashable type: '{}'", type_name(key)))),
        Kind::Str | Kind::Range => charge_tree(state, key),
        _ => Ok(()),
    }
}

fn view_kind(view: &Value) -> Option<ViewKind> {
    view.downcast_object_ref().map(DictView::kind)
}

/// Whether two views are the same set. Views of values are no sets, and equal only to themselves.
pub(super) fn same_view(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<bool, Error> {
    Ok(compare_views(state, a, b)?.flatten() == Some(Ordering::Equal))
}

/// How two views compare as sets: the smaller is contained in the larger. `Some(None)` if neither
/// contains the other, `None` if one of them is no set.
pub(super) fn compare_views(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Option<Option<Ordering>>, Error> {
    let is_set = |view: &Value| view_kind(view).is_some_and(|kind| kind != ViewKind::Values);
    if !is_set(a) || !is_set(b) {
        return Ok(None);
    }
    let order = a.len().cmp(&b.len());
    let (small, large) = if order.is_gt() { (b, a) } else { (a, b) };
    for item in small.try_iter()? {
        if !super::contains(state, large, &item)? {
            return Ok(Some(None));
        }
    }
    Ok(Some(Some(order)))
}

/// Whether a view of a dictionary could hold an item. It looks keys up, so that what is no key is
/// an error.
pub(super) fn may_hold(state: &State<'_, '_>, view: &Value, item: &Value) -> Result<bool, Error> {
    match view_kind(view) {
        Some(ViewKind::Keys) => check_hashable(state, item).map(|()| true),
        Some(ViewKind::Items) if kind(item) != Kind::Tuple || item.len() != Some(2) => Ok(false),
        Some(ViewKind::Items) => check_hashable(state, &item.get_item_by_index(0).unwrap_or_default()).map(|()| true),
        Some(ViewKind::Values) | None => Ok(true),
    }
}

/// `value.name` where `name` is a method of some Python type: the method comes before an item of
/// that name.
pub(super) fn attribute(value: &Value, name: &str) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(undefined_error(format!("the value whose attribute '{name}' is read is undefined")));
    }
    // Private attributes do not exist for a sandboxed template.
    if name.starts_with("__") {
        let item = value.get_item(&Value::from(name)).unwrap_or_default();
        return Ok(item);
    }
    if methods::exists(kind(value), name) {
        return Ok(methods::bound(value, name));
    }
    Ok(value.get_attr(name).unwrap_or_default())
}

/// `value['name']` where `name` is a method of some Python type: an item of that name comes first.
pub(super) fn item_or_attribute(value: &Value, name: &str) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(undefined_error(format!("the value whose item '{name}' is read is undefined")));
    }
    let item = value.get_item(&Value::from(name)).unwrap_or_default();
    if item.is_undefined() && methods::exists(kind(value), name) && !name.starts_with("__") {
        return Ok(methods::bound(value, name));
    }
    Ok(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_take_what_python_takes() {
        let cases = [
            ((Some(1), None, 1), "bcde"),
            ((None, Some(-1), 1), "abcd"),
            ((None, None, -1), "edcba"),
            ((Some(-2), None, 1), "de"),
            ((Some(9), None, 1), ""),
            ((None, None, 2), "ace"),
            ((Some(3), Some(0), -2), "db"),
            ((None, None, i64::MIN), "e"),
            ((Some(i64::MIN), Some(i64::MAX), 1), "abcde"),
        ];
        for ((start, stop, step), expected) in cases {
            assert_eq!(slice_text("abcde", start, stop, step), expected, "{start:?}:{stop:?}:{step}");
        }
        assert_eq!(slice_text("日本語", Some(1), None, 1), "本語");
    }
}
