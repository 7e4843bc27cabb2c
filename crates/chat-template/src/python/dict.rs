//! Dictionaries: the one our conversations become, and the views `keys()`, `values()` and
//! `items()`.

use std::sync::Arc;

use indexmap::IndexMap;
use minijinja::value::{Enumerator, Object, ObjectExt, ObjectRepr, Value};

/// Up to this many entries a linear search is cheaper than hashing.
const LINEAR_MAX: usize = 16;

/// A small dictionary in insertion order. Larger ones are the engine's own ordered hash maps.
#[derive(Debug)]
pub(crate) struct Dict {
    entries: Vec<(Value, Value)>,
}

impl Dict {
    /// Makes a dictionary value. The keys must be distinct.
    pub(crate) fn value(entries: Vec<(Value, Value)>) -> Value {
        if entries.len() > LINEAR_MAX {
            Value::from_object(entries.into_iter().collect::<IndexMap<Value, Value>>())
        } else {
            Value::from_object(Dict { entries })
        }
    }

    /// Makes a dictionary of pairs in which a later entry replaces an earlier one but keeps its
    /// place, as in Python.
    pub(crate) fn from_pairs(pairs: impl IntoIterator<Item = (Value, Value)>) -> Value {
        Value::from_object(pairs.into_iter().collect::<IndexMap<Value, Value>>())
    }
}

impl Object for Dict {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str() {
            Some(key) => self.get_value_by_str(key),
            None => self.entries.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone()),
        }
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.entries.iter().find(|(k, _)| k.as_str() == Some(key)).map(|(_, v)| v.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.mapped_rev_key_value_enumerator(|this| Box::new(this.entries.iter().map(|(k, v)| (k.clone(), v.clone()))))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// The entries of any map-like value, in order.
pub(crate) fn entries(value: &Value) -> Vec<(Value, Value)> {
    value.as_object().and_then(|object| object.try_iter_pairs()).into_iter().flatten().collect()
}

/// Which view of a dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ViewKind {
    Keys,
    Values,
    Items,
}

/// What `dict.keys()` and its siblings return: has a length and can be walked again, but is no list
/// and no JSON.
#[derive(Debug)]
pub(crate) struct DictView {
    kind: ViewKind,
    items: Vec<Value>,
}

impl DictView {
    pub(crate) fn value(dict: &Value, kind: ViewKind) -> Value {
        let pick = |(key, value): (Value, Value)| match kind {
            ViewKind::Keys => key,
            ViewKind::Values => value,
            ViewKind::Items => Value::from((key, value)),
        };
        Value::from_object(DictView { kind, items: entries(dict).into_iter().map(pick).collect() })
    }

    pub(crate) fn kind(&self) -> ViewKind {
        self.kind
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self.kind {
            ViewKind::Keys => "dict_keys",
            ViewKind::Values => "dict_values",
            ViewKind::Items => "dict_items",
        }
    }

    pub(crate) fn items(&self) -> &[Value] {
        &self.items
    }
}

impl Object for DictView {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    // A view cannot be indexed: `d.items()[0]` is undefined in Jinja2. The engine would otherwise count
    // to the item.
    fn get_value(self: &Arc<Self>, _key: &Value) -> Option<Value> {
        Some(Value::UNDEFINED)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.mapped_rev_enumerator(|this| Box::new(this.items.iter().cloned()))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.items.len())
    }
}
