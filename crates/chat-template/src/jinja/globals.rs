//! Functions that every template has: Jinja2's own, and `raise_exception`.
//! <https://jinja.palletsprojects.com/en/stable/templates/#list-of-global-functions>
//!
//! `strftime_now` is not here: it needs the clock of one rendering (see [`super::program`]).

use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Object, ObjectRepr, Tuple, Value, ValueOrKwargs, from_args};
use minijinja::{Environment, Error, State};

use super::filters::dict_of;
use super::methods::from_keys;
use super::nesting::bounded;
use crate::python::args::{Args, as_int, split_kwargs};
use crate::python::dict::Dict;
use crate::python::error::{raised, runtime_error, security_error, type_error, value_error};
use crate::python::iterators::PyRange;
use crate::python::repr::str_of;
use crate::python::strftime::{Civil, strftime};

/// The longest range the sandbox of Jinja2 allows.
const MAX_RANGE: usize = 100_000;

pub(super) fn register(env: &mut Environment<'static>) {
    env.add_function("range", range);
    env.add_global("dict", Value::from_object(DictType));
    env.add_function("namespace", namespace);
    env.add_function("cycler", |state: &State<'_, '_>, args: Args<'_>| cycler(state, &args));
    env.add_function("joiner", joiner);
    env.add_function("raise_exception", |state: &State<'_, '_>, message: &Value| -> Result<Value, Error> {
        Err(raised(str_of(state, message)?))
    });
    env.add_function("lipsum", |_: &State<'_, '_>, _: Args<'_>| -> Result<Value, Error> {
        Err(runtime_error("lipsum() is not supported: it makes random filler text"))
    });
}

/// `range(stop)` or `range(start, stop, step=1)`.
fn range(args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let ints = args.iter().map(as_int).collect::<Result<Vec<_>, _>>()?;
    let range = match ints.as_slice() {
        [stop] => PyRange { start: 0, stop: *stop, step: 1 },
        [start, stop] => PyRange { start: *start, stop: *stop, step: 1 },
        [_, _, 0] => return Err(value_error("range() arg 3 must not be zero")),
        [start, stop, step] => PyRange { start: *start, stop: *stop, step: *step },
        _ => return Err(type_error(format!("range expected 1 to 3 arguments, got {}", ints.len()))),
    };
    if range.len() > MAX_RANGE {
        return Err(value_error(format!(
            "Range too big. The sandbox blocks ranges larger than MAX_RANGE ({MAX_RANGE})."
        )));
    }
    Ok(Value::from_object(range))
}

/// The entries of `dict(mapping_or_pairs, **more)`.
fn dict_entries(state: &State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let (positional, kwargs) = split_kwargs(args);
    let mut pairs = match positional {
        [] => Vec::new(),
        [source] => dict_of(state, source)?,
        _ => return Err(type_error(format!("dict expected at most 1 argument, got {}", positional.len()))),
    };
    if let Some(kwargs) = kwargs {
        for name in kwargs.args() {
            pairs.push((Value::from(name), kwargs.peek::<Value>(name)?));
        }
    }
    Ok(Dict::from_pairs(pairs))
}

/// The type `dict`: a function that also has `dict.fromkeys`.
#[derive(Debug)]
struct DictType;

impl Object for DictType {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        dict_entries(state, args)
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match method {
            "fromkeys" => from_keys(state, args),
            _ => Err(Error::from(minijinja::ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<class 'dict'>")
    }
}

/// `namespace(mapping_or_pairs, **more)`: the one thing a template may change.
fn namespace(state: &State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let entries = dict_entries(state, args)?;
    for (name, value) in crate::python::dict::entries(&entries) {
        if name.as_str().is_some_and(|name| name.starts_with('_')) {
            return Err(security_error("a namespace cannot hold names that begin with an underscore"));
        }
        bounded(state, &value)?;
    }
    let (entries,): (Option<ValueOrKwargs>,) = from_args(&[entries])?;
    minijinja::functions::namespace(entries)
}

/// `cycler(*items)`.
fn cycler(state: &State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    if args.is_empty() {
        return Err(runtime_error("at least one item has to be provided"));
    }
    for item in args {
        bounded(state, item)?;
    }
    Ok(Value::from_object(Cycler { items: args.to_vec(), position: Mutex::new(0) }))
}

/// An endless round through items.
#[derive(Debug)]
pub(super) struct Cycler {
    items: Vec<Value>,
    position: Mutex<usize>,
}

impl Cycler {
    pub(super) fn items(&self) -> &[Value] {
        &self.items
    }

    fn current(&self) -> Value {
        let position = *self.position.lock().unwrap_or_else(PoisonError::into_inner);
        self.items.get(position).cloned().unwrap_or_default()
    }
}

impl Object for Cycler {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "current" => Some(self.current()),
            "pos" => Some(Value::from(*self.position.lock().unwrap_or_else(PoisonError::into_inner))),
            "items" => Some(Value::from(Tuple::from(self.items.clone()))),
            _ => None,
        }
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, _: &[Value]) -> Result<Value, Error> {
        match method {
            "next" => {
                let current = self.current();
                let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
                *position = (*position + 1).checked_rem(self.items.len()).unwrap_or(0);
                Ok(current)
            }
            "reset" => {
                *self.position.lock().unwrap_or_else(PoisonError::into_inner) = 0;
                Ok(Value::from(()))
            }
            _ => Err(Error::from(minijinja::ErrorKind::UnknownMethod)),
        }
    }
}

/// `joiner(sep=', ')`: nothing the first time it is called, the separator ever after.
fn joiner(args: Args<'_>) -> Result<Value, Error> {
    let args: &[Value] = &args;
    let bound = crate::python::args::bind("joiner", ["sep"], args)?;
    let separator = bound.get(0).cloned().unwrap_or_else(|| Value::from(", "));
    Ok(Value::from_object(Joiner { separator: separator.to_string(), used: Mutex::new(false) }))
}

#[derive(Debug)]
struct Joiner {
    separator: String,
    used: Mutex<bool>,
}

impl Object for Joiner {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let first = !std::mem::replace(&mut *used, true);
        Ok(if first { Value::from("") } else { Value::from(self.separator.as_str()) })
    }
}

/// `strftime_now(format)` at the given time.
#[derive(Debug)]
pub(super) struct StrftimeNow(pub(super) Civil);

impl Object for StrftimeNow {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let bound = crate::python::args::bind("strftime_now", ["format"], args)?;
        let format = bound.optional_str(0)?.ok_or_else(|| type_error("strftime_now() needs a format"))?;
        // No code prints more than some thirty characters.
        crate::python::budget::afford_bytes(state, format.len().saturating_mul(16))?;
        Ok(Value::from(strftime(&self.0, format)))
    }
}
