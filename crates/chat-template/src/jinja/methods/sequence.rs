//! Methods of lists, tuples and ranges that do not change them.

use minijinja::value::Value;
use minijinja::{Error, State};

use super::{no_kwargs, no_such_method, not_found};
use crate::jinja::operators::{equal, items_of};
use crate::python::args::{as_int, bind};
use crate::python::error::type_error;
use crate::python::kind::Kind;

pub(super) fn exists(kind: Kind, name: &str) -> bool {
    matches!(name, "count" | "index") || (name == "copy" && kind == Kind::List)
}

pub(super) fn call(state: &State<'_, '_>, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    no_kwargs(name, args)?;
    match name {
        "copy" if exists(crate::python::kind::kind(value), name) => items_of(state, value).map(Value::from),
        "count" => {
            let bound = bind("count", ["value"], args)?;
            let wanted = bound.get(0).ok_or_else(|| type_error("count() takes exactly one argument (0 given)"))?;
            let mut count = 0_i64;
            for item in items_of(state, value)? {
                count += i64::from(equal(state, &item, wanted)?);
            }
            Ok(Value::from(count))
        }
        "index" => {
            let bound = bind("index", ["value", "start", "stop"], args)?;
            let wanted = bound.get(0).ok_or_else(|| type_error("index expected at least 1 argument, got 0"))?;
            let items = items_of(state, value)?;
            let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let place = |at: Option<&Value>, default: i64| match at {
                Some(at) => as_int(at).map(|at| if at < 0 { (at + length).max(0) } else { at }),
                None => Ok(default),
            };
            let (start, stop) = (place(bound.get(1), 0)?, place(bound.get(2), length)?);
            for (at, item) in (0_i64..).zip(items.iter()) {
                if at >= start && at < stop && equal(state, item, wanted)? {
                    return Ok(Value::from(at));
                }
            }
            Err(not_found("the value is not in the list"))
        }
        _ => Err(no_such_method(value, name)),
    }
}
