//! Operators with Python's meaning, where the engine's differ. [`super::lower`] turns operators into calls of these.
//!
//! They are registered as filters under names that no template can write (`+`, `<`, `for`), because a filter is the
//! engine's cheapest call: it is looked up once per template, not once per use.

use std::cmp::Ordering;

use minijinja::value::{Tuple, Value};
use minijinja::{Environment, Error, State};

use super::filters::escape_html;
use super::methods;
use super::nesting::{self, charge_tree};
use super::numbers::{self, Number, unsupported};
use crate::python::args::{Args, as_int};
use crate::python::budget::{afford_bytes, charge_bytes, charge_items};
use crate::python::error::{security_error, type_error, undefined_error, value_error};
use crate::python::iterators::{Generator, PyRange};
use crate::python::kind::{Kind, kind, type_name};
use crate::python::percent::percent;
use crate::python::repr::str_of;

/// Registers all operators.
pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("+", |state: &State<'_, '_>, args: Args<'_>| fold(state, &args, add));
    env.add_filter("~", concat);
    env.add_filter("*", multiply);
    env.add_filter("%", modulo);
    env.add_filter("==", |state: &State<'_, '_>, a: &Value, b: &Value| equal(state, a, b));
    env.add_filter("!=", |state: &State<'_, '_>, a: &Value, b: &Value| equal(state, a, b).map(|same| !same));
    env.add_filter("<", |state: &State<'_, '_>, a: &Value, b: &Value| compare(state, "<", a, b, Ordering::is_lt));
    env.add_filter("<=", |state: &State<'_, '_>, a: &Value, b: &Value| compare(state, "<=", a, b, Ordering::is_le));
    env.add_filter(">", |state: &State<'_, '_>, a: &Value, b: &Value| compare(state, ">", a, b, Ordering::is_gt));
    env.add_filter(">=", |state: &State<'_, '_>, a: &Value, b: &Value| compare(state, ">=", a, b, Ordering::is_ge));
    env.add_filter("in", |state: &State<'_, '_>, item: &Value, container: &Value| contains(state, container, item));
    env.add_filter("for", |state: &State<'_, '_>, value: &Value| iterable(state, value));
    env.add_filter("[:]", slice);
    env.add_filter("[key]", subscript);
    env.add_filter(".", attribute);
    env.add_filter("['']", item_or_attribute);
    env.add_filter("str", text_operand);
    env.add_filter("{key}", hashable);
    env.add_filter("#", |state: &State<'_, '_>, value: Value, namespace: Option<Value>| {
        nesting::storable(state, &value, namespace.as_ref()).map(|()| value)
    });
    env.add_filter("cycle", loop_cycle);
    env.add_filter("neg", negate);
    env.add_filter("no-loader", |_: &State<'_, '_>, _: Args<'_>| -> Result<Value, Error> {
        Err(type_error("no loader for this environment specified"))
    });
    env.add_filter("private-name", |_: &State<'_, '_>, _: Args<'_>| -> Result<Value, Error> {
        Err(security_error("a namespace cannot hold names that begin with an underscore"))
    });
}

/// `a + b + c`, from the left.
fn fold(
    state: &State<'_, '_>,
    args: &[Value],
    operator: fn(&State<'_, '_>, &Value, &Value) -> Result<Value, Error>,
) -> Result<Value, Error> {
    // All text and none of it marked safe: one allocation instead of one per operator.
    if args.iter().all(|arg| kind(arg) == Kind::Str && !arg.is_safe()) {
        let length = args.iter().filter_map(Value::as_str).map(str::len).sum();
        afford_bytes(state, length)?;
        let mut joined = String::with_capacity(length);
        args.iter().filter_map(Value::as_str).for_each(|text| joined.push_str(text));
        return Ok(Value::from(joined));
    }
    let mut args = args.iter();
    let mut result = args.next().cloned().unwrap_or_default();
    for arg in args {
        result = operator(state, &result, arg)?;
    }
    Ok(result)
}

/// `a + b`.
pub(super) fn add(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Value, Error> {
    match (kind(a), kind(b)) {
        (Kind::Str, Kind::Str) => {
            let (left, right) = (a.as_str().unwrap_or_default(), b.as_str().unwrap_or_default());
            afford_bytes(state, left.len() + right.len())?;
            Ok(match (a.is_safe(), b.is_safe()) {
                (false, false) => Value::from([left, right].concat()),
                (true, true) => Value::from_safe_string([left, right].concat()),
                // Text added to safe text is escaped, as `Markup` does.
                (true, false) => Value::from_safe_string(format!("{left}{}", escape_html(right))),
                (false, true) => Value::from_safe_string(format!("{}{right}", escape_html(left))),
            })
        }
        (Kind::List, Kind::List) => join_items(state, a, b).map(Value::from),
        (Kind::Tuple, Kind::Tuple) => join_items(state, a, b).map(|items| Value::from(Tuple::from(items))),
        _ => match (Number::of(a), Number::of(b)) {
            (Some(a), Some(b)) => numbers::add(a, b),
            _ => Err(unsupported("+", a, b)),
        },
    }
}

fn join_items(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Vec<Value>, Error> {
    charge_items(state, a.len().unwrap_or(0) + b.len().unwrap_or(0))?;
    Ok(a.try_iter()?.chain(b.try_iter()?).collect())
}

/// `a ~ b ~ c`: the text of each, one after the other. The result is plain text, whatever was marked as safe.
fn concat(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let mut joined = String::new();
    for arg in args.iter() {
        let text = str_of(state, arg)?;
        afford_bytes(state, joined.len() + text.len())?;
        joined.push_str(&text);
    }
    Ok(Value::from(joined))
}

/// `a * b`: numbers, or text and sequences repeated.
fn multiply(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Value, Error> {
    if let (Some(a), Some(b)) = (Number::of(a), Number::of(b)) {
        return numbers::multiply(a, b);
    }
    let (repeated, count) = if Number::of(a).is_some() { (b, a) } else { (a, b) };
    let Some(Number::Int(count)) = Number::of(count) else { return Err(unsupported("*", a, b)) };
    let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
    let length = repeated.as_str().map_or_else(|| repeated.len().unwrap_or(0), str::len);
    match kind(repeated) {
        Kind::Str => {
            afford_bytes(state, length.saturating_mul(count))?;
            let text = repeated.as_str().unwrap_or_default().repeat(count);
            Ok(if repeated.is_safe() { Value::from_safe_string(text) } else { Value::from(text) })
        }
        list @ (Kind::List | Kind::Tuple) => {
            charge_items(state, length.saturating_mul(count))?;
            let items: Vec<Value> = repeated.try_iter()?.collect();
            let all: Vec<Value> = items.iter().cycle().take(length.saturating_mul(count)).cloned().collect();
            Ok(if list == Kind::List { Value::from(all) } else { Value::from(Tuple::from(all)) })
        }
        _ => Err(unsupported("*", a, b)),
    }
}

/// `a % b`: the remainder, or text formatted with values.
fn modulo(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Value, Error> {
    if let Some(template) = a.as_str() {
        if b.is_undefined() {
            return percent(state, template, &Value::from("")).map(Value::from);
        }
        return percent(state, template, b).map(Value::from);
    }
    match (Number::of(a), Number::of(b)) {
        (Some(a), Some(b)) => numbers::modulo(a, b),
        _ => Err(unsupported("%", a, b)),
    }
}

/// `a == b`. Comparing containers is charged by their size.
pub(super) fn equal(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<bool, Error> {
    let (left, right) = (kind(a), kind(b));
    if is_container(left) && is_container(right) {
        if left != right {
            return Ok(false);
        }
        charge_tree(state, a)?;
    }
    Ok(a == b)
}

fn is_container(kind: Kind) -> bool {
    matches!(kind, Kind::List | Kind::Tuple | Kind::Dict | Kind::Range | Kind::View | Kind::Generator | Kind::Object)
}

/// `a < b` and its siblings: like with like only.
pub(super) fn compare(
    state: &State<'_, '_>,
    operator: &str,
    a: &Value,
    b: &Value,
    holds: fn(Ordering) -> bool,
) -> Result<bool, Error> {
    match (kind(a), kind(b)) {
        (Kind::Str, Kind::Str) => {}
        (left, right) if left == right && matches!(left, Kind::List | Kind::Tuple) => charge_tree(state, a)?,
        _ if Number::of(a).is_some() && Number::of(b).is_some() => {
            // No order holds for NaN, which the engine's total order would place somewhere.
            let nan = |value: &Value| f64::try_from(value.clone()).is_ok_and(f64::is_nan);
            if nan(a) || nan(b) {
                return Ok(false);
            }
        }
        _ if a.is_undefined() || b.is_undefined() => {
            return Err(undefined_error(format!("an operand of {operator} is undefined")));
        }
        _ => {
            return Err(type_error(format!(
                "'{operator}' not supported between instances of '{}' and '{}'",
                type_name(a),
                type_name(b)
            )));
        }
    }
    Ok(holds(a.cmp(b)))
}

/// `item in container`.
pub(super) fn contains(state: &State<'_, '_>, container: &Value, item: &Value) -> Result<bool, Error> {
    match kind(container) {
        Kind::Undefined => Ok(false),
        Kind::Str => match item.as_str() {
            Some(item) => {
                let text = container.as_str().unwrap_or_default();
                charge_bytes(state, text.len())?;
                Ok(text.contains(item))
            }
            None if item.is_undefined() => Err(undefined_error("the left operand of `in` is undefined")),
            None => Err(type_error(format!("'in <string>' requires string as left operand, not {}", type_name(item)))),
        },
        Kind::Dict => {
            check_hashable(state, item)?;
            Ok(container.as_object().is_some_and(|dict| dict.get_value(item).is_some()))
        }
        Kind::Object | Kind::None | Kind::Bool | Kind::Int | Kind::Float => {
            Err(type_error(format!("argument of type '{}' is not iterable", type_name(container))))
        }
        _ => {
            for candidate in container.try_iter()? {
                charge_items(state, 1)?;
                if equal(state, item, &candidate)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

/// What a `for` loop walks: a list made of `value`, so that the loop knows its length. `None` cannot be walked.
pub(super) fn iterable(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    match kind(value) {
        Kind::List | Kind::Tuple | Kind::Range | Kind::Dict | Kind::View | Kind::Undefined => Ok(value.clone()),
        Kind::Str => items_of(state, value).map(Value::from),
        Kind::Generator => items_of(state, value).map(Value::from),
        _ => Err(type_error(format!("'{}' object is not iterable", type_name(value)))),
    }
}

/// The items of anything that can be walked, as `list(value)` gives them.
pub(super) fn items_of(state: &State<'_, '_>, value: &Value) -> Result<Vec<Value>, Error> {
    match kind(value) {
        Kind::Str => {
            let text = value.as_str().unwrap_or_default();
            charge_items(state, text.len())?;
            Ok(text.chars().map(Value::from).collect())
        }
        Kind::Generator => {
            let items = value.downcast_object_ref::<Generator>().map(Generator::drain).unwrap_or_default();
            charge_items(state, items.len())?;
            Ok(items)
        }
        Kind::None | Kind::Bool | Kind::Int | Kind::Float | Kind::Object => {
            Err(type_error(format!("'{}' object is not iterable", type_name(value))))
        }
        Kind::Bytes => Ok(value.as_bytes().unwrap_or_default().iter().map(|byte| Value::from(*byte)).collect()),
        _ => {
            charge_items(state, value.len().unwrap_or(0))?;
            Ok(value.try_iter()?.collect())
        }
    }
}

/// `value[start:stop:step]`, copied at once as Python copies.
fn slice(state: &State<'_, '_>, value: &Value, start: &Value, stop: &Value, step: &Value) -> Result<Value, Error> {
    let bound = |value: &Value| if value.is_none() { Ok(None) } else { as_int(value).map(Some) };
    let kind = kind(value);
    if !matches!(kind, Kind::Str | Kind::List | Kind::Tuple | Kind::Range | Kind::Bytes) {
        if kind == Kind::Undefined {
            return Err(undefined_error("the value to slice is undefined"));
        }
        // Jinja2 answers an impossible subscript with an undefined value.
        return Ok(Value::UNDEFINED);
    }
    let (Ok(start), Ok(stop), Ok(step)) = (bound(start), bound(stop), bound(step)) else {
        return Ok(Value::UNDEFINED);
    };
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
        let at = |index: i64| range.start + index * range.step;
        return Ok(Value::from_object(PyRange { start: at(first), stop: at(last), step: range.step * step }));
    }
    charge_items(state, count)?;
    let pick = |n: usize| usize::try_from(first + i64::try_from(n).unwrap_or(i64::MAX) * step).unwrap_or(usize::MAX);
    let items: Vec<Value> = (0..count).map(|n| value.get_item_by_index(pick(n)).unwrap_or_default()).collect();
    Ok(match kind {
        Kind::Tuple => Value::from(Tuple::from(items)),
        _ => Value::from(items),
    })
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
    let chars: Vec<char> = text.chars().collect();
    let (first, _, count) = slice_bounds(chars.len(), start, stop, step);
    let at = |n: usize| usize::try_from(first + i64::try_from(n).unwrap_or(0) * step).unwrap_or(usize::MAX);
    (0..count).filter_map(|n| chars.get(at(n))).collect()
}

/// A subscript on its way into `[...]`: what cannot be a key finds nothing.
fn subscript(state: &State<'_, '_>, key: &Value) -> Result<Value, Error> {
    match kind(key) {
        Kind::Tuple => {
            charge_tree(state, key)?;
            Ok(key.clone())
        }
        // A list or dictionary is not hashable, so that Jinja2 answers undefined; no mapping has this key.
        Kind::List | Kind::Dict | Kind::View | Kind::Range | Kind::Generator | Kind::Object => Ok(Value::UNDEFINED),
        Kind::Float => Ok(key.clone()),
        _ => Ok(key.clone()),
    }
}

/// A key on its way into a dictionary literal.
fn hashable(state: &State<'_, '_>, key: &Value) -> Result<Value, Error> {
    check_hashable(state, key)?;
    Ok(key.clone())
}

/// Fails for values that Python cannot hash.
pub(super) fn check_hashable(state: &State<'_, '_>, key: &Value) -> Result<(), Error> {
    match kind(key) {
        Kind::List | Kind::Dict => Err(type_error(format!("unhashable type: '{}'", type_name(key)))),
        Kind::Tuple => charge_tree(state, key),
        _ => Ok(()),
    }
}

/// `value.name` where `name` is a method of some Python type: the method comes before an item of that name.
fn attribute(value: &Value, name: &str) -> Result<Value, Error> {
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
fn item_or_attribute(value: &Value, name: &str) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(undefined_error(format!("the value whose item '{name}' is read is undefined")));
    }
    let item = value.get_item(&Value::from(name)).unwrap_or_default();
    if item.is_undefined() && methods::exists(kind(value), name) && !name.starts_with("__") {
        return Ok(methods::bound(value, name));
    }
    Ok(item)
}

/// Passes text through; anything else cannot be added to text.
fn text_operand(value: &Value) -> Result<Value, Error> {
    if kind(value) == Kind::Str { Ok(value.clone()) } else { Err(unsupported("+", &Value::from(""), value)) }
}

/// `loop.cycle(a, b)`.
fn loop_cycle(state: &mut State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    match args {
        [] | [_] => Err(type_error("no items for cycling given")),
        [target, items @ ..] => target.call_method(state, "cycle", items),
    }
}

/// `-a`.
fn negate(value: &Value) -> Result<Value, Error> {
    match Number::of(value) {
        Some(Number::Int(int)) => {
            int.checked_neg().map(numbers::int_value).ok_or_else(|| value_error("the integer has more than 128 bits"))
        }
        Some(Number::Float(float)) => Ok(Value::from(-float)),
        None if value.is_undefined() => Err(undefined_error("the operand of unary - is undefined")),
        None => Err(type_error(format!("bad operand type for unary -: '{}'", type_name(value)))),
    }
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
