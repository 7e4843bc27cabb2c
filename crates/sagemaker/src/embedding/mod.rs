//! The languages that embedding containers speak: one file each, behind one small trait.
//!
//! Owns the trait, what a family is told, the table of all families and LiteLLM's rules by name. A family is pure: it knows no
//! transport, no signature and no other family. Adding one is a file, a row in [`FAMILIES`] and a folder of fixtures.

use std::{fmt, sync::Arc};

use sagewire_types::{EmbedRequest, EmbedResponse, Error};

use crate::dialect::Payload;

pub(crate) mod hf;

/// How one family of embedding containers is asked and understood.
pub(crate) trait EmbeddingDialect: fmt::Debug + Send + Sync {
    /// The name that the setting `embedding_dialect` selects it by.
    fn name(&self) -> &'static str;

    /// The most inputs that the container takes at once; `None` where it knows no limit.
    fn max_batch(&self) -> Option<usize> {
        None
    }

    /// The body of a request, serialized once: these bytes are signed and sent.
    ///
    /// # Errors
    /// An input or a parameter that this family cannot carry.
    fn encode(&self, request: &EmbedRequest, context: &EmbedContext) -> Result<Payload, Error>;

    /// A whole reply: one vector for each input, in their order.
    ///
    /// # Errors
    /// `Decode` where the shape is not known, `ModelFailed` where the reply is the container's own report of a failure.
    fn decode(&self, reply: &[u8], context: &EmbedContext) -> Result<EmbedResponse, Error>;
}

/// What a family is told.
#[derive(Clone, Debug)]
pub(crate) struct EmbedContext {
    /// The model's name for body and answer.
    pub(crate) model: Arc<str>,
    /// How many inputs were sent: the reply must have as many vectors.
    pub(crate) inputs: usize,
}

/// All families, by the names of the setting `embedding_dialect`.
pub(crate) static FAMILIES: &[&dyn EmbeddingDialect] = &[&hf::HuggingFace];

/// The family of this name.
pub(crate) fn by_name(name: &str) -> Option<&'static dyn EmbeddingDialect> {
    FAMILIES.iter().find(|family| family.name() == name).copied()
}
