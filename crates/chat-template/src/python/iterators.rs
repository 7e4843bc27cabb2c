//! Things that are walked: `range(...)`, and the one-pass iterators that Jinja2's filters return.

use std::sync::{Arc, Mutex, PoisonError};

use minijinja::Error;
use minijinja::value::{Enumerator, Object, ObjectExt, ObjectRepr, Value};

/// `range(start, stop, step)`: a sequence that prints as itself and is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PyRange {
    pub(crate) start: i64,
    pub(crate) stop: i64,
    pub(crate) step: i64,
}

impl PyRange {
    /// The range in a value, if it is one.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        value.downcast_object_ref::<PyRange>().copied()
    }

    /// Whether two ranges have the same items, which is how Python compares them.
    pub(crate) fn same_items(self, other: Self) -> bool {
        let ends = |range: Self| (range.len(), range.at(0), range.at(-1));
        ends(self) == ends(other)
    }

    pub(crate) fn len(self) -> usize {
        let (start, stop, step) = (i128::from(self.start), i128::from(self.stop), i128::from(self.step));
        let span = if step > 0 { stop - start } else { start - stop };
        if span <= 0 || step == 0 {
            return 0;
        }
        let step = step.abs();
        usize::try_from((span + step - 1) / step).unwrap_or(usize::MAX)
    }

    /// Item number `index`, counted from the end when negative.
    pub(crate) fn at(self, index: i64) -> Option<i64> {
        let len = i64::try_from(self.len()).ok()?;
        let index = if index < 0 { index.checked_add(len)? } else { index };
        if !(0..len).contains(&index) {
            return None;
        }
        self.start.checked_add(index.checked_mul(self.step)?)
    }
}

impl Object for PyRange {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.at(key.as_i64()?).map(Value::from)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let range = **self;
        // Mapped, not filtered: a loop must know its length.
        let at = move |index: usize| i64::try_from(index).ok().and_then(|index| range.at(index)).map(Value::from);
        self.mapped_rev_enumerator(move |_| Box::new((0..range.len()).map(move |index| at(index).unwrap_or_default())))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.len())
    }
}

/// An iterator that can be walked once. It is always true, has no length, no index and no JSON.
#[derive(Debug)]
pub(crate) struct Generator {
    type_name: &'static str,
    label: &'static str,
    rest: Mutex<Rest>,
}

/// What an iterator still has.
#[derive(Debug)]
struct Rest {
    items: std::vec::IntoIter<Value>,
    /// What happens behind the last item.
    failure: Option<Error>,
}

impl Generator {
    /// A generator made by the function `label`, such as `sync_do_map`.
    pub(crate) fn value(label: &'static str, items: Vec<Value>) -> Value {
        Self::failing(label, items, None)
    }

    /// A generator that fails behind its last item, if there is a failure.
    pub(crate) fn failing(label: &'static str, items: Vec<Value>, failure: Option<Error>) -> Value {
        Self::make("generator", label, items, failure)
    }

    /// Any other iterator type, such as `list_reverseiterator`.
    pub(crate) fn iterator(type_name: &'static str, items: Vec<Value>) -> Value {
        Self::make(type_name, "", items, None)
    }

    fn make(type_name: &'static str, label: &'static str, items: Vec<Value>, failure: Option<Error>) -> Value {
        let rest = Mutex::new(Rest { items: items.into_iter(), failure });
        Value::from_object(Generator { type_name, label, rest })
    }

    pub(crate) fn type_name(&self) -> &'static str {
        self.type_name
    }

    pub(crate) fn label(&self) -> &'static str {
        self.label
    }

    /// Takes all that is left.
    pub(crate) fn drain(&self) -> Result<Vec<Value>, Error> {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let items = rest.items.by_ref().collect();
        rest.failure.take().map_or(Ok(items), Err)
    }

    /// What is left, without taking it.
    pub(crate) fn peek(&self) -> Vec<Value> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner).items.as_slice().to_vec()
    }

    /// Takes the next item.
    pub(crate) fn next(&self) -> Result<Option<Value>, Error> {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        match rest.items.next() {
            Some(item) => Ok(Some(item)),
            None => rest.failure.take().map_or(Ok(None), Err),
        }
    }
}

impl Object for Generator {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    // Neither index nor attribute: the engine would otherwise count to the item.
    fn get_value(self: &Arc<Self>, _key: &Value) -> Option<Value> {
        Some(Value::UNDEFINED)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let this = Arc::clone(self);
        Enumerator::Iter(Box::new(std::iter::from_fn(move || {
            this.next().unwrap_or_else(|error| Some(Value::from(error)))
        })))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        None
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_count_like_python() {
        let range = PyRange { start: 10, stop: 0, step: -3 };
        assert_eq!(range.len(), 4);
        assert_eq!(range.at(-1), Some(1));
        assert_eq!(range.at(4), None);
        assert_eq!(PyRange { start: 3, stop: 3, step: 1 }.len(), 0);
        assert_eq!(PyRange { start: i64::MIN, stop: i64::MAX, step: 1 }.at(-1), None);
    }

    #[test]
    fn a_generator_is_walked_once() {
        let value = Generator::value("sync_do_map", vec![Value::from(1), Value::from(2)]);
        assert_eq!(value.try_iter().map(Iterator::count).ok(), Some(2));
        assert_eq!(value.try_iter().map(Iterator::count).ok(), Some(0));
        assert!(value.is_true());
    }
}
