//! `POST /rerank`: [Cohere's API](https://docs.cohere.com/reference/rerank) in its first and second version, and [Jina's](https://jina.ai/reranker).
//!
//! Owns the form of the answer: `/v2/rerank` is Cohere's second version; the other paths are its
//! first, with the fields that Jina's clients read. The scores are the container's, and so are the
//! counts: none is estimated.

use http::Response;
use sagewire_types::{RerankDocument, RerankRequest, RerankResponse, RerankResult, Usage};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    Exchange, answer,
    ask::{self, Ask, Prepared},
    error::ApiError,
    openapi::schema,
    response::Body,
    route::{Access, Answer, Paths, Route, Verb},
};
use crate::{callers::Wanted, limits::Limits};

pub(super) const ROUTE: Route = Route {
    name: "rerank",
    method: Verb::Post,
    paths: Paths::Fixed(&["/rerank", "/v1/rerank", "/v2/rerank"]),
    access: Access::Key,
    operation: Some("rerank"),
    summary: "Ranks documents by their relevance to a query.",
    request: Some(request_schema),
    answer: Answer::Json(answer_schema),
    handler: |exchange| Box::pin(rerank(exchange)),
};

/// The answer, in the form of a version of Cohere's API.
#[derive(Serialize)]
struct Ranked<'a> {
    id: &'a str,
    #[serde(flatten)]
    jina: Option<JinaFields<'a>>,
    results: Vec<Ranking<'a>>,
    meta: Meta,
}

/// What Jina's API has beside its results.
#[derive(Serialize)]
struct JinaFields<'a> {
    model: &'a str,
    object: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<JinaUsage>,
}

#[derive(Serialize)]
struct JinaUsage {
    prompt_tokens: u64,
    total_tokens: u64,
}

#[derive(Serialize)]
struct Ranking<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Document<'a>>,
    relevance_score: f64,
}

/// A document in an answer is an object, also if it was sent as a text.
#[derive(Serialize)]
#[serde(untagged)]
enum Document<'a> {
    Text { text: &'a str },
    Fields(&'a Map<String, Value>),
}

#[derive(Serialize)]
struct Meta {
    api_version: ApiVersion,
    #[serde(skip_serializing_if = "Option::is_none")]
    billed_units: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Value>,
}

#[derive(Serialize)]
struct ApiVersion {
    version: &'static str,
}

async fn rerank(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let is_v2 = exchange.head.uri.path().starts_with("/v2/");
    let prepared: Prepared<RerankRequest> = ask::prepare(exchange).await?;
    let Prepared { request, context, model, asked, deadline } = prepared;
    if request.documents.is_empty() {
        return Err(ApiError::invalid(Some("documents"), "`documents` is empty: give at least one"));
    }
    let documents = if request.return_documents == Some(true) { request.documents.clone() } else { Vec::new() };
    let provider = exchange.state.provider.clone();
    let reply = ask::ask(exchange, &model, deadline, provider.rerank(request, &context)).await?;
    answer::book(exchange, &reply.meta, reply.value.usage.clone(), 0);
    let request_id = exchange.request_id().to_owned();
    let id = reply.value.id.as_deref().unwrap_or(&request_id);
    let ranked = Ranked::new(id, &asked, is_v2, &reply.value, &documents);
    answer::json(exchange, &ranked, &reply.meta)
}

impl<'a> Ranked<'a> {
    fn new(id: &'a str, model: &'a str, is_v2: bool, answer: &RerankResponse, documents: &'a [RerankDocument]) -> Self {
        let usage = answer.usage.as_ref();
        let usage_of =
            |usage: &Usage| JinaUsage { prompt_tokens: usage.prompt_tokens, total_tokens: usage.total_tokens };
        let tokens =
            |usage: &Usage| json!({ "input_tokens": usage.prompt_tokens, "output_tokens": usage.completion_tokens });
        let document = |result: &RerankResult| match documents.get(result.index)? {
            RerankDocument::Text(text) => Some(Document::Text { text }),
            RerankDocument::Fields(fields) => Some(Document::Fields(fields)),
        };
        let ranking = |result: &RerankResult| Ranking {
            index: result.index,
            document: document(result),
            relevance_score: result.relevance_score,
        };
        Self {
            id,
            jina: (!is_v2).then(|| JinaFields { model, object: "list", usage: usage.map(usage_of) }),
            results: answer.results.iter().map(ranking).collect(),
            meta: Meta {
                api_version: ApiVersion { version: if is_v2 { "2" } else { "1" } },
                billed_units: answer.search_units.map(|units| json!({ "search_units": units })),
                tokens: usage.map(tokens),
            },
        }
    }
}

impl Ask for RerankRequest {
    fn model(&mut self) -> &mut String {
        &mut self.model
    }

    fn extra(&mut self) -> &mut Map<String, Value> {
        &mut self.extra
    }

    fn wanted(&self) -> Wanted {
        Wanted { prompt: self.estimated_tokens(), answers: 0, max_output: None }
    }

    fn check(&self, limits: &Limits) -> Result<(), ApiError> {
        ask::at_most("documents", "documents", self.documents.len(), limits.inputs, "max_inputs")
    }
}

fn request_schema() -> Value {
    let document = json!({ "oneOf": [{ "type": "string" }, { "type": "object" }] });
    schema::request(
        "Cohere's or Jina's rerank request. Other keys are sent to the model's container as they are.",
        &["model", "query", "documents"],
        json!({
            "query": schema::text(), "documents": { "type": "array", "items": document }, "top_n": schema::count(),
            "rank_fields": { "type": "array", "items": schema::text() }, "return_documents": schema::flag(),
            "max_tokens_per_doc": schema::count(),
        }),
    )
}

fn answer_schema() -> Value {
    json!({
        "type": "object",
        "required": ["id", "results", "meta"],
        "properties": {
            "id": schema::text(),
            "results": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["index", "relevance_score"],
                    "properties": { "index": schema::count(), "relevance_score": { "type": "number" }, "document": schema::object() },
                },
            },
            "meta": schema::object(), "model": schema::text(), "object": { "const": "list" }, "usage": schema::usage(),
        },
    })
}
