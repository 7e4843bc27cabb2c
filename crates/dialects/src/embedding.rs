//! What embedding containers speak, behind one small trait.
//!
//! Owns the trait, the table of all families and LiteLLM's rules by name. Adding a family is a row
//! in `rows` if its body is a list of inputs, else a file, a row of [`EmbeddingDialect`] and a
//! folder of fixtures.
//!
//! Bodies are each family's own. Replies are not: `vectors` understands every shape for every
//! family.

use std::{fmt, num::NonZeroUsize, sync::Arc};

use bytes::Bytes;
use sagewire_types::{EmbedInput, EmbedRequest, EmbedResponse, EncodingFormat, Error, ErrorKind};

use crate::{
    Payload,
    failure_report::{self as failure, FailureReport},
    named::named,
};

mod cohere;
mod inputs;
mod openai;
mod plain;
mod pooling;
mod rows;
mod tcembedding;
mod vectors;
mod voyage;

/// How one family of embedding containers is asked and understood.
pub trait EmbeddingFamily: fmt::Debug + Send + Sync {
    /// The name that the setting `embedding_dialect` selects it by.
    fn name(&self) -> &'static str;

    /// The most inputs that the container takes at once; `None` where it knows no limit.
    fn max_batch(&self) -> Option<NonZeroUsize> {
        None
    }

    /// Whether its body has a place for parameters.
    fn takes_parameters(&self) -> bool {
        true
    }

    /// How many inputs it gets at once where the operator says `asked`.
    fn batch(&self, asked: Option<NonZeroUsize>) -> Option<NonZeroUsize> {
        asked.or_else(|| self.max_batch())
    }

    /// The body of a request, serialized once: these bytes are signed and sent.
    ///
    /// # Errors
    /// An input or a parameter that this family cannot carry.
    fn encode(&self, request: &EmbedRequest, context: &EmbedContext) -> Result<Payload, Error>;

    /// A whole reply: one vector for each input, in their order, cut to the dimensions and written
    /// in the format that were asked for.
    ///
    /// # Errors
    /// `Decode` where the shape is not known or the count is not that of the inputs, `ModelFailed`
    /// where the reply is the container's own report of a failure.
    fn decode(&self, reply: &Bytes, context: &EmbedContext) -> Result<EmbedResponse, Error> {
        vectors::read(reply, context, self.name())
    }
}

/// What a family is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EmbedContext {
    /// The model's name in the answer, for containers that give none.
    pub model: Arc<str>,
    /// The model's name in the body of a container that takes one; `None` leaves it out.
    pub body_model: Option<Arc<str>>,
    /// How many inputs were sent: the reply must have as many vectors.
    pub inputs: usize,
    /// How many numbers each vector shall have.
    pub dimensions: Option<u32>,
    /// How the vectors shall be written.
    pub encoding_format: Option<EncodingFormat>,
}

impl EmbedContext {
    /// What this request, or this batch of one, asks for. Body and answer have the same name of the
    /// model.
    #[must_use]
    pub fn new(model: impl Into<Arc<str>>, request: &EmbedRequest) -> Self {
        let model = model.into();
        Self {
            body_model: Some(Arc::clone(&model)),
            model,
            inputs: request.input.len(),
            dimensions: request.dimensions,
            encoding_format: request.encoding_format,
        }
    }
}

named! {
    /// A family of embedding containers.
    EmbeddingDialect: EmbeddingFamily, set by "embedding_dialect" {
        /// Hugging Face's inference toolkit.
        HuggingFace => rows::HUGGING_FACE,
        /// Hugging Face's Text Embeddings Inference.
        Tei => rows::TEI,
        /// JumpStart's text embedding images.
        JumpStart => rows::JUMPSTART,
        /// JumpStart's TensorFlow images, which take one text at a time.
        TcEmbedding => tcembedding::TcEmbedding,
        /// DJL Serving.
        Lmi => rows::LMI,
        /// OpenAI's embeddings: vLLM, infinity, SGLang.
        OpenAi => openai::OpenAi,
        /// Cohere's embedding models.
        Cohere => cohere::Cohere,
        /// Voyage's embedding models.
        Voyage => voyage::Voyage,
    }
}

/// LiteLLM's rules, and one for a family that LiteLLM does not know: a part of the endpoint's name,
/// the family it stands for, and why. The first that fits counts.
///
/// <https://docs.litellm.ai/docs/providers/aws_sagemaker>
static NAME_RULES: &[(&str, EmbeddingDialect, &str)] = &[
    ("voyage", EmbeddingDialect::Voyage, "the endpoint's name contains `voyage`"),
    ("cohere", EmbeddingDialect::Cohere, "the endpoint's name contains `cohere`"),
    ("tcembedding", EmbeddingDialect::TcEmbedding, "the endpoint's name contains `tcembedding`"),
];

impl EmbeddingDialect {
    /// The family that an endpoint's name stands for where no setting says otherwise, and why.
    /// Upper and lower case are the same.
    #[must_use]
    pub fn of_endpoint(name: &str) -> (Self, &'static str) {
        let name = name.to_ascii_lowercase();
        let rule = NAME_RULES.iter().find(|(part, ..)| name.contains(part));
        rule.map_or((Self::HuggingFace, "no rule fits the endpoint's name"), |(_, family, reason)| (*family, *reason))
    }
}

/// The error for a reply that no family knows.
fn unknown_reply(reply: &[u8], family: &str) -> Error {
    match FailureReport::read(reply) {
        Some(report) => report.into_error(),
        None => failure::unknown_reply(
            reply,
            &format!("Set `embedding_dialect` to the family that fits the container (now `{family}`)"),
        ),
    }
}

/// The error for an input of which the model made something else than numbers, such as `NaN`. It
/// names the input by its place, from 0.
#[must_use]
pub fn no_numbers(input: usize) -> Error {
    Error::new(
        ErrorKind::Decode,
        format!(
            "the model returned an invalid vector for input {input}: it has values that are null, not a number or infinite; change this text, or leave it out"
        ),
    )
    .with_param(format!("input[{input}]"))
}

/// The error for inputs that a family cannot carry.
fn refused(input: &EmbedInput, family: &str) -> Error {
    if matches!(input, EmbedInput::Others(_)) {
        let message = format!(
            "a `{family}` container takes texts: objects of texts and images and lists of texts in context are for Voyage's and Cohere's models \
             (`embedding_dialect: voyage` or `cohere`)"
        );
        return Error::new(ErrorKind::Unsupported, message).with_param("input");
    }
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "a `{family}` container takes texts, not token ids: send the texts (LangChain's `OpenAIEmbeddings` does with \
             `check_embedding_ctx_length=False`), or set `embedding_dialect` to `tei` or `openai` if the container is one of these"
        ),
    )
    .with_param("input")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_counts_and_case_does_not() {
        for (endpoint, family) in [
            ("my-Voyage-ep", "voyage"),
            ("COHERE-embed", "cohere"),
            ("jumpstart-dft-tensorflow-tcembedding-bert", "tcembedding"),
            ("bge-large", "hf"),
            ("", "hf"),
        ] {
            let (chosen, reason) = EmbeddingDialect::of_endpoint(endpoint);
            assert_eq!((chosen.as_str(), reason.contains("rule fits")), (family, family == "hf"), "{endpoint}");
        }
    }
}
