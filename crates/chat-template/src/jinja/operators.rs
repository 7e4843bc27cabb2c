//! Operators with Python's meaning, where the engine's differ. [`super::lower`] turns operators
//! into calls of these.
//!
//! They are registered as filters under names that no template can write (`+`, `<`, `for`), because
//! a filter is the engine's cheapest call: it is looked up once per template, not once per use.

mod access;

use std::cmp::Ordering;

use minijinja::value::{Tuple, Value};
use minijinja::{Environment, Error, State};

pub(super) use self::access::{check_hashable, item};
use super::filters::escape_html;
use super::nesting::{self, charge_tree};
use crate::python::args::Args;
use crate::python::budget::{afford_bytes, charge_bytes, charge_items, keep_going};
use crate::python::error::{security_error, type_error, undefined_error, value_error};
use crate::python::iterators::{Generator, PyRange};
use crate::python::kind::{Kind, kind, type_name};
use crate::python::number::{self, Number, unsupported};
use crate::python::percent::percent;
use crate::python::repr::str_of;

/// Registers all operators.
pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("+", |state: &State<'_, '_>, args: Args<'_>| fold(state, &args, add));
    env.add_filter("~", concat);
    env.add_filter("*", multiply);
    env.add_filter("%", modulo);
    env.add_filter("-", |a: &Value, b: &Value| arithmetic("-", number::subtract, a, b));
    env.add_filter("/", |a: &Value, b: &Value| arithmetic("/", number::divide, a, b));
    env.add_filter("//", |a: &Value, b: &Value| arithmetic("//", number::floor_divide, a, b));
    env.add_filter("**", |a: &Value, b: &Value| arithmetic("**", number::power, a, b));
    env.add_filter("==", |state: &State<'_, '_>, a: &Value, b: &Value| equal(state, a, b));
    env.add_filter("!=", |state: &State<'_, '_>, a: &Value, b: &Value| equal(state, a, b).map(|same| !same));
    env.add_filter("<", |state: &State<'_, '_>, a: &Value, b: &Value| compare(state, "<", a, b, Ordering::is_lt));
    env.add_filter("<=", |state: &State<'_, '_>, a: &Value, b: &Value| compare(state, "<=", a, b, Ordering::is_le));
    env.add_filter(">", |state: &State<'_, '_>, a: &Value, b: &Value| compare(state, ">", a, b, Ordering::is_gt));
    env.add_filter(">=", |state: &State<'_, '_>, a: &Value, b: &Value| compare(state, ">=", a, b, Ordering::is_ge));
    env.add_filter("in", |state: &State<'_, '_>, item: &Value, container: &Value| contains(state, container, item));
    env.add_filter("for", |state: &State<'_, '_>, value: &Value| iterable(state, value));
    env.add_filter("[:]", access::slice);
    env.add_filter("[:]?", access::slice_or_undefined);
    env.add_filter("[]", item);
    env.add_filter(".", access::attribute);
    env.add_filter("['']", access::item_or_attribute);
    env.add_filter("str", text_operand);
    env.add_filter("{key}", access::hashable);
    env.add_filter("#", |state: &State<'_, '_>, value: Value, namespace: Option<Value>| {
        nesting::storable(state, &value, namespace.as_ref()).map(|()| value)
    });
    env.add_filter("cycle", loop_cycle);
    env.add_filter("changed", loop_changed);
    env.add_filter("keep", keep);
    env.add_filter("kept", kept);
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
                (true, false) => Value::from_safe_string(format!("{left}{}", escape_html(state, right)?)),
                (false, true) => Value::from_safe_string(format!("{}{right}", escape_html(state, left)?)),
            })
        }
        (Kind::List, Kind::List) => join_items(state, a, b).map(Value::from),
        (Kind::Tuple, Kind::Tuple) => join_items(state, a, b).map(|items| Value::from(Tuple::from(items))),
        _ => match (Number::of(a), Number::of(b)) {
            (Some(a), Some(b)) => number::add(a, b),
            _ => Err(unsupported("+", a, b)),
        },
    }
}

fn join_items(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Vec<Value>, Error> {
    charge_items(state, a.len().unwrap_or(0) + b.len().unwrap_or(0))?;
    Ok(a.try_iter()?.chain(b.try_iter()?).collect())
}

/// `a ~ b ~ c`: the text of each, one after the other. The result is plain text, whatever was
/// marked as safe.
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
        return number::multiply(a, b);
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

/// An operator that works on numbers only.
fn arithmetic(
    operator: &str,
    apply: fn(Number, Number) -> Result<Value, Error>,
    a: &Value,
    b: &Value,
) -> Result<Value, Error> {
    match (Number::of(a), Number::of(b)) {
        (Some(a), Some(b)) => apply(a, b),
        _ => Err(unsupported(operator, a, b)),
    }
}

/// `a % b`: the remainder, or text formatted with values.
fn modulo(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Value, Error> {
    if let Some(template) = a.as_str() {
        return percent(state, template, b).map(Value::from);
    }
    match (Number::of(a), Number::of(b)) {
        (Some(a), Some(b)) => number::modulo(a, b),
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
        if let (Some(a), Some(b)) = (PyRange::of(a), PyRange::of(b)) {
            return Ok(a.same_items(b));
        }
        if left == Kind::View {
            return access::same_view(state, a, b);
        }
        charge_tree(state, a)?;
    } else if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
        // Texts of different length differ at once.
        if a.len() == b.len() {
            charge_bytes(state, a.len())?;
        }
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
        (Kind::Str, Kind::Str) => {
            let length = |text: &Value| text.as_str().map_or(0, str::len);
            charge_bytes(state, length(a).min(length(b)))?;
        }
        (Kind::View, Kind::View) => {
            if let Some(order) = access::compare_views(state, a, b)? {
                return Ok(order.is_some_and(holds));
            }
            return Err(no_order(operator, a, b));
        }
        (left, right) if left == right && matches!(left, Kind::List | Kind::Tuple) => {
            // The first items that differ decide.
            charge_tree(state, a)?;
            let (left, right): (Vec<Value>, Vec<Value>) = (a.try_iter()?.collect(), b.try_iter()?.collect());
            for (a, b) in left.iter().zip(&right) {
                if !equal(state, a, b)? {
                    return compare(state, operator, a, b, holds);
                }
            }
            return Ok(holds(left.len().cmp(&right.len())));
        }
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
        _ => return Err(no_order(operator, a, b)),
    }
    Ok(holds(a.cmp(b)))
}

fn no_order(operator: &str, a: &Value, b: &Value) -> Error {
    let (a, b) = (type_name(a), type_name(b));
    type_error(format!("'{operator}' not supported between instances of '{a}' and '{b}'"))
}

/// `item in container`.
pub(super) fn contains(state: &State<'_, '_>, container: &Value, item: &Value) -> Result<bool, Error> {
    match kind(container) {
        Kind::Undefined => Ok(false),
        Kind::Str => match item.as_str() {
            Some(item) => {
                let text = container.as_str().unwrap_or_default();
                charge_bytes(state, text.len() + item.len())?;
                Ok(text.contains(item))
            }
            None => Err(type_error(format!("'in <string>' requires string as left operand, not {}", type_name(item)))),
        },
        Kind::Dict => {
            check_hashable(state, item)?;
            Ok(container.as_object().is_some_and(|dict| dict.get_value(item).is_some()))
        }
        Kind::View if !access::may_hold(state, container, item)? => Ok(false),
        Kind::Object | Kind::None | Kind::Bool | Kind::Int | Kind::Float => {
            Err(type_error(format!("argument of type '{}' is not iterable", type_name(container))))
        }
        _ => {
            for candidate in container.try_iter()?.checked() {
                let candidate = candidate?;
                charge_items(state, 1)?;
                if equal(state, item, &candidate)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

/// What a `for` loop walks: a list made of `value`, so that the loop knows its length. `None`
/// cannot be walked.
pub(super) fn iterable(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    keep_going(state)?;
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
            let items = value.downcast_object_ref::<Generator>().map_or(Ok(Vec::new()), Generator::drain)?;
            charge_items(state, items.len())?;
            Ok(items)
        }
        Kind::None | Kind::Bool | Kind::Int | Kind::Float | Kind::Object => {
            Err(type_error(format!("'{}' object is not iterable", type_name(value))))
        }
        Kind::Bytes => {
            let bytes = value.as_bytes().unwrap_or_default();
            charge_items(state, bytes.len())?;
            Ok(bytes.iter().map(|byte| Value::from(*byte)).collect())
        }
        _ => {
            charge_items(state, value.len().unwrap_or(0))?;
            Ok(value.try_iter()?.collect())
        }
    }
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

/// `loop.changed(a, b)`. The loop remembers the values until its end.
fn loop_changed(state: &mut State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let Some((target, values)) = args.split_first() else { return Err(type_error("changed() needs a loop")) };
    for value in values {
        nesting::bounded(state, value)?;
        charge_tree(state, value)?;
    }
    target.call_method(state, "changed", values)
}

/// Where the middle operand of `a < b < c` waits for its second comparison. Nothing but the first
/// comparison happens in between, so that one place is enough.
const KEPT: &str = "kept";

/// Passes a value through and keeps it.
fn keep(state: &mut State<'_, '_>, value: Value) -> Value {
    state.set_temp(KEPT, value.clone());
    value
}

/// The value that was kept last.
fn kept(state: &State<'_, '_>, _: &Value) -> Value {
    state.get_temp(KEPT).unwrap_or_default()
}

/// `-a`.
fn negate(value: &Value) -> Result<Value, Error> {
    match Number::of(value) {
        Some(Number::Int(int)) => {
            int.checked_neg().map(number::int_value).ok_or_else(|| value_error("the integer has more than 128 bits"))
        }
        Some(Number::Float(float)) => Ok(Value::from(-float)),
        None if value.is_undefined() => Err(undefined_error("the operand of unary - is undefined")),
        None => Err(type_error(format!("bad operand type for unary -: '{}'", type_name(value)))),
    }
}
