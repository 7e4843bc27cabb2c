//! What rerankers speak, behind one small trait.
//!
//! Owns the trait and the table of all families. Bodies are each family's own: a row in `rows`.
//! Replies are not: `ranks` understands every shape for every family.

use std::{fmt, num::NonZeroUsize, sync::Arc};

use bytes::Bytes;
use sagewire_types::{Error, ErrorKind, RerankRequest, RerankResponse};

use crate::{Payload, named::named};

mod ranks;
mod rows;

/// How one family of rerankers is asked and understood.
pub trait RerankFamily: fmt::Debug + Send + Sync {
    /// The name that the setting `rerank_dialect` selects it by.
    fn name(&self) -> &'static str;

    /// The most documents that the container takes at once; `None` if it knows no limit.
    fn max_batch(&self) -> Option<NonZeroUsize>;

    /// The container's own route, which is named to a container that can be asked at several.
    fn route(&self) -> Option<&'static str>;

    /// The body of a request, serialized once: these bytes are signed and sent.
    ///
    /// # Errors
    /// A document or a parameter that this family cannot carry.
    fn encode(&self, request: &RerankRequest, context: &RerankContext) -> Result<Payload, Error>;

    /// A whole reply, the best documents first.
    ///
    /// # Errors
    /// `Decode` if the shape is not known or a place is wrong, `ModelFailed` if the reply is the
    /// container's own report of a failure.
    fn decode(&self, reply: &Bytes, context: &RerankContext) -> Result<RerankResponse, Error> {
        ranks::read(reply, context, self.name())
    }
}

/// What a family is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RerankContext {
    /// The model's name in the answer, for containers that give none.
    pub model: Arc<str>,
    /// The model's name in the body of a container that takes one; `None` leaves it out.
    pub body_model: Option<Arc<str>>,
    /// Whether a parameter that the family cannot carry is left out instead of refused.
    pub drops_parameters: bool,
    /// How many documents were sent.
    pub documents: usize,
    /// How many results are wanted of them.
    pub results: usize,
}

impl RerankContext {
    /// What this request, or this batch of one, asks for.
    #[must_use]
    pub fn new(model: impl Into<Arc<str>>, request: &RerankRequest) -> Self {
        Self {
            model: model.into(),
            body_model: None,
            drops_parameters: false,
            documents: request.documents.len(),
            results: request.results(),
        }
    }
}

named! {
    /// A family of rerankers.
    RerankDialect: RerankFamily, set by "rerank_dialect" {
        /// Hugging Face's Text Embeddings Inference.
        Tei => rows::TEI,
        /// vLLM, and other servers with Cohere's body.
        Vllm => rows::VLLM,
        /// Cohere's rerankers.
        Cohere => rows::COHERE,
    }
}

impl RerankDialect {
    /// The family that an endpoint's name stands for if no setting says otherwise, and why. Upper
    /// and lower case are the same.
    #[must_use]
    pub fn of_endpoint(name: &str) -> (Self, &'static str) {
        let name = name.to_ascii_lowercase();
        if name.contains("cohere") {
            (Self::Cohere, "the endpoint's name contains `cohere`")
        } else if name.contains("vllm") {
            (Self::Vllm, "the endpoint's name contains `vllm`")
        } else {
            (Self::Tei, "no rule fits the endpoint's name")
        }
    }
}

/// The error for a document of which the model made something else than a score, such as `NaN`. It
/// names the document by its place, from 0.
#[must_use]
pub fn no_score(document: usize) -> Error {
    let message = format!(
        "the model returned no score for document {document}: it is null, not a number or infinite; change this text, or leave it out"
    );
    Error::new(ErrorKind::Decode, message).with_param(format!("documents[{document}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoints_name_tells_where_no_setting_does() {
        for (endpoint, family) in [("my-Cohere-rerank", "cohere"), ("bge-vllm", "vllm"), ("bge-reranker", "tei")] {
            assert_eq!(RerankDialect::of_endpoint(endpoint).0.as_str(), family);
        }
    }
}
