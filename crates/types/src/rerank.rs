//! Reranking: a query and documents in, the documents' places by relevance out.
//!
//! Owns the data. The request reads the bodies of Cohere's and Jina's APIs, which differ in a few
//! fields only; which form an answer is written in is the server's choice.
//!
//! <https://docs.cohere.com/reference/rerank>, <https://docs.cohere.com/v1/reference/rerank>, <https://jina.ai/reranker>

use std::{borrow::Cow, cmp::Ordering};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, Usage, setters::setters};

/// A rerank request: the body of Cohere's [`POST /v2/rerank`](https://docs.cohere.com/reference/rerank), of its first version and
/// of Jina's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RerankRequest {
    /// Which model: `prefix/name`, or an alias that a router or proxy knows.
    #[serde(default)]
    pub model: String,
    /// What the documents are compared with.
    pub query: String,
    /// What is ranked.
    pub documents: Vec<RerankDocument>,
    /// How many of the best documents are wanted. Default: all of them.
    #[serde(default, deserialize_with = "crate::whole::optional", skip_serializing_if = "Option::is_none")]
    pub top_n: Option<u32>,
    /// The fields of documents that are objects. Default: `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank_fields: Option<Vec<String>>,
    /// Whether each result has its document. Default: no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_documents: Option<bool>,
    /// After how many tokens a document is cut.
    #[serde(default, deserialize_with = "crate::whole::optional", skip_serializing_if = "Option::is_none")]
    pub max_tokens_per_doc: Option<u32>,
    /// Every other parameter, in the caller's order.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl RerankRequest {
    /// A request to rank these documents.
    #[must_use]
    pub fn new<D: Into<RerankDocument>>(
        model: impl Into<String>,
        query: impl Into<String>,
        documents: impl IntoIterator<Item = D>,
    ) -> Self {
        Self {
            model: model.into(),
            query: query.into(),
            documents: documents.into_iter().map(Into::into).collect(),
            top_n: None,
            rank_fields: None,
            return_documents: None,
            max_tokens_per_doc: None,
            extra: Map::new(),
        }
    }

    setters! {
        /// Sets how many of the best documents are wanted.
        with_top_n(top_n: u32);
        /// Sets the fields of documents that are objects.
        with_rank_fields(rank_fields: Vec<String>);
        /// Sets whether each result has its document.
        with_return_documents(return_documents: bool);
        /// Sets after how many tokens a document is cut.
        with_max_tokens_per_doc(max_tokens_per_doc: u32);
    }

    /// Sets a parameter that has no field of its own, such as `truncate`.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    /// How many results the answer will have.
    #[must_use]
    pub fn results(&self) -> usize {
        let wanted = self.top_n.map_or(usize::MAX, |top_n| usize::try_from(top_n).unwrap_or(usize::MAX));
        wanted.min(self.documents.len())
    }

    /// The text of each document, in their order.
    ///
    /// # Errors
    /// `InvalidRequest` for an object without the fields that are ranked.
    pub fn texts(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        let fields = self.rank_fields.as_deref().filter(|fields| !fields.is_empty());
        let missing = |place: usize, field: &str| {
            let hint = if fields.is_some() { "add it" } else { "add it, or name others in `rank_fields`" };
            Error::invalid("documents", format!("`documents[{place}]` has no text in its field `{field}`: {hint}"))
        };
        let documents = self.documents.iter().enumerate();
        documents.map(|(place, document)| document.text(fields).map_err(|field| missing(place, field))).collect()
    }
}

/// A document: a text, or an object with fields of texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RerankDocument {
    /// A text.
    Text(String),
    /// An object, of which [`RerankRequest::rank_fields`] are ranked.
    Fields(Map<String, Value>),
}

impl RerankDocument {
    /// The text that is ranked: several fields as lines of YAML, as Cohere's API reads them. The
    /// error is the field that has no text.
    fn text<'a>(&'a self, fields: Option<&'a [String]>) -> Result<Cow<'a, str>, &'a str> {
        let object = match self {
            Self::Text(text) => return Ok(text.into()),
            Self::Fields(object) => object,
        };
        let of = |field: &'a str| object.get(field).and_then(Value::as_str).ok_or(field);
        match fields {
            None => of("text").map(Cow::Borrowed),
            Some([field]) => of(field).map(Cow::Borrowed),
            Some(fields) => {
                let lines = fields.iter().map(|field| of(field).map(|text| format!("{field}: {text}")));
                lines.collect::<Result<Vec<_>, _>>().map(|lines| lines.join("\n").into())
            }
        }
    }
}

impl From<&str> for RerankDocument {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for RerankDocument {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Map<String, Value>> for RerankDocument {
    fn from(fields: Map<String, Value>) -> Self {
        Self::Fields(fields)
    }
}

/// The documents' places by relevance, the best first.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RerankResponse {
    /// The container's id of the answer.
    pub id: Option<String>,
    /// The model that answered.
    pub model: String,
    /// The results, the best first.
    pub results: Vec<RerankResult>,
    /// The tokens, if the container reported them.
    pub usage: Option<Usage>,
    /// What Cohere's containers count in place of tokens, if the container reported it.
    pub search_units: Option<u64>,
}

impl RerankResponse {
    /// An answer with these results, the best first.
    #[must_use]
    pub fn new(model: impl Into<String>, results: impl IntoIterator<Item = RerankResult>) -> Self {
        Self { model: model.into(), results: results.into_iter().collect(), ..Self::default() }
    }

    /// Puts the best results first; those of equal scores stay in their documents' order.
    pub fn sort(&mut self) {
        self.results.sort_by(|one, other| {
            let order = other.relevance_score.partial_cmp(&one.relevance_score).unwrap_or(Ordering::Equal);
            order.then(one.index.cmp(&other.index))
        });
    }
}

/// A document's place and score.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RerankResult {
    /// The document's place in the request, from 0.
    pub index: usize,
    /// How relevant it is, as the model says. Models differ in their scales.
    pub relevance_score: f64,
}

impl RerankResult {
    /// The result of the document at this place.
    #[must_use]
    pub fn new(index: usize, relevance_score: f64) -> Self {
        Self { index, relevance_score }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(body: Value) -> RerankRequest {
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn documents_are_texts_and_objects() {
        let both = request(
            json!({"model": "m", "query": "q", "documents": ["a", {"text": "b", "title": "t"}], "truncate": true}),
        );
        assert_eq!(both.texts().unwrap(), ["a", "b"]);
        assert_eq!(both.extra.keys().collect::<Vec<_>>(), ["truncate"]);
        let fields = request(
            json!({"query": "q", "documents": ["a", {"text": "b", "title": "t"}], "rank_fields": ["title", "text"]}),
        );
        assert_eq!(fields.texts().unwrap(), ["a", "title: t\ntext: b"]);
        let missing = request(json!({"query": "q", "documents": ["a", {"title": "t"}]}));
        let error = missing.texts().unwrap_err();
        assert!(error.to_string().contains("`documents[1]`") && error.to_string().contains("`text`"), "{error}");
        assert_eq!(serde_json::to_value(&both).unwrap()["documents"][1]["title"], "t");
    }

    #[test]
    fn equal_scores_stay_in_their_order() {
        let results = [(2, 0.5), (0, 0.25), (1, 0.5), (3, -1.0)];
        let mut answer = RerankResponse::new("m", results.map(|(index, score)| RerankResult::new(index, score)));
        answer.sort();
        assert_eq!(answer.results.iter().map(|result| result.index).collect::<Vec<_>>(), [1, 2, 0, 3]);
    }

    #[test]
    fn no_more_results_than_documents() {
        let request = RerankRequest::new("m", "q", ["a", "b"]);
        assert_eq!(
            (request.results(), request.clone().with_top_n(1).results(), request.with_top_n(9).results()),
            (2, 1, 2)
        );
    }
}
