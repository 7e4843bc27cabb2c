//! The bodies of embedding requests: a text stays a text, a list a list.
//!
//! Owns that form, for containers answer the two differently.

use sagewire_types::{EmbedInput, EmbedRequest, Error};
use serde::Serialize;
use serde_json::Value;

use crate::{Payload, merged_body::MergedBody};

/// What is embedded, as the caller gave it: borrowed, for a body is written once.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Inputs<'a> {
    One(&'a str),
    Many(&'a [String]),
    /// Token ids, one list or several; or inputs in a form of the model's own.
    Tokens(&'a EmbedInput),
}

impl<'a> Inputs<'a> {
    /// Texts, or `None` for token ids.
    pub(super) fn texts(input: &'a EmbedInput) -> Option<Self> {
        match input {
            EmbedInput::Text(text) => Some(Self::One(text)),
            EmbedInput::Texts(texts) => Some(Self::Many(texts)),
            EmbedInput::Tokens(_) | EmbedInput::TokenLists(_) | EmbedInput::Others(_) => None,
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
    merged: MergedBody<'a, InputField<'a>>,
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
        let merged = MergedBody::new(&request.extra).with(name, Some(InputField::Inputs(inputs)));
        Self { merged, dimensions: request.dimensions }
    }

    /// The same with a parameter, where it is set.
    pub(super) fn with(mut self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        self.merged = self.merged.with(name, value.map(|value| InputField::Value(value.into())));
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
        self.merged.payload()
    }
}
