//! A body in the making: fields of its own, and the caller's further parameters, which win.
//!
//! Owns the merging of parameters that only a container knows, with those in `extra_body` over all
//! others.

use sagewire_types::Error;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use crate::Payload;

/// The parameter that holds further parameters.
const EXTRA_BODY: &str = "extra_body";

/// Fields, and the caller's parameters over them.
pub(crate) struct MergedBody<'a, F> {
    fields: Vec<(&'static str, F)>,
    extra: &'a Map<String, Value>,
}

impl<'a, F: Serialize> MergedBody<'a, F> {
    /// A body without fields of its own.
    pub(crate) fn new(extra: &'a Map<String, Value>) -> Self {
        Self { fields: Vec::new(), extra }
    }

    /// The same with a field, if it is set.
    pub(crate) fn with(mut self, name: &'static str, value: Option<F>) -> Self {
        self.fields.extend(value.map(|value| (name, value)));
        self
    }

    /// The body's bytes.
    ///
    /// # Errors
    /// `InvalidRequest` if `extra_body` is not an object.
    pub(crate) fn payload(&self) -> Result<Payload, Error> {
        match self.extra.get(EXTRA_BODY) {
            None | Some(Value::Null | Value::Object(_)) => Payload::json(self),
            Some(_) => Err(Error::invalid(EXTRA_BODY, "`extra_body` must be an object of parameters")),
        }
    }
}

impl<F: Serialize> Serialize for MergedBody<'_, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let empty = Map::new();
        let merged = self.extra.get(EXTRA_BODY).and_then(Value::as_object).unwrap_or(&empty);
        let is_extra = |name: &str| name != EXTRA_BODY && self.extra.contains_key(name);
        let mut map = serializer.serialize_map(None)?;
        for (name, field) in &self.fields {
            if !is_extra(name) && !merged.contains_key(*name) {
                map.serialize_entry(name, field)?;
            }
        }
        for (name, value) in self.extra.iter().filter(|(name, _)| *name != EXTRA_BODY && !merged.contains_key(*name)) {
            map.serialize_entry(name, value)?;
        }
        for (name, value) in merged {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
