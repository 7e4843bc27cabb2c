//! Rerankers: Text Embeddings Inference's and Cohere's.
//!
//! Owns their schemas, their limits and scores that mean something: a text that shares words with
//! the query ranks higher. Rules: [TEI's API](https://huggingface.github.io/text-embeddings-inference/),
//! [Cohere's](https://docs.cohere.com/reference/rerank).

use std::collections::HashSet;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Container, ContainerReply, Invocation, speech::tokens, tei};

/// The TEI container with a reranker: `{"query", "texts"}` in, `[{"index", "score"}]` out, the best
/// first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rerank;

#[derive(Deserialize)]
struct RerankRequest {
    query: String,
    texts: Vec<String>,
    #[serde(default)]
    return_text: bool,
}

#[async_trait]
impl Container for Rerank {
    fn image(&self) -> &str {
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/tei:2.0.1-tei1.8.2-gpu-py310-cu122-ubuntu22.04"
    }

    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let request: RerankRequest = match tei::read(&invocation.body) {
            Ok(request) => request,
            Err(refused) => return *refused,
        };
        if request.texts.is_empty() {
            return *tei::empty("texts");
        }
        if request.texts.len() > tei::MAX_BATCH {
            return *tei::too_many(request.texts.len(), tei::MAX_BATCH);
        }
        let ranks = ranks(&request.query, &request.texts);
        let rank = |(index, score): (usize, f32)| {
            let mut rank = json!({"index": index, "score": score});
            if let (true, Some(text), Some(members)) =
                (request.return_text, request.texts.get(index), rank.as_object_mut())
            {
                members.insert("text".to_owned(), text.as_str().into());
            }
            rank
        };
        ContainerReply::json(200, &ranks.into_iter().map(rank).collect::<Vec<_>>())
    }
}

/// Cohere's container: `{"query", "documents", "top_n", "api_version"}` in, its API's answer out. Only
/// the first version takes documents that are objects, and gives them back.
#[derive(Clone, Copy, Debug, Default)]
pub struct CohereRerank;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CohereRequest {
    query: String,
    documents: Vec<CohereDocument>,
    top_n: Option<usize>,
    rank_fields: Option<Vec<String>>,
    #[serde(default)]
    return_documents: bool,
    max_chunks_per_doc: Option<u32>,
    max_tokens_per_doc: Option<u32>,
    #[serde(default = "first_version")]
    api_version: u32,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum CohereDocument {
    Text(String),
    Fields(serde_json::Map<String, Value>),
}

const fn first_version() -> u32 {
    1
}

impl CohereRequest {
    /// The documents' texts, or what is wrong with the request.
    fn texts(&self) -> Result<Vec<String>, &'static str> {
        let is_v1 = self.api_version == 1;
        if is_v1 && self.max_tokens_per_doc.is_some() || !is_v1 && self.max_chunks_per_doc.is_some() {
            return Err("invalid request: the API of this version has no such parameter");
        }
        let fields = self.rank_fields.clone().unwrap_or_else(|| vec!["text".to_owned()]);
        let text = |document: &CohereDocument| match document {
            CohereDocument::Text(text) => Ok(text.clone()),
            CohereDocument::Fields(_) if !is_v1 => {
                Err("invalid type: parameter documents is of type object but should be of type string")
            }
            CohereDocument::Fields(map) => {
                let texts: Vec<_> = fields.iter().filter_map(|field| map.get(field)?.as_str()).collect();
                if texts.len() == fields.len() {
                    Ok(texts.join("\n"))
                } else {
                    Err("invalid request: rank_fields must be in every document")
                }
            }
        };
        self.documents.iter().map(text).collect()
    }
}

#[async_trait]
impl Container for CohereRerank {
    fn image(&self) -> &str {
        "865070037744.dkr.ecr.us-east-1.amazonaws.com/cohere-rerank:3.5"
    }

    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let refuse = |message: String| ContainerReply::json(400, &json!({"message": message}));
        let request: CohereRequest = match serde_json::from_slice(&invocation.body) {
            Ok(request) => request,
            Err(error) => return refuse(format!("invalid request: {error}")),
        };
        let texts = match request.texts() {
            Ok(texts) if !texts.is_empty() => texts,
            Ok(_) => return refuse("invalid request: list of documents must not be empty".to_owned()),
            Err(message) => return refuse(message.to_owned()),
        };
        let mut ranks = ranks(&request.query, &texts);
        ranks.truncate(request.top_n.unwrap_or(usize::MAX));
        let results = ranks.into_iter().map(|(index, score)| {
            let mut result = json!({"index": index, "relevance_score": score});
            if let (true, Some(text), Some(members)) =
                (request.return_documents, texts.get(index), result.as_object_mut())
            {
                members.insert("document".to_owned(), json!({"text": text}));
            }
            result
        });
        let results: Vec<_> = results.collect();
        let meta =
            json!({"api_version": {"version": request.api_version.to_string()}, "billed_units": {"search_units": 1}});
        ContainerReply::json(
            200,
            &json!({"id": "07734bd2-2473-4f07-94e1-0d9f0e6843cf", "results": results, "meta": meta}),
        )
    }
}

/// The texts' places and scores, the best first.
pub(super) fn ranks(query: &str, texts: &[String]) -> Vec<(usize, f32)> {
    let query = words(query);
    let mut ranks: Vec<_> = texts.iter().map(|text| score(&query, &words(text))).enumerate().collect();
    ranks.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    ranks
}

fn words(text: &str) -> HashSet<String> {
    tokens(text).iter().map(|token| token.trim().to_lowercase()).filter(|word| !word.is_empty()).collect()
}

/// The share of words that both have, from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "texts of an emulator are short")]
fn score(query: &HashSet<String>, text: &HashSet<String>) -> f32 {
    let all = query.union(text).count();
    if all == 0 { 0.0 } else { query.intersection(text).count() as f32 / all as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn texts_are_ranked_by_the_words_that_they_share() {
        let body = json!({"query": "big llama", "texts": ["a car", "a big llama", "llama"], "return_text": true});
        let reply = Rerank.invoke(Invocation::new(body.to_string())).await;
        let ranks: Value = serde_json::from_slice(&reply.body.collect().await.unwrap()).unwrap();
        let order: Vec<_> = ranks.as_array().unwrap().iter().map(|rank| rank["index"].as_u64().unwrap()).collect();
        assert_eq!((order, &ranks[0]["text"]), (vec![1, 2, 0], &json!("a big llama")));
        let many = json!({"query": "q", "texts": vec!["t"; 33]});
        let cohere = |body: Value| async move { CohereRerank.invoke(Invocation::new(body.to_string())).await };
        let body = json!({"query": "llama", "documents": ["a car", "a llama"], "top_n": 1, "api_version": 2});
        let answer: Value = serde_json::from_slice(&cohere(body).await.body.collect().await.unwrap()).unwrap();
        assert_eq!((&answer["results"][0]["index"], answer["results"].as_array().unwrap().len()), (&json!(1), 1));
        let objects = json!({"query": "q", "documents": [{"text": "a"}], "api_version": 2});
        assert_eq!(cohere(objects).await.status, 400);
        assert_eq!(Rerank.invoke(Invocation::new(many.to_string())).await.status, 413);
    }
}
