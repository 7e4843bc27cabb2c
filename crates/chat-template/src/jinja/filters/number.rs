//! Filters about numbers.

use minijinja::value::Value;
use minijinja::{Environment, Error, State};

use super::{item_at, subject};
use crate::jinja::operators::items_of;
use crate::python::args::{Args, bind};
use crate::python::error::{type_error, undefined_error, value_error};
use crate::python::kind::{Kind, kind, type_name};
use crate::python::number::{Number, add, float_to_int, int_value};
use crate::python::repr::str_of;

pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("abs", abs);
    env.add_filter("int", to_int);
    env.add_filter("float", to_float);
    env.add_filter("round", round);
    env.add_filter("sum", sum);
    env.add_filter("filesizeformat", file_size);
}

fn abs(value: &Value) -> Result<Value, Error> {
    match Number::of(value) {
        Some(Number::Int(int)) => Ok(int_value(int.checked_abs().unwrap_or(i128::MAX))),
        Some(Number::Float(float)) => Ok(Value::from(float.abs())),
        None => Err(type_error(format!("bad operand type for abs(): '{}'", type_name(value)))),
    }
}

/// `int(value, default=0, base=10)`.
fn to_int(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("int", ["value", "default", "base"], args)?;
    let value = subject(args)?;
    let default = || Ok(bound.get(1).cloned().unwrap_or_else(|| Value::from(0)));
    match kind(value) {
        Kind::Undefined => Err(undefined_error("the value to make an integer of is undefined")),
        Kind::Int => Ok(value.clone()),
        Kind::Bool => Ok(Value::from(i64::from(value.is_true()))),
        Kind::Float => {
            f64::try_from(value.clone()).map_or_else(|_| default(), |float| float_to_int(float).or_else(|_| default()))
        }
        Kind::Str => {
            let text = str_of(state, value)?;
            let base = bound.int(2, 10)?;
            if let Some(int) = parse_int(&text, base) {
                return Ok(int_value(int));
            }
            // As in Python, `'42.23'|int` is 42.
            parse_float(&text).map_or_else(default, |float| float_to_int(float).or_else(|_| default()))
        }
        _ => default(),
    }
}

/// `int(text, base)`: signs, single underscores, and a prefix that fits the base.
fn parse_int(text: &str, base: i64) -> Option<i128> {
    let text = text.trim_matches(crate::python::text::is_space);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let prefixed = |prefixes: [&str; 2]| prefixes.iter().find_map(|prefix| digits.strip_prefix(*prefix));
    let (digits, radix) = match base {
        16 => (prefixed(["0x", "0X"]).unwrap_or(digits), 16),
        8 => (prefixed(["0o", "0O"]).unwrap_or(digits), 8),
        2 => (prefixed(["0b", "0B"]).unwrap_or(digits), 2),
        0 => match (prefixed(["0x", "0X"]), prefixed(["0o", "0O"]), prefixed(["0b", "0B"])) {
            (Some(digits), ..) => (digits, 16),
            (_, Some(digits), _) => (digits, 8),
            (.., Some(digits)) => (digits, 2),
            _ => (digits, 10),
        },
        base => (digits, u32::try_from(base).ok().filter(|base| (2..=36).contains(base))?),
    };
    let misplaced = digits.starts_with(['_', '+', '-']) || digits.ends_with('_') || digits.contains("__");
    if misplaced {
        return None;
    }
    let int = i128::from_str_radix(&digits.replace('_', ""), radix).ok()?;
    Some(if negative { -int } else { int })
}

/// `float(text)`.
fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim_matches(crate::python::text::is_space);
    let misplaced = text.starts_with('_') || text.ends_with('_') || text.contains("__");
    if misplaced {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// `float(value, default=0.0)`.
fn to_float(args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("float", ["value", "default"], args)?;
    let value = subject(args)?;
    let parsed = match kind(value) {
        Kind::Undefined => return Err(undefined_error("the value to make a float of is undefined")),
        Kind::Str => parse_float(value.as_str().unwrap_or_default()),
        _ => Number::of(value).map(Number::float),
    };
    Ok(parsed.map_or_else(|| bound.get(1).cloned().unwrap_or_else(|| Value::from(0.0)), Value::from))
}

/// `round(value, precision=0, method='common')`.
fn round(args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("round", ["value", "precision", "method"], args)?;
    let value = subject(args)?;
    let precision = bound.int(1, 0)?.clamp(-400, 400);
    let method = bound.optional_str(2)?.unwrap_or("common");
    let Some(number) = Number::of(value) else {
        // Python's `round` looks at the type, its `floor` and `ceil` at the value.
        if value.is_undefined() && method != "common" {
            return Err(undefined_error("the number to round is undefined"));
        }
        return Err(type_error(format!("type {} doesn't define __round__ method", type_name(value))));
    };
    let power = 10_f64.powi(i32::try_from(precision).unwrap_or(0));
    match (method, number) {
        ("common", Number::Int(int)) if precision >= 0 => Ok(int_value(int)),
        ("common", Number::Int(int)) => Ok(int_value(round_int(int, precision.unsigned_abs()))),
        ("common", Number::Float(float)) => Ok(Value::from(round_float(float, precision))),
        ("ceil", number) => Ok(Value::from((number.float() * power).ceil() / power)),
        ("floor", number) => Ok(Value::from((number.float() * power).floor() / power)),
        _ => Err(value_error("method must be common, ceil or floor")),
    }
}

/// Rounds half to even, on the exact decimal value as Python does.
fn round_float(value: f64, precision: i64) -> f64 {
    if !value.is_finite() {
        return value;
    }
    match usize::try_from(precision) {
        Ok(decimals) => format!("{value:.decimals$}").parse().unwrap_or(value),
        Err(_) => {
            let power = 10_f64.powi(i32::try_from(-precision).unwrap_or(0));
            (value / power).round_ties_even() * power
        }
    }
}

/// Rounds an integer to tens, hundreds, ...; half to even.
fn round_int(value: i128, zeros: u64) -> i128 {
    let Some(power) = u32::try_from(zeros).ok().and_then(|zeros| 10_i128.checked_pow(zeros)) else { return 0 };
    let (quotient, rest) = (value.div_euclid(power), value.rem_euclid(power));
    let up = rest * 2 > power || (rest * 2 == power && quotient % 2 != 0);
    (quotient + i128::from(up)).saturating_mul(power)
}

/// `sum(iterable, attribute=None, start=0)`.
fn sum(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = bind("sum", ["iterable", "attribute", "start"], args)?;
    let attribute = bound.get(1).filter(|attribute| !attribute.is_none());
    let mut total = bound.get(2).cloned().unwrap_or_else(|| Value::from(0));
    for item in items_of(state, subject(args)?)? {
        let item = match attribute {
            Some(path) => item_at(state, &item, path)?,
            None => item,
        };
        total = match (Number::of(&total), Number::of(&item)) {
            (Some(a), Some(b)) => add(a, b)?,
            _ if kind(&total) == Kind::Str => {
                return Err(type_error("sum() can't sum strings [use ''.join(seq) instead]"));
            }
            _ => state_add(state, &total, &item)?,
        };
    }
    Ok(total)
}

fn state_add(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Value, Error> {
    crate::jinja::operators::add(state, a, b)
}

/// `filesizeformat(value, binary=False)`.
fn file_size(args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    const DECIMAL: [&str; 8] = ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
    const BINARY: [&str; 8] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];
    let bound = bind("filesizeformat", ["value", "binary"], args)?;
    let value = subject(args)?;
    let bytes = Number::of(value).map(Number::float).or_else(|| value.as_str().and_then(parse_float));
    let bytes = bytes.ok_or_else(|| match kind(value) {
        Kind::Undefined => undefined_error("the size to format is undefined"),
        Kind::Str => value_error("could not convert string to float"),
        _ => type_error("filesizeformat() needs a number"),
    })?;
    let (base, units) = if bound.truth(1, false) { (1024.0_f64, BINARY) } else { (1000.0, DECIMAL) };
    if bytes == 1.0 {
        return Ok(Value::from("1 Byte"));
    }
    if bytes < base {
        return Ok(Value::from(format!("{} Bytes", bytes.trunc())));
    }
    let mut unit = base;
    let mut name = "";
    for prefix in units {
        name = prefix;
        unit *= base;
        if bytes < unit {
            break;
        }
    }
    Ok(Value::from(format!("{:.1} {name}", base * bytes / unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_like_python_reads_them() {
        let cases = [
            ("42", 10, Some(42)),
            (" -4_2 ", 10, Some(-42)),
            ("0x1F", 16, Some(31)),
            ("0b11", 0, Some(3)),
            ("4.2", 10, None),
            ("1__0", 10, None),
            ("--1", 10, None),
            ("z", 36, Some(35)),
        ];
        for (text, base, expected) in cases {
            assert_eq!(parse_int(text, base), expected, "{text}");
        }
    }

    #[test]
    fn halves_round_to_even() {
        assert_eq!(round_float(2.5, 0), 2.0);
        assert_eq!(round_float(2.34567, 2), 2.35);
        assert_eq!(round_float(2.675, 2), 2.67);
        assert_eq!(round_int(25, 1), 20);
        assert_eq!(round_int(-35, 1), -40);
    }

    #[test]
    fn sizes_name_their_unit() {
        let size = |bytes: f64| file_size(Args::of(&[Value::from(bytes)])).unwrap().to_string();
        assert_eq!(size(1024.0), "1.0 kB");
        assert_eq!(size(13.0), "13 Bytes");
        assert_eq!(size(1_500_000.0), "1.5 MB");
    }
}
