//! The embedding families whose body is one list of inputs and nothing else.
//!
//! Owns these families: each is a row.

use std::num::NonZeroUsize;

use sagewire_types::{EmbedInput, EmbedRequest, Error};

use super::{
    EmbedContext, EmbeddingFamily,
    inputs::{Body, Inputs},
    refused,
};
use crate::Payload;

/// A family by what sets it apart.
#[derive(Debug)]
pub(super) struct Row {
    name: &'static str,
    /// What the body calls its inputs.
    field: &'static str,
    takes: Takes,
    max_batch: Option<NonZeroUsize>,
}

/// Which inputs a container takes.
#[derive(Clone, Copy, Debug)]
enum Takes {
    /// A text as a text, several as a list: containers answer the two differently.
    TextOrList,
    /// Texts as a list, one too.
    List,
    /// Texts and token ids, as the caller wrote them.
    TokensToo,
}

impl Takes {
    fn inputs(self, input: &EmbedInput) -> Option<Inputs<'_>> {
        match self {
            Self::TextOrList => Inputs::texts(input),
            Self::List => Inputs::list(input),
            Self::TokensToo => Some(Inputs::any(input)).filter(|_| !matches!(input, EmbedInput::Others(_))),
        }
    }
}

/// Feature extraction, as the Hugging Face toolkit and most embedding containers take it. The
/// toolkit replies a vector for each token: they are averaged (mean pooling).
///
/// <https://huggingface.co/docs/sagemaker/inference>
pub(super) const HUGGING_FACE: Row = Row { name: "hf", field: "inputs", takes: Takes::TextOrList, max_batch: None };

/// Text Embeddings Inference. The limit is TEI's default for `--max-client-batch-size`.
///
/// <https://huggingface.github.io/text-embeddings-inference/>
pub(super) const TEI: Row =
    Row { name: "tei", field: "inputs", takes: Takes::TokensToo, max_batch: NonZeroUsize::new(32) };

/// JumpStart's own images, GPT-J and sentence-transformers. The sentence-similarity images want
/// `"mode": "embedding"` too: a parameter of the request.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/jumpstart-foundation-models-choose.html>
pub(super) const JUMPSTART: Row = Row { name: "jumpstart", field: "text_inputs", takes: Takes::List, max_batch: None };

/// DJL LMI's text embedding: it replies one flat list for one text and a list of lists for several.
///
/// <https://docs.djl.ai/master/docs/serving/serving/docs/lmi/user_guides/embedding-user-guide.html>
pub(super) const LMI: Row = Row { name: "lmi", field: "inputs", takes: Takes::TextOrList, max_batch: None };

impl EmbeddingFamily for Row {
    fn name(&self) -> &'static str {
        self.name
    }

    fn max_batch(&self) -> Option<NonZeroUsize> {
        self.max_batch
    }

    fn encode(&self, request: &EmbedRequest, _: &EmbedContext) -> Result<Payload, Error> {
        let inputs = self.takes.inputs(&request.input).ok_or_else(|| refused(&request.input, self.name))?;
        Body::new(request, self.field, inputs).payload()
    }
}
