//! Jinja2's built-in tests: `x is defined`, `x is mapping`.
//! <https://jinja.palletsprojects.com/en/stable/templates/#list-of-builtin-tests>

use std::cmp::Ordering;

use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, State};

use super::filters;
use super::operators::{check_hashable, compare, contains, equal};
use crate::python::budget::charge_value;
use crate::python::error::type_error;
use crate::python::kind::{Kind, kind, type_name};
use crate::python::number::{Number, modulo};
use crate::python::repr::str_of;

/// The names templates may use.
const NAMES: [&str; 39] = [
    "!=",
    "<",
    "<=",
    "==",
    ">",
    ">=",
    "boolean",
    "callable",
    "defined",
    "divisibleby",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
];

/// Whether there is a test of this name.
pub(super) fn exists(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Registers all tests.
pub(super) fn register(env: &mut Environment<'static>) {
    env.add_test("defined", |value: &Value| !value.is_undefined());
    env.add_test("undefined", |value: &Value| value.is_undefined());
    env.add_test("none", |value: &Value| value.is_none());
    env.add_test("boolean", |value: &Value| kind(value) == Kind::Bool);
    env.add_test("true", |value: &Value| kind(value) == Kind::Bool && value.is_true());
    env.add_test("false", |value: &Value| kind(value) == Kind::Bool && !value.is_true());
    env.add_test("integer", |value: &Value| kind(value) == Kind::Int);
    env.add_test("float", |value: &Value| kind(value) == Kind::Float);
    env.add_test("number", |value: &Value| matches!(kind(value), Kind::Bool | Kind::Int | Kind::Float));
    env.add_test("string", |value: &Value| kind(value) == Kind::Str);
    env.add_test("mapping", |value: &Value| kind(value) == Kind::Dict);
    env.add_test("iterable", |value: &Value| {
        !matches!(kind(value), Kind::None | Kind::Bool | Kind::Int | Kind::Float | Kind::Object)
    });
    env.add_test("sequence", |value: &Value| {
        matches!(
            kind(value),
            Kind::Undefined | Kind::Str | Kind::Bytes | Kind::List | Kind::Tuple | Kind::Dict | Kind::Range
        )
    });
    env.add_test("callable", is_callable);
    env.add_test("escaped", |value: &Value| value.is_safe());
    env.add_test("odd", |value: &Value| remainder(value, &Value::from(2)).map(|rest| rest == Value::from(1)));
    env.add_test("even", |value: &Value| remainder(value, &Value::from(2)).map(|rest| rest == Value::from(0)));
    env.add_test("divisibleby", |value: &Value, by: &Value| remainder(value, by).map(|rest| rest == Value::from(0)));
    env.add_test("lower", |state: &State<'_, '_>, value: &Value| {
        charge_value(state, value)?;
        let text = str_of(state, value)?;
        Ok::<_, Error>(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase))
    });
    env.add_test("upper", |state: &State<'_, '_>, value: &Value| {
        charge_value(state, value)?;
        let text = str_of(state, value)?;
        Ok::<_, Error>(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase))
    });
    env.add_test("in", |state: &State<'_, '_>, item: &Value, container: &Value| contains(state, container, item));
    env.add_test("sameas", is_same);
    env.add_test("filter", |state: &State<'_, '_>, name: &Value| {
        check_hashable(state, name).map(|()| name.as_str().is_some_and(filters::exists))
    });
    env.add_test("test", |state: &State<'_, '_>, name: &Value| {
        check_hashable(state, name).map(|()| name.as_str().is_some_and(exists))
    });
    for name in ["eq", "equalto", "=="] {
        env.add_test(name, |state: &State<'_, '_>, a: &Value, b: &Value| equal(state, a, b));
    }
    for name in ["ne", "!="] {
        env.add_test(name, |state: &State<'_, '_>, a: &Value, b: &Value| equal(state, a, b).map(|same| !same));
    }
    order(env, ["lt", "lessthan", "<"], "<", Ordering::is_lt);
    order(env, ["le", "le", "<="], "<=", Ordering::is_le);
    order(env, ["gt", "greaterthan", ">"], ">", Ordering::is_gt);
    order(env, ["ge", "ge", ">="], ">=", Ordering::is_ge);
}

fn order(
    env: &mut Environment<'static>,
    names: [&'static str; 3],
    operator: &'static str,
    holds: fn(Ordering) -> bool,
) {
    for name in names {
        env.add_test(name, move |state: &State<'_, '_>, a: &Value, b: &Value| compare(state, operator, a, b, holds));
    }
}

fn remainder(value: &Value, by: &Value) -> Result<Value, Error> {
    match (Number::of(value), Number::of(by)) {
        (Some(a), Some(b)) => modulo(a, b),
        _ if value.is_undefined() => Err(crate::python::error::undefined_error("the number tested is undefined")),
        _ => Err(type_error(format!("unsupported operand type(s) for %: '{}' and 'int'", type_name(value)))),
    }
}

/// Functions, macros and methods. The engine's other objects are no more callable than a
/// dictionary.
fn is_callable(value: &Value) -> bool {
    match value.kind() {
        ValueKind::Plain => true,
        ValueKind::Map if kind(value) == Kind::Object => {
            // A macro knows its arguments; the loop variable can be called when it is recursive; a namespace
            // cannot.
            let knows = |name: &str| value.get_attr(name).is_ok_and(|found| !found.is_undefined());
            (knows("arguments") && knows("caller")) || knows("depth0")
        }
        ValueKind::Undefined => true,
        _ => false,
    }
}

/// Identity: the same object, or equal scalars of one type.
fn is_same(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<bool, Error> {
    match (a.as_object(), b.as_object()) {
        (Some(_), Some(_)) => Ok(minijinja::tests::is_sameas(a, b)),
        (None, None) if kind(a) == kind(b) => equal(state, a, b),
        _ => Ok(false),
    }
}
