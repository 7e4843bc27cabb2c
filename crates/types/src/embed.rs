//! Embeddings: texts in, vectors out, in OpenAI's shapes.
//!
//! Owns the data. The numbers of a vector can stay the text they came as, so that passing them on
//! costs nothing.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, value::RawValue};

pub use self::{base64_floats::Base64Floats, numbers::NumberList};
use crate::{
    Usage,
    setters::setters,
    texts_or_tokens::{TextsOrTokens, inputs},
    usage::InputUsage,
};

mod base64_floats;
mod numbers;

/// An embedding request: the body of OpenAI's [`POST /embeddings`](https://platform.openai.com/docs/api-reference/embeddings/create).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EmbedRequest {
    /// Which model: `prefix/name`, or an alias that a router or proxy knows.
    #[serde(default)]
    pub model: String,
    /// What to embed.
    pub input: EmbedInput,
    /// How many numbers each vector shall have.
    #[serde(default, deserialize_with = "crate::whole::optional", skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<u32>,
    /// How the vectors are written in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding_format: Option<EncodingFormat>,
    /// The caller's own user, for abuse tracking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Every other parameter, in the caller's order.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl EmbedRequest {
    /// A request to embed this input.
    #[must_use]
    pub fn new(model: impl Into<String>, input: impl Into<EmbedInput>) -> Self {
        Self {
            model: model.into(),
            input: input.into(),
            dimensions: None,
            encoding_format: None,
            user: None,
            extra: Map::new(),
        }
    }

    setters! {
        /// Sets how many numbers each vector shall have.
        with_dimensions(dimensions: u32);
        /// Sets how the vectors are written in the answer.
        with_encoding_format(encoding_format: EncodingFormat);
        /// Sets the caller's own user, for abuse tracking.
        with_user(user: impl Into<String>);
    }

    /// Sets a parameter that has no field of its own, such as `input_type`.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }
}

/// What to embed: text or token ids, one or many, or what only some models take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, from = "TextsOrTokens")]
pub enum EmbedInput {
    /// One text.
    Text(String),
    /// Many texts.
    Texts(Vec<String>),
    /// One text as token ids.
    Tokens(Vec<u32>),
    /// Many texts as token ids.
    TokenLists(Vec<Vec<u32>>),
    /// Objects of texts and images, or lists of texts that are embedded in each other's context, in
    /// the form of the model's own API.
    Others(Vec<Value>),
}

inputs!(EmbedInput);

impl From<TextsOrTokens> for EmbedInput {
    fn from(input: TextsOrTokens) -> Self {
        match input {
            TextsOrTokens::Text(text) => Self::Text(text),
            TextsOrTokens::Texts(texts) => Self::Texts(texts),
            TextsOrTokens::Tokens(tokens) => Self::Tokens(tokens),
            TextsOrTokens::TokenLists(lists) => Self::TokenLists(lists),
            TextsOrTokens::Others(others) => Self::Others(others),
        }
    }
}

impl EmbedInput {
    /// How many vectors the answer will have.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(_) | Self::Tokens(_) => 1,
            Self::Texts(texts) => texts.len(),
            Self::TokenLists(lists) => lists.len(),
            // A list in a list has a vector for each of its texts.
            Self::Others(others) => others.iter().map(|item| item.as_array().map_or(1, Vec::len)).sum(),
        }
    }

    /// Whether there is nothing to embed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(_) => false,
            Self::Tokens(tokens) => tokens.is_empty(),
            Self::Texts(_) | Self::TokenLists(_) | Self::Others(_) => self.len() == 0,
        }
    }

    /// The texts, unless the input is token ids.
    #[must_use]
    pub fn texts(&self) -> Option<&[String]> {
        match self {
            Self::Text(text) => Some(std::slice::from_ref(text)),
            Self::Texts(texts) => Some(texts),
            Self::Tokens(_) | Self::TokenLists(_) | Self::Others(_) => None,
        }
    }

    /// How many bytes of text an input in a form of the model's own has. Images are not text.
    #[must_use]
    pub fn text_bytes_of(item: &Value) -> usize {
        match item {
            Value::String(text) if text.starts_with("data:") => 0,
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(Self::text_bytes_of).sum(),
            Value::Object(fields) => fields.values().map(Self::text_bytes_of).sum(),
            _ => 0,
        }
    }
}

/// How an answer writes its vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EncodingFormat {
    /// As a JSON list of numbers.
    #[default]
    Float,
    /// As base64 of little-endian 32-bit floats.
    Base64,
}

/// OpenAI's list of [embeddings](https://platform.openai.com/docs/api-reference/embeddings/object).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EmbedResponse {
    /// `list`.
    #[serde(default = "list")]
    pub object: String,
    /// One vector for each input, in the inputs' order.
    pub data: Vec<Embedding>,
    /// The model that answered.
    #[serde(default, deserialize_with = "crate::chat::null_as_default")]
    pub model: String,
    /// The tokens used, if reported or estimated. It is written without completion tokens: there
    /// are none.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "of_inputs")]
    pub usage: Option<Usage>,
    /// Everything else, in its order.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl EmbedResponse {
    /// An answer with these vectors, in the inputs' order.
    #[must_use]
    pub fn new(model: impl Into<String>, vectors: impl IntoIterator<Item = Vector>) -> Self {
        let data = vectors.into_iter().zip(0..).map(|(vector, index)| Embedding::new(index, vector)).collect();
        Self { object: list(), data, model: model.into(), usage: None, extra: Map::new() }
    }

    /// The answer as JSON, as `serde_json` writes it, without reading the texts of vectors once
    /// more, which takes 14 times as many instructions.
    ///
    /// # Errors
    /// Those of `serde_json`, for what no JSON can hold.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let texts = self.data.iter().map(|embedding| embedding.vector.size_hint() + 64).sum::<usize>();
        let mut json = Vec::with_capacity(texts + 256);
        json.extend_from_slice(b"{\"object\":");
        serde_json::to_writer(&mut json, &self.object)?;
        json.extend_from_slice(b",\"data\":[");
        for (place, Embedding { object, index, vector }) in self.data.iter().enumerate() {
            json.extend_from_slice(if place == 0 { b"{\"object\":" } else { b",{\"object\":" });
            serde_json::to_writer(&mut json, object)?;
            json.extend_from_slice(b",\"index\":");
            serde_json::to_writer(&mut json, index)?;
            json.extend_from_slice(b",\"embedding\":");
            match vector {
                Vector::Raw(numbers) => json.extend_from_slice(numbers.as_bytes()),
                vector => serde_json::to_writer(&mut json, vector)?,
            }
            json.push(b'}');
        }
        json.extend_from_slice(b"],\"model\":");
        serde_json::to_writer(&mut json, &self.model)?;
        if let Some(usage) = &self.usage {
            json.extend_from_slice(b",\"usage\":");
            serde_json::to_writer(&mut json, &InputUsage(usage))?;
        }
        for (name, value) in &self.extra {
            json.push(b',');
            serde_json::to_writer(&mut json, name)?;
            json.push(b':');
            serde_json::to_writer(&mut json, value)?;
        }
        json.push(b'}');
        Ok(json)
    }
}

/// One vector and which input it belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Embedding {
    /// `embedding`.
    #[serde(default = "embedding")]
    pub object: String,
    /// The input's place, from 0.
    #[serde(default)]
    pub index: u32,
    /// The numbers.
    #[serde(rename = "embedding")]
    pub vector: Vector,
}

impl Embedding {
    /// The vector of the input at this place.
    #[must_use]
    pub fn new(index: u32, vector: Vector) -> Self {
        Self { object: embedding(), index, vector }
    }

    /// The numbers, whichever form they came in.
    #[must_use]
    pub fn floats(&self) -> Cow<'_, [f32]> {
        self.vector.floats()
    }
}

/// The numbers of an embedding, in whichever form they came.
#[derive(Clone)]
#[non_exhaustive]
pub enum Vector {
    /// Numbers.
    Floats(Vec<f32>),
    /// The JSON text of a list of numbers, as the container wrote it.
    Raw(NumberList),
    /// Base64 of little-endian 32-bit floats.
    Base64(Base64Floats),
}

impl Vector {
    /// The numbers, whichever form they came in. What is no vector was refused when it was read.
    #[must_use]
    pub fn floats(&self) -> Cow<'_, [f32]> {
        match self {
            Self::Floats(floats) => Cow::Borrowed(floats),
            Self::Raw(numbers) => Cow::Owned(numbers.floats()),
            Self::Base64(base64) => Cow::Owned(base64.floats()),
        }
    }

    /// About how many bytes of JSON it is.
    fn size_hint(&self) -> usize {
        match self {
            Self::Floats(floats) => 12 * floats.len(),
            Self::Raw(numbers) => numbers.as_bytes().len(),
            Self::Base64(base64) => base64.as_str().len(),
        }
    }
}

impl fmt::Debug for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Floats(floats) => write!(f, "Floats({} numbers)", floats.len()),
            Self::Raw(numbers) => write!(f, "Raw({} bytes)", numbers.as_bytes().len()),
            Self::Base64(base64) => write!(f, "Base64({} bytes)", base64.as_str().len()),
        }
    }
}

impl Serialize for Vector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Floats(floats) => floats.serialize(serializer),
            Self::Raw(numbers) => numbers.serialize(serializer),
            Self::Base64(base64) => base64.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match raw.get().as_bytes().first() {
            Some(b'[') => NumberList::try_from(raw).map(Self::Raw).map_err(serde::de::Error::custom),
            Some(b'"') => serde_json::from_str(raw.get()).map(Self::Base64).map_err(serde::de::Error::custom),
            _ => Err(serde::de::Error::custom("an embedding is a list of numbers or base64 text")),
        }
    }
}

/// Why a text is not a [`Vector`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VectorError {
    /// The text is no list of numbers.
    #[error("the embedding is not a JSON list of numbers")]
    Json(#[source] serde_json::Error),
    /// The text is no base64, or not of whole 32-bit floats.
    #[error("the embedding is not base64 of 32-bit floats")]
    Base64,
}

fn of_inputs<S: Serializer>(usage: &Option<Usage>, serializer: S) -> Result<S::Ok, S::Error> {
    usage.as_ref().map(InputUsage).serialize(serializer)
}

fn list() -> String {
    "list".to_owned()
}

fn embedding() -> String {
    "embedding".to_owned()
}

#[cfg(test)]
mod tests;
