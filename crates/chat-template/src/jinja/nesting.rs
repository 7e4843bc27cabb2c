//! Keeps values shallow and finite.
//!
//! A template can nest a list in itself once per loop turn. Freeing or printing such a value
//! recurses once per level, and a value that shares its parts can unfold to exponentially many
//! items. So whatever a template stores is walked once ([`bounded`]): deeper than [`MAX_DEPTH`] is
//! an error, and every item visited costs fuel.

use minijinja::tests::is_sameas;
use minijinja::value::{Value, ValueKind};
use minijinja::{Error, State};

use super::globals::Cycler;
use super::methods::BoundMethod;
use crate::python::budget::{charge_items, charge_value};
use crate::python::dict::DictView;
use crate::python::error::depth_error;
use crate::python::iterators::{Generator, PyRange};
use crate::python::kind::{Kind, kind};

/// How deep a stored value may be nested. JSON itself is read to a depth of 128.
pub(crate) const MAX_DEPTH: usize = 256;

/// How many items are visited between two charges.
const BATCH: usize = 64;

/// Fails if `value` is nested too deeply; charges for every item in it.
pub(crate) fn bounded(state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    storable(state, value, None)
}

/// The same for a value that is to be stored in `namespace`, which it must not contain.
pub(crate) fn storable(state: &State<'_, '_>, value: &Value, namespace: Option<&Value>) -> Result<(), Error> {
    if is_scalar(value) {
        return Ok(());
    }
    let mut walk = Walk { state, namespace, reading: false, pending: 0 };
    walk.visit(value, 0)?;
    charge_items(state, walk.pending)
}

/// Charges for every item in `value` and every byte of its texts, before it is compared or hashed.
pub(crate) fn charge_tree(state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    let mut walk = Walk { state, namespace: None, reading: true, pending: 0 };
    walk.visit(value, 0)?;
    charge_items(state, walk.pending)
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::Iterable | ValueKind::Plain)
}

struct Walk<'s, 't, 'e> {
    state: &'s State<'t, 'e>,
    namespace: Option<&'s Value>,
    /// Whether texts are read, and ranges walked.
    reading: bool,
    pending: usize,
}

impl Walk<'_, '_, '_> {
    fn visit(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if is_scalar(value) {
            return if self.reading { charge_value(self.state, value) } else { Ok(()) };
        }
        if depth >= MAX_DEPTH {
            return Err(depth_error());
        }
        if let Some(view) = value.downcast_object_ref::<DictView>() {
            return self.all(view.items(), depth);
        }
        if let Some(generator) = value.downcast_object_ref::<Generator>() {
            return self.all(&generator.peek(), depth);
        }
        if let Some(method) = value.downcast_object_ref::<BoundMethod>() {
            return self.all(std::slice::from_ref(method.receiver()), depth);
        }
        if let Some(cycler) = value.downcast_object_ref::<Cycler>() {
            return self.all(cycler.items(), depth);
        }
        if let Some(range) = PyRange::of(value) {
            return if self.reading { charge_items(self.state, range.len()) } else { Ok(()) };
        }
        let Some(object) = value.as_object() else { return Ok(()) };
        if value.kind() != ValueKind::Map {
            for item in object.try_iter().into_iter().flatten() {
                self.count()?;
                self.visit(&item, depth + 1)?;
            }
            return Ok(());
        }
        // The loop variable holds what it iterates over where nobody can look: it must not be stored.
        if kind(value) == Kind::Object && object.get_value(&Value::from("revindex0")).is_some() {
            return Err(depth_error());
        }
        if self.namespace.is_some_and(|namespace| is_sameas(value, namespace)) {
            return Err(depth_error());
        }
        for (key, item) in object.try_iter_pairs().into_iter().flatten() {
            self.count()?;
            self.visit(&key, depth + 1)?;
            self.visit(&item, depth + 1)?;
        }
        Ok(())
    }

    fn all(&mut self, items: &[Value], depth: usize) -> Result<(), Error> {
        for item in items {
            self.count()?;
            self.visit(item, depth + 1)?;
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), Error> {
        self.pending += 1;
        if self.pending < BATCH {
            return Ok(());
        }
        charge_items(self.state, std::mem::take(&mut self.pending))
    }
}
