//! Python's numbers: integers (up to 128 bits here), floats, and booleans that count as 0 and 1.

use minijinja::Error;
use minijinja::value::Value;

use crate::python::error::{type_error, undefined_error, value_error};
use crate::python::kind::{Kind, kind, type_name};

/// A number out of a template value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    /// The number in `value`, if it is one.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match kind(value) {
            Kind::Bool => Some(Number::Int(i128::from(value.is_true()))),
            Kind::Int => Some(match i128::try_from(value.clone()) {
                Ok(int) => Number::Int(int),
                Err(_) => Number::Float(f64::try_from(value.clone()).ok()?),
            }),
            Kind::Float => Some(Number::Float(f64::try_from(value.clone()).ok()?)),
            _ => None,
        }
    }

    pub(crate) fn float(self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "Python rounds here too")]
            Number::Int(int) => int as f64,
            Number::Float(float) => float,
        }
    }
}

/// An integer as a value, in the smallest form.
pub(crate) fn int_value(int: i128) -> Value {
    i64::try_from(int).map_or_else(|_| Value::from(int), Value::from)
}

fn too_large() -> Error {
    value_error("the integer has more than 128 bits")
}

/// `a + b` of two numbers.
pub(crate) fn add(a: Number, b: Number) -> Result<Value, Error> {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => a.checked_add(b).map(int_value).ok_or_else(too_large),
        _ => Ok(Value::from(a.float() + b.float())),
    }
}

/// `a - b` of two numbers.
pub(crate) fn subtract(a: Number, b: Number) -> Result<Value, Error> {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => a.checked_sub(b).map(int_value).ok_or_else(too_large),
        _ => Ok(Value::from(a.float() - b.float())),
    }
}

/// `a / b` of two numbers: always a float.
pub(crate) fn divide(a: Number, b: Number) -> Result<Value, Error> {
    if b.float() == 0.0 {
        return Err(value_error("division by zero"));
    }
    Ok(Value::from(a.float() / b.float()))
}

/// `a // b` of two numbers, rounded down.
pub(crate) fn floor_divide(a: Number, b: Number) -> Result<Value, Error> {
    if b.float() == 0.0 {
        return Err(value_error("division by zero"));
    }
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => {
            let quotient = a.checked_div(b).ok_or_else(too_large)?;
            let rest = a.checked_rem(b).unwrap_or(0);
            Ok(int_value(if rest != 0 && (rest < 0) != (b < 0) { quotient - 1 } else { quotient }))
        }
        _ => {
            let (a, b) = (a.float(), b.float());
            let rest = a % b;
            let quotient = (a - rest) / b;
            let down = if rest != 0.0 && (rest < 0.0) != (b < 0.0) { quotient - 1.0 } else { quotient };
            // What is left of rounding errors goes; a zero takes the sign of the true quotient.
            Ok(Value::from(if down == 0.0 { 0.0_f64.copysign(a / b) } else { down.round() }))
        }
    }
}

/// `a ** b` of two numbers.
pub(crate) fn power(a: Number, b: Number) -> Result<Value, Error> {
    match (a, b) {
        (Number::Int(base), Number::Int(exponent)) if exponent >= 0 => {
            let exponent = u32::try_from(exponent).map_err(|_| too_large());
            match base {
                0 | 1 => Ok(int_value(if b == Number::Int(0) { 1 } else { base })),
                _ => base.checked_pow(exponent?).map(int_value).ok_or_else(too_large),
            }
        }
        _ if a.float() == 0.0 && b.float() < 0.0 => Err(value_error("0.0 cannot be raised to a negative power")),
        _ => {
            let result = a.float().powf(b.float());
            if result.is_nan() && !a.float().is_nan() && !b.float().is_nan() {
                return Err(value_error("a root of a negative number is complex, which is not supported"));
            }
            if result.is_infinite() && a.float().is_finite() && b.float().is_finite() {
                return Err(value_error("Numerical result out of range"));
            }
            Ok(Value::from(result))
        }
    }
}

/// `a * b` of two numbers.
pub(crate) fn multiply(a: Number, b: Number) -> Result<Value, Error> {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => a.checked_mul(b).map(int_value).ok_or_else(too_large),
        _ => Ok(Value::from(a.float() * b.float())),
    }
}

/// `a % b` of two numbers: the result has the sign of `b`.
pub(crate) fn modulo(a: Number, b: Number) -> Result<Value, Error> {
    match (a, b) {
        (_, Number::Int(0)) => Err(value_error("integer modulo by zero")),
        (Number::Int(a), Number::Int(b)) => {
            let rest = a.checked_rem(b).unwrap_or(0);
            Ok(int_value(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }))
        }
        _ => {
            let (a, b) = (a.float(), b.float());
            if b == 0.0 {
                return Err(value_error("float modulo"));
            }
            let rest = a % b;
            Ok(Value::from(match rest {
                0.0 => 0.0_f64.copysign(b),
                rest if (rest < 0.0) != (b < 0.0) => rest + b,
                rest => rest,
            }))
        }
    }
}

/// `int(float)`: the fraction is cut.
pub(crate) fn float_to_int(float: f64) -> Result<Value, Error> {
    if !float.is_finite() {
        return Err(value_error("cannot convert float infinity or NaN to integer"));
    }
    let whole = float.trunc();
    // 2^127: the first float that does not fit.
    if whole.abs() >= 170_141_183_460_469_231_731_687_303_715_884_105_728.0 {
        return Err(too_large());
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked above")]
    let int = whole as i128;
    Ok(int_value(int))
}

/// Python's complaint about operands.
pub(crate) fn unsupported(operator: &str, left: &Value, right: &Value) -> Error {
    if left.is_undefined() || right.is_undefined() {
        return undefined_error(format!("an operand of {operator} is undefined"));
    }
    if operator == "+" && kind(left) == Kind::Str {
        return type_error(format!("can only concatenate str (not \"{}\") to str", type_name(right)));
    }
    type_error(format!("unsupported operand type(s) for {operator}: '{}' and '{}'", type_name(left), type_name(right)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modulo_takes_the_sign_of_the_divisor() {
        assert_eq!(modulo(Number::Int(-5), Number::Int(3)).unwrap(), Value::from(1));
        assert_eq!(modulo(Number::Int(5), Number::Int(-3)).unwrap(), Value::from(-1));
        assert_eq!(modulo(Number::Float(-5.5), Number::Int(3)).unwrap(), Value::from(0.5));
        assert!(modulo(Number::Int(1), Number::Int(0)).is_err());
        assert_eq!(modulo(Number::Int(i128::MIN), Number::Int(-1)).unwrap(), Value::from(0));
    }

    #[test]
    fn division_rounds_down() {
        assert_eq!(floor_divide(Number::Int(-7), Number::Int(2)).unwrap(), Value::from(-4));
        assert_eq!(floor_divide(Number::Float(7.5), Number::Int(2)).unwrap(), Value::from(3.0));
        assert_eq!(floor_divide(Number::Float(-7.5), Number::Int(2)).unwrap(), Value::from(-4.0));
        assert!(floor_divide(Number::Int(1), Number::Float(0.0)).is_err());
        assert!(floor_divide(Number::Int(i128::MIN), Number::Int(-1)).is_err());
        assert_eq!(power(Number::Int(2), Number::Int(-1)).unwrap(), Value::from(0.5));
        assert!(power(Number::Int(2), Number::Int(200)).is_err());
    }

    #[test]
    fn large_floats_become_large_integers() {
        assert_eq!(float_to_int(-3.9).unwrap(), Value::from(-3));
        assert_eq!(float_to_int(1e20).unwrap().to_string(), "100000000000000000000");
        assert!(float_to_int(1e39).is_err());
        assert!(float_to_int(f64::NAN).is_err());
    }
}
