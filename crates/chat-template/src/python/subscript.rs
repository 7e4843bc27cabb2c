//! `container[key]` for a key that is known only when it is looked up.

use minijinja::value::Value;
use minijinja::{Error, State};

use super::budget::{charge_bytes, charge_items};
use super::error::undefined_error;
use super::kind::{Kind, kind};

/// The item, or undefined if there is none. What cannot be a key finds nothing.
///
/// A text is walked to its character, a text that is a key is read to its end, and what is no
/// sequence is walked to its item: each is charged.
pub(crate) fn item(state: &State<'_, '_>, container: &Value, key: &Value) -> Result<Value, Error> {
    if container.is_undefined() {
        return Err(undefined_error("the value whose item is read is undefined"));
    }
    match kind(key) {
        Kind::Str => charge_bytes(state, key.as_str().map_or(0, str::len))?,
        // A list or dictionary is not hashable, so that Jinja2 answers undefined; no mapping has this key.
        Kind::List | Kind::Dict | Kind::View | Kind::Range | Kind::Generator | Kind::Object => {
            return Ok(Value::UNDEFINED);
        }
        _ => {}
    }
    match (kind(container), key.as_i64()) {
        (Kind::Str, Some(index)) => return character(state, container.as_str().unwrap_or_default(), index),
        (Kind::View | Kind::Generator, Some(_)) => charge_items(state, container.len().unwrap_or(0))?,
        _ => {}
    }
    Ok(container.get_item(key).unwrap_or_default())
}

/// Character number `index` of a text, counted from the end if it is negative.
fn character(state: &State<'_, '_>, text: &str, index: i64) -> Result<Value, Error> {
    let steps = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    charge_bytes(state, steps.saturating_mul(char::MAX.len_utf8()).min(text.len()))?;
    let mut chars = text.chars();
    let found = if index < 0 { chars.nth_back(steps - 1) } else { chars.nth(steps) };
    Ok(found.map(Value::from).unwrap_or_default())
}
