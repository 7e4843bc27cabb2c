//! Which Python type a template value stands for.

use indexmap::IndexMap;
use minijinja::value::{Value, ValueKind};

use super::dict::{Dict, DictView};
use super::iterators::{Generator, PyRange};

/// The Python types templates can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Undefined,
    None,
    Bool,
    Int,
    Float,
    Str,
    Bytes,
    List,
    Tuple,
    Dict,
    Range,
    /// `dict.keys()`, `dict.values()`, `dict.items()`.
    View,
    /// Anything that can be walked once: what `map`, `select` and the like return.
    Generator,
    /// Functions, macros, namespaces, the loop variable.
    Object,
}

/// Classifies `value`.
pub(crate) fn kind(value: &Value) -> Kind {
    match value.kind() {
        ValueKind::Undefined => Kind::Undefined,
        ValueKind::None => Kind::None,
        ValueKind::Bool => Kind::Bool,
        ValueKind::Number if value.is_integer() => Kind::Int,
        ValueKind::Number => Kind::Float,
        ValueKind::String => Kind::Str,
        ValueKind::Bytes => Kind::Bytes,
        ValueKind::Seq if value.is_tuple() => Kind::Tuple,
        ValueKind::Seq if value.downcast_object_ref::<PyRange>().is_some() => Kind::Range,
        ValueKind::Seq => Kind::List,
        ValueKind::Iterable if value.downcast_object_ref::<Generator>().is_some() => Kind::Generator,
        ValueKind::Iterable if value.downcast_object_ref::<DictView>().is_some() => Kind::View,
        ValueKind::Iterable => Kind::List,
        ValueKind::Map if is_dict(value) => Kind::Dict,
        _ => Kind::Object,
    }
}

/// A dictionary, as against the engine's other string-keyed objects (namespaces, macros, the loop
/// variable).
fn is_dict(value: &Value) -> bool {
    value.downcast_object_ref::<Dict>().is_some()
        || value.downcast_object_ref::<IndexMap<Value, Value>>().is_some()
        || value.is_kwargs()
}

/// The name Python prints for the type of `value`, as in error messages.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match kind(value) {
        Kind::Undefined => "Undefined",
        Kind::None => "NoneType",
        Kind::Bool => "bool",
        Kind::Int => "int",
        Kind::Float => "float",
        Kind::Str => "str",
        Kind::Bytes => "bytes",
        Kind::List => "list",
        Kind::Tuple => "tuple",
        Kind::Dict => "dict",
        Kind::Range => "range",
        Kind::View => value.downcast_object_ref::<DictView>().map_or("dict_items", DictView::type_name),
        Kind::Generator => value.downcast_object_ref::<Generator>().map_or("generator", Generator::type_name),
        Kind::Object => "object",
    }
}

/// Whether Python's `len()` works on it.
pub(crate) fn has_len(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Undefined | Kind::Str | Kind::Bytes | Kind::List | Kind::Tuple | Kind::Dict | Kind::Range | Kind::View
    )
}
