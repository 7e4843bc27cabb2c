//! `map`, `select` and their kin. They return one-pass iterators, as in Python: always true,
//! without a length.

use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, State};

use super::{item_at, subject};
use crate::jinja::operators::items_of;
use crate::jinja::predicates;
use crate::python::args::{Args, split_kwargs};
use crate::python::budget::{charge_items, charge_value};
use crate::python::error::{runtime_error, type_error};
use crate::python::iterators::Generator;

pub(super) fn register(env: &mut Environment<'static>) {
    env.add_filter("map", map);
    env.add_filter("select", |state: &mut State<'_, '_>, args: Args<'_>| select(state, &args, true, false));
    env.add_filter("reject", |state: &mut State<'_, '_>, args: Args<'_>| select(state, &args, false, false));
    env.add_filter("selectattr", |state: &mut State<'_, '_>, args: Args<'_>| select(state, &args, true, true));
    env.add_filter("rejectattr", |state: &mut State<'_, '_>, args: Args<'_>| select(state, &args, false, true));
}

/// Runs a filter whose errors come when its result is walked, as those of Python's generators do.
fn generate(
    state: &mut State<'_, '_>,
    label: &'static str,
    args: &[Value],
    run: impl FnOnce(&mut State<'_, '_>, Vec<Value>, &mut Vec<Value>) -> Result<(), Error>,
) -> Result<Value, Error> {
    let value = subject(args)?;
    let mut made = Vec::new();
    // Jinja2 yields nothing for a false value, even for `None`.
    let failure = match value.is_true() {
        true => items_of(state, value).and_then(|items| run(state, items, &mut made)).err(),
        false => None,
    };
    Ok(Generator::failing(label, made, failure))
}

/// `map(value, filter, ...)` or `map(value, attribute=..., default=...)`.
fn map(state: &mut State<'_, '_>, args: Args<'_>) -> Result<Value, Error> {
    let (positional, kwargs) = split_kwargs(args.get(1..).unwrap_or_default());
    generate(state, "sync_do_map", &args, |state, items, mapped| match positional {
        [] => {
            let kwargs = kwargs.ok_or_else(|| type_error("map requires a filter argument"))?;
            let (attribute, default) = attribute_arguments(&kwargs)?;
            for item in items {
                charge_items(state, 1)?;
                let found = item_at(state, &item, &attribute)?;
                mapped.push(if found.is_undefined() { default.clone() } else { found });
            }
            Ok(())
        }
        [name, rest @ ..] => {
            let name = name.as_str().ok_or_else(|| type_error("map requires the name of a filter"))?;
            if !super::exists(name) {
                return Err(runtime_error(format!("No filter named '{name}'.")));
            }
            for item in items {
                charge_items(state, 2 + rest.len())?;
                // A filter called from here is not charged by the engine.
                charge_value(state, &item)?;
                let mut call = vec![item];
                call.extend_from_slice(rest);
                call.extend(kwargs.clone().map(Value::from));
                let made = state.apply_filter(name, &call)?;
                charge_value(state, &made)?;
                mapped.push(made);
            }
            Ok(())
        }
    })
}

fn attribute_arguments(kwargs: &Kwargs) -> Result<(Value, Value), Error> {
    for name in kwargs.args() {
        if !matches!(name, "attribute" | "default") {
            return Err(type_error(format!("Unexpected keyword argument '{name}'")));
        }
    }
    let attribute =
        kwargs.peek::<Option<Value>>("attribute")?.ok_or_else(|| type_error("map requires a filter argument"))?;
    let default = kwargs.peek::<Option<Value>>("default")?.unwrap_or_default();
    Ok((attribute, default))
}

/// `select(value, test, ...)` and `selectattr(value, attribute, test, ...)`.
fn select(state: &mut State<'_, '_>, args: &[Value], keep: bool, by_attribute: bool) -> Result<Value, Error> {
    let rest = args.get(1..).unwrap_or_default();
    generate(state, "select_or_reject", args, |state, items, kept| {
        let (attribute, rest) = match rest {
            [attribute, tail @ ..] if by_attribute => (Some(attribute), tail),
            _ if by_attribute => return Err(type_error("Missing parameter for attribute name")),
            _ => (None, rest),
        };
        let (test, test_args) = match rest {
            [name, tail @ ..] => (Some(name.as_str().ok_or_else(|| type_error("the test's name must be str"))?), tail),
            [] => (None, rest),
        };
        if let Some(test) = test.filter(|test| !predicates::exists(test)) {
            return Err(runtime_error(format!("No test named '{test}'.")));
        }
        for item in items {
            charge_items(state, 2 + test_args.len())?;
            let examined = match attribute {
                Some(path) => item_at(state, &item, path)?,
                None => item.clone(),
            };
            let passes = match test {
                None => examined.is_true(),
                Some(test) => {
                    let mut call = vec![examined];
                    call.extend_from_slice(test_args);
                    state.perform_test(test, &call)?
                }
            };
            if passes == keep {
                kept.push(item);
            }
        }
        Ok(())
    })
}
