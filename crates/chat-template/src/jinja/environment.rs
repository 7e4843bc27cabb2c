//! The environment all templates share: our filters, tests, functions and printing, and nothing of
//! the engine's own.
//!
//! No loader is set, so that a template reaches no file and no other template.

use std::sync::LazyLock;

use minijinja::{AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value};

use super::{filters, globals, methods, operators, predicates};
use crate::limits::Limits;
use crate::python::budget;
use crate::python::kind::{Kind, kind};
use crate::python::repr::str_of;

static SHARED: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::empty();
    filters::register(&mut env);
    predicates::register(&mut env);
    globals::register(&mut env);
    operators::register(&mut env);
    budget::register(&mut env);
    env.set_unknown_method_callback(methods::call);
    env.set_undefined_behavior(UndefinedBehavior::Lenient);
    env.set_formatter(print);
    env
});

/// The shared environment with these limits. What it contains is not copied.
pub(super) fn with_limits(limits: &Limits) -> Environment<'static> {
    let mut env = SHARED.clone();
    env.set_fuel(Some(limits.fuel));
    env.set_recursion_limit(limits.recursion);
    env
}

/// Prints the value of `{{ ... }}`.
fn print(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if matches!(state.auto_escape(), AutoEscape::None) {
        return write(state, out, &str_of(state, value)?);
    }
    // Inside `{% autoescape true %}`.
    let text = str_of(state, value)?;
    if value.is_safe() || kind(value) == Kind::Undefined {
        return write(state, out, &text);
    }
    write(state, out, &filters::escape_html(state, &text)?)
}

fn write(state: &State<'_, '_>, out: &mut Output<'_>, text: &str) -> Result<(), Error> {
    budget::print_bytes(state, text.len())?;
    out.write_str(text).map_err(Error::from)
}
