//! Binds call arguments to parameter names as Python does: by place, by name, with defaults.

use std::ops::Deref;

use minijinja::value::{ArgType, Kwargs, Value};
use minijinja::{Error, State};

use super::error::type_error;
use super::kind::type_name;

/// All arguments of a call as they came, keyword arguments (one value, at the end) included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Args<'a>(&'a [Value]);

#[cfg(test)]
impl<'a> Args<'a> {
    pub(crate) fn of(values: &'a [Value]) -> Self {
        Self(values)
    }
}

impl Deref for Args<'_> {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        self.0
    }
}

impl<'a> ArgType<'a> for Args<'_> {
    type Output = Args<'a>;

    fn from_value(value: Option<&'a Value>) -> Result<Self::Output, Error> {
        Ok(Args(value.map(std::slice::from_ref).unwrap_or_default()))
    }

    fn from_state_and_values(
        _: Option<&'a State<'_, '_>>,
        values: &'a [Value],
        offset: usize,
    ) -> Result<(Self::Output, usize), Error> {
        let args = values.get(offset..).unwrap_or_default();
        Ok((Args(args), args.len()))
    }

    fn from_state_and_values_mut(
        _: Option<&State<'_, '_>>,
        values: &'a [Value],
        offset: usize,
    ) -> Result<(Self::Output, usize), Error> {
        let args = values.get(offset..).unwrap_or_default();
        Ok((Args(args), args.len()))
    }
}

/// The arguments of one call, in the order of the parameter names they were bound to.
#[derive(Debug)]
pub(crate) struct Bound<const N: usize> {
    values: [Option<Value>; N],
}

impl<const N: usize> Bound<N> {
    /// Argument number `index`, if it was given.
    pub(crate) fn get(&self, index: usize) -> Option<&Value> {
        self.values.get(index).and_then(Option::as_ref)
    }

    /// Argument number `index`, or `None` of Python if it was not given.
    pub(crate) fn or_none(&self, index: usize) -> Value {
        self.get(index).cloned().unwrap_or_else(|| Value::from(()))
    }

    /// Whether argument number `index` is true; `default` if it was not given.
    pub(crate) fn truth(&self, index: usize, default: bool) -> bool {
        self.get(index).map_or(default, Value::is_true)
    }

    /// Argument number `index` as an integer.
    pub(crate) fn int(&self, index: usize, default: i64) -> Result<i64, Error> {
        self.get(index).map_or(Ok(default), as_int)
    }

    /// Argument number `index` as an integer, `None` when it is absent or Python's `None`.
    pub(crate) fn optional_int(&self, index: usize) -> Result<Option<i64>, Error> {
        self.get(index).filter(|value| !value.is_none()).map(as_int).transpose()
    }

    /// Argument number `index` as text, `None` when it is absent or Python's `None`.
    pub(crate) fn optional_str(&self, index: usize) -> Result<Option<&str>, Error> {
        self.get(index).filter(|value| !value.is_none()).map(as_str).transpose()
    }
}

/// An integer argument; Python's `True` is 1.
pub(crate) fn as_int(value: &Value) -> Result<i64, Error> {
    if value.is_integer() || value.kind() == minijinja::value::ValueKind::Bool {
        if let Ok(int) = i64::try_from(value.clone()) {
            return Ok(int);
        }
        return Err(super::error::value_error("an integer argument is too large"));
    }
    Err(type_error(format!("'{}' object cannot be interpreted as an integer", type_name(value))))
}

/// A text argument.
pub(crate) fn as_str(value: &Value) -> Result<&str, Error> {
    value.as_str().ok_or_else(|| type_error(format!("expected str instance, {} found", type_name(value))))
}

/// Splits the trailing keyword arguments off.
pub(crate) fn split_kwargs(args: &[Value]) -> (&[Value], Option<Kwargs>) {
    if let [positional @ .., last] = args {
        if last.is_kwargs() {
            return (positional, Kwargs::try_from(last.clone()).ok());
        }
    }
    (args, None)
}

/// Binds `args` to `names`.
///
/// # Errors
/// A `TypeError` for too many arguments, an unknown name, or one given twice.
pub(crate) fn bind<const N: usize>(
    function: &str,
    names: [&'static str; N],
    args: &[Value],
) -> Result<Bound<N>, Error> {
    let (positional, kwargs) = split_kwargs(args);
    if positional.len() > N {
        return Err(type_error(format!("{function}() takes at most {N} arguments ({} given)", positional.len())));
    }
    let mut values: [Option<Value>; N] = std::array::from_fn(|index| positional.get(index).cloned());
    if let Some(kwargs) = kwargs {
        for name in kwargs.args() {
            let Some(slot) = names.iter().position(|known| *known == name).and_then(|at| values.get_mut(at)) else {
                return Err(type_error(format!("{function}() got an unexpected keyword argument '{name}'")));
            };
            if slot.is_some() {
                return Err(type_error(format!("{function}() got multiple values for argument '{name}'")));
            }
            *slot = Some(kwargs.peek::<Value>(name)?);
        }
    }
    Ok(Bound { values })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kwargs(pairs: &[(&str, i64)]) -> Value {
        Value::from(Kwargs::from_iter(pairs.iter().map(|(name, value)| (name.to_string(), Value::from(*value)))))
    }

    #[test]
    fn arguments_bind_by_place_and_by_name() {
        let bound = bind("f", ["a", "b", "c"], &[Value::from(1), kwargs(&[("c", 3)])]).unwrap();
        assert_eq!(bound.int(0, 0).unwrap(), 1);
        assert!(bound.get(1).is_none());
        assert_eq!(bound.int(2, 0).unwrap(), 3);
    }

    #[test]
    fn wrong_arguments_are_type_errors() {
        assert!(bind("f", ["a"], &[Value::from(1), Value::from(2)]).is_err());
        assert!(bind("f", ["a"], &[Value::from(1), kwargs(&[("a", 2)])]).is_err());
        assert!(bind("f", ["a"], &[kwargs(&[("z", 2)])]).is_err());
    }
}
