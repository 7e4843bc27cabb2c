//! Jinja2's built-in filters, and the `tojson` of `transformers`.
//! <https://jinja.palletsprojects.com/en/stable/templates/#list-of-builtin-filters>
//!
//! All are ours rather than the engine's, so that they print, sort, convert and fail as Python
//! does, and are charged for what they do. Filters that Jinja2 has not got do not exist here
//! either.

mod entities;
mod html;
mod number;
mod order;
mod select;
mod sequence;
mod text;
mod wrap;

use minijinja::value::Value;
use minijinja::{Environment, Error, State};

pub(super) use html::escape_html;
pub(super) use sequence::dict_of;

use super::operators::item;
use crate::python::budget::{charge_bytes, charge_value};

/// The names Jinja2 knows. Operators are registered as filters too (see [`super::operators`]), but
/// are not among them.
const NAMES: [&str; 54] = [
    "abs",
    "attr",
    "batch",
    "capitalize",
    "center",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "filesizeformat",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "random",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "urlize",
    "wordcount",
    "wordwrap",
    "xmlattr",
];

/// Whether templates may use a filter of this name.
pub(super) fn exists(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Registers all filters.
pub(super) fn register(env: &mut Environment<'static>) {
    text::register(env);
    wrap::register(env);
    html::register(env);
    number::register(env);
    sequence::register(env);
    select::register(env);
    order::register(env);
}

/// `environment.getitem` along a path such as `function.name` or `0.content`.
fn item_at(state: &State<'_, '_>, value: &Value, path: &Value) -> Result<Value, Error> {
    charge_value(state, path)?;
    let Some(path) = path.as_str() else { return item(state, value, path) };
    let mut current = value.clone();
    for part in path.split('.') {
        let key = match part.parse::<i64>() {
            Ok(index) if part.bytes().all(|byte| byte.is_ascii_digit()) => Value::from(index),
            _ => Value::from(part),
        };
        current = item(state, &current, &key)?;
    }
    Ok(current)
}

/// The key an item is compared by: the value at `path`, or the item itself; text in lower case
/// unless `exact`.
fn sort_key(state: &State<'_, '_>, value: &Value, path: Option<&Value>, exact: bool) -> Result<Value, Error> {
    let key = match path {
        Some(path) => item_at(state, value, path)?,
        None => value.clone(),
    };
    Ok(match key.as_str() {
        Some(text) if !exact => {
            charge_bytes(state, text.len())?;
            Value::from(text.to_lowercase())
        }
        _ => key,
    })
}

/// What a filter is applied to.
fn subject(args: &[Value]) -> Result<&Value, Error> {
    args.first().ok_or_else(|| crate::python::error::type_error("a filter needs a value"))
}

/// Text made by a filter: safe if its source was.
fn like(source: &Value, text: String) -> Value {
    if source.is_safe() { Value::from_safe_string(text) } else { Value::from(text) }
}
