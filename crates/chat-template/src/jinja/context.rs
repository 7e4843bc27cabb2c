//! The variables a template sees, and JSON as template values.

use std::borrow::Cow;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectExt, Value};
use serde_json::{Map, Value as Json};

use crate::python::dict::Dict;

/// JSON nested deeper than this is refused: rendering recurses over it.
pub(crate) const MAX_JSON_DEPTH: usize = 128;

/// The root of a rendering: a few names, searched one by one.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    names: Vec<(Cow<'static, str>, Value)>,
}

impl Variables {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { names: Vec::with_capacity(capacity) }
    }

    /// Sets a variable. What was set first wins.
    pub(crate) fn push(&mut self, name: impl Into<Cow<'static, str>>, value: Value) {
        self.names.push((name.into(), value));
    }

    /// Sets a variable in front of all others, so that none of the caller's can replace it.
    pub(crate) fn put_first(&mut self, name: &'static str, value: Value) {
        self.names.insert(0, (Cow::Borrowed(name), value));
    }

    /// Sets a variable unless there is one of this name.
    pub(crate) fn push_default(&mut self, name: &'static str, value: impl FnOnce() -> Value) {
        if !self.names.iter().any(|(known, _)| known == name) {
            self.names.push((Cow::Borrowed(name), value()));
        }
    }
}

impl Object for Variables {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.names.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.mapped_enumerator(|this| Box::new(this.names.iter().map(|(name, _)| Value::from(name.as_ref()))))
    }
}

/// A JSON value as a template value. `None` if it is nested too deeply.
pub(crate) fn from_json(json: &Json) -> Option<Value> {
    convert(json, 0)
}

/// A JSON array as a list.
pub(crate) fn from_array(items: &[Json]) -> Option<Value> {
    list(items, 0)
}

fn convert(json: &Json, depth: usize) -> Option<Value> {
    Some(match json {
        Json::Null => Value::from(()),
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(number) => {
            if let Some(int) = number.as_i64() {
                Value::from(int)
            } else if let Some(int) = number.as_u64() {
                Value::from(int)
            } else {
                Value::from(number.as_f64().unwrap_or(f64::NAN))
            }
        }
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => list(items, depth)?,
        Json::Object(entries) => from_entries(entries, depth)?,
    })
}

fn list(items: &[Json], depth: usize) -> Option<Value> {
    if depth >= MAX_JSON_DEPTH {
        return None;
    }
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        values.push(convert(item, depth + 1)?);
    }
    Some(Value::from(values))
}

fn from_entries(entries: &Map<String, Json>, depth: usize) -> Option<Value> {
    if depth >= MAX_JSON_DEPTH {
        return None;
    }
    let mut values = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        values.push((Value::from(key.as_str()), convert(value, depth + 1)?));
    }
    Some(Dict::value(values))
}
