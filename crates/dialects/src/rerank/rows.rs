//! The families of rerankers: what each body calls its fields.
//!
//! Owns these families: each is a row.

use std::{borrow::Cow, num::NonZeroUsize};

use sagewire_types::{Error, ErrorKind, RerankDocument, RerankRequest};
use serde::Serialize;
use serde_json::Value;

use super::{RerankContext, RerankFamily};
use crate::{Payload, merged_body::MergedBody};

/// A family by what sets it apart.
#[derive(Debug)]
pub(super) struct RerankRow {
    name: &'static str,
    /// What the body calls the documents' texts.
    texts: &'static str,
    /// The container's own route.
    route: Option<&'static str>,
    max_batch: Option<NonZeroUsize>,
    form: BodyForm,
}

/// What the body has beside the query and the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyForm {
    /// Nothing.
    Plain,
    /// How many results are wanted, where a document is cut, and the model's name.
    Named,
    /// The same without a name, but with the version of Cohere's API and documents that are
    /// objects.
    Versioned,
}

/// Text Embeddings Inference. The limit is TEI's default for `--max-client-batch-size`.
///
/// <https://huggingface.github.io/text-embeddings-inference/>
pub(super) const TEI: RerankRow =
    RerankRow { name: "tei", texts: "texts", route: None, max_batch: NonZeroUsize::new(32), form: BodyForm::Plain };

/// vLLM. Its `/invocations` knows the body for one of a reranker; AWS's image is told the route,
/// too.
///
/// <https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#re-rank-api>
pub(super) const VLLM: RerankRow =
    RerankRow { name: "vllm", texts: "documents", route: Some("/v1/rerank"), max_batch: None, form: BodyForm::Named };

/// Cohere's rerankers of the AWS Marketplace. Cohere's own client names the version of its API in
/// the body and leaves the model out. The limit is that of its API.
///
/// <https://docs.cohere.com/docs/amazon-sagemaker-setup-guide>, <https://github.com/cohere-ai/cohere-python/blob/main/src/cohere/aws_client.py>
pub(super) const COHERE: RerankRow = RerankRow {
    name: "cohere",
    texts: "documents",
    route: None,
    max_batch: NonZeroUsize::new(1000),
    form: BodyForm::Versioned,
};

#[derive(Serialize)]
#[serde(untagged)]
enum DocumentField<'a> {
    Text(&'a str),
    Texts(Vec<Cow<'a, str>>),
    Documents(&'a [RerankDocument]),
    Names(&'a [String]),
    Value(Value),
}

impl RerankFamily for RerankRow {
    fn name(&self) -> &'static str {
        self.name
    }

    fn max_batch(&self) -> Option<NonZeroUsize> {
        self.max_batch
    }

    fn route(&self) -> Option<&'static str> {
        self.route
    }

    fn encode(&self, request: &RerankRequest, context: &RerankContext) -> Result<Payload, Error> {
        let number = |value: Option<u32>| value.map(|value| DocumentField::Value(value.into()));
        let is_versioned = self.form == BodyForm::Versioned;
        let model = context.body_model.as_deref().filter(|_| self.form == BodyForm::Named).map(DocumentField::Text);
        let body = MergedBody::new(&request.extra)
            .with("model", model)
            .with("query", Some(DocumentField::Text(&request.query)));
        // Objects are a matter of the first version of Cohere's API alone.
        let has_objects = request.documents.iter().any(|document| matches!(document, RerankDocument::Fields(_)));
        let body = if is_versioned && (has_objects || request.rank_fields.is_some()) {
            body.with(self.texts, Some(DocumentField::Documents(&request.documents)))
                .with("rank_fields", request.rank_fields.as_deref().map(DocumentField::Names))
                .with("api_version", Some(DocumentField::Value(1.into())))
        } else {
            body.with(self.texts, Some(DocumentField::Texts(request.texts()?)))
                .with("api_version", is_versioned.then(|| DocumentField::Value(2.into())))
        };
        if self.form != BodyForm::Plain {
            return body
                .with("top_n", number(request.top_n))
                .with("max_tokens_per_doc", number(request.max_tokens_per_doc))
                .payload();
        }
        if request.max_tokens_per_doc.is_some() && !context.drops_parameters {
            let message = format!(
                "`max_tokens_per_doc` cannot be sent to a `{}` container, which cuts texts at its own limit with `truncate: true`: leave it out, or set \
                 `drop_params` to have it left out",
                self.name
            );
            return Err(Error::new(ErrorKind::Unsupported, message).with_param("max_tokens_per_doc"));
        }
        body.payload()
    }
}
