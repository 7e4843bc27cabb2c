//! Methods of Python's types: `content.strip()`, `message.get('name')`, `tools.index(x)`.
//!
//! The engine has no methods of its own; [`call`] is its callback for unknown ones. What the
//! sandbox of `transformers` refuses (anything that changes a list or a dictionary) is refused
//! here.

mod mapping;
mod sequence;
mod split;
mod string;

pub(super) use mapping::from_keys;
pub(super) use string::replace_text;

use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, State};

use crate::python::budget::{charge_value, keep_going};
use crate::python::error::{security_error, type_error, undefined_error};
use crate::python::kind::{Kind, kind, type_name};

/// Methods that change their object.
/// <https://jinja.palletsprojects.com/en/stable/sandbox/#jinja2.sandbox.ImmutableSandboxedEnvironment>
const CHANGING: [&str; 12] = [
    "append",
    "clear",
    "extend",
    "insert",
    "pop",
    "popitem",
    "remove",
    "reverse",
    "setdefault",
    "sort",
    "update",
    "add",
];

/// Whether values of this kind have the method.
pub(super) fn exists(kind: Kind, name: &str) -> bool {
    match kind {
        Kind::Str => string::METHODS.contains(&name),
        Kind::Dict => mapping::METHODS.contains(&name),
        Kind::List | Kind::Tuple | Kind::Range => sequence::exists(kind, name),
        _ => false,
    }
}

/// Whether any type has a method of this name, so that `x.name` needs a look at the type of `x`.
pub(super) fn is_method_name(name: &str) -> bool {
    name.starts_with("__") || [Kind::Str, Kind::Dict, Kind::List].iter().any(|kind| exists(*kind, name))
}

/// Calls a method; the engine's callback for methods that an object does not answer itself.
pub(super) fn call(state: &mut State<'_, '_>, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    keep_going(state)?;
    let kind = kind(value);
    match kind {
        _ if name.starts_with("__") => Err(undefined_error(format!("'{}' object has no attribute", type_name(value)))),
        Kind::Undefined => Err(undefined_error(format!("the value whose method '{name}' is called is undefined"))),
        Kind::List | Kind::Dict if CHANGING.contains(&name) && !exists(kind, name) => {
            let type_name = type_name(value);
            Err(security_error(format!("access to attribute '{name}' of '{type_name}' object is unsafe.")))
        }
        Kind::Str => string::call(state, value, name, args),
        Kind::Dict => mapping::call(state, value, name, args),
        Kind::List | Kind::Tuple | Kind::Range => sequence::call(state, value, name, args),
        _ => Err(no_such_method(value, name)),
    }
}

/// Jinja2's error for a method that does not exist: calling an undefined value. The engine then
/// still looks for a callable item of that name.
fn no_such_method(value: &Value, name: &str) -> Error {
    Error::new(minijinja::ErrorKind::UnknownMethod, format!("'{} object' has no attribute '{name}'", type_name(value)))
}

/// A method that was read but not called: `d.items` without parentheses.
#[derive(Debug)]
pub(super) struct BoundMethod {
    receiver: Value,
    name: String,
}

impl BoundMethod {
    pub(super) fn receiver(&self) -> &Value {
        &self.receiver
    }
}

/// Makes such a value.
pub(super) fn bound(value: &Value, name: &str) -> Value {
    Value::from_object(BoundMethod { receiver: value.clone(), name: name.to_owned() })
}

impl Object for BoundMethod {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        // The engine charges for the text whose method is called, but cannot see into this value.
        charge_value(state, &self.receiver)?;
        call(state, &self.receiver, &self.name, args)
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let type_name = type_name(&self.receiver);
        write!(f, "<built-in method {} of {type_name} object at 0x7f0000000000>", self.name)
    }
}

/// The error for an index or item that was not found.
fn not_found(message: &str) -> Error {
    crate::python::error::value_error(message)
}

/// Refuses keyword arguments, which these methods do not take.
fn no_kwargs(name: &str, args: &[Value]) -> Result<(), Error> {
    if args.last().is_some_and(Value::is_kwargs) {
        return Err(type_error(format!("{name}() takes no keyword arguments")));
    }
    Ok(())
}
