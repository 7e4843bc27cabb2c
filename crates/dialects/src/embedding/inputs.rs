//! The bodies of embedding requests: a text stays a text, a list a list.
//!
//! Owns that form, for containers answer the two differently, and the merging of parameters that
//! only a container knows.

use sagewire_types::{EmbedInput, EmbedRequest, Error};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use crate::Payload;

/// What is embedded, as the caller gave it: borrowed, for a body is written once.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Inputs<'a> {
    One(&'a str),
    Many(&'a [String]),
    /// Token ids, one list or several.
    Tokens(&'a EmbedInput),
}

impl<'a> Inputs<'a> {
    /// Texts, or `None` for token ids.
    pub(super) fn texts(input: &'a EmbedInput) -> Option<Self> {
        match input {
            EmbedInput::Text(text) => Some(Self::One(text)),
            EmbedInput::Texts(texts) => Some(Self::Many(texts)),
            EmbedInput::Tokens(_) | EmbedInput::TokenLists(_) => None,
        }
    }

    /// Texts or token ids.
    pub(super) fn any(input: &'a EmbedInput) -> Self {
        Self::texts(input).unwrap_or(Self::Tokens(input))
    }

    /// The texts of a container that takes lists alone.
    pub(super) fn list(input: &'a EmbedInput) -> Option<Self> {
        input.texts().map(Self::Many)
    }
}

/// A body in the making: its own fields, then the caller's further parameters, which win.
pub(super) struct Body<'a> {
    fields: Vec<(&'static str, InputField<'a>)>,
    extra: &'a Map<String, Value>,
    dimensions: Option<u32>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum InputField<'a> {
    Inputs(Inputs<'a>),
    Value(Value),
}

impl<'a> Body<'a> {
    /// A body with these inputs under this name.
    pub(super) fn new(request: &'a EmbedRequest, name: &'static str, inputs: Inputs<'a>) -> Self {
        Self { fields: vec![(name, InputField::Inputs(inputs))], extra: &request.extra, dimensions: request.dimensions }
    }

    /// The same with a parameter, where it is set.
    pub(super) fn with(mut self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        self.fields.extend(value.map(|value| (name, InputField::Value(value.into()))));
        self
    }

    /// The body's bytes.
    ///
    /// # Errors
    /// `InvalidRequest` where `extra_body` is no object, or where no dimensions are asked for.
    pub(super) fn payload(&self) -> Result<Payload, Error> {
        if self.dimensions == Some(0) {
            return Err(Error::invalid("dimensions", "`dimensions` must be at least 1"));
        }
        match self.extra.get("extra_body") {
            None | Some(Value::Null | Value::Object(_)) => Payload::json(self),
            Some(_) => Err(Error::invalid("extra_body", "`extra_body` must be an object of parameters")),
        }
    }
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let empty = Map::new();
        let merged = self.extra.get("extra_body").and_then(Value::as_object).unwrap_or(&empty);
        let is_extra = |name: &str| name != "extra_body" && self.extra.contains_key(name);
        let mut map = serializer.serialize_map(None)?;
        for (name, field) in &self.fields {
            if !is_extra(name) && !merged.contains_key(*name) {
                map.serialize_entry(name, field)?;
            }
        }
        for (name, value) in self.extra.iter().filter(|(name, _)| *name != "extra_body" && !merged.contains_key(*name))
        {
            map.serialize_entry(name, value)?;
        }
        for (name, value) in merged {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
