//! Text Embeddings Inference with a reranker.
//!
//! Owns its schema, its limit and scores that mean something: a text that shares words with the
//! query ranks higher. Rules: [TEI's API](https://huggingface.github.io/text-embeddings-inference/).

use std::collections::HashSet;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

use super::{Container, ContainerReply, Invocation, speech::tokens};

/// The most texts in one request (`MAX_CLIENT_BATCH_SIZE`).
const MAX_BATCH: usize = 32;

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
        let refuse =
            |status, error: String, kind| ContainerReply::json(status, &json!({"error": error, "error_type": kind}));
        let request: RerankRequest = match serde_json::from_slice(&invocation.body) {
            Ok(request) => request,
            Err(error) => return ContainerReply::new(422, "text/plain; charset=utf-8", error.to_string()),
        };
        if request.texts.is_empty() {
            return refuse(400, "`texts` cannot be empty".to_owned(), "Empty");
        }
        if request.texts.len() > MAX_BATCH {
            let size = request.texts.len();
            return refuse(413, format!("batch size {size} > maximum allowed batch size {MAX_BATCH}"), "Validation");
        }
        let query = words(&request.query);
        let mut ranks: Vec<_> = request.texts.iter().map(|text| score(&query, &words(text))).enumerate().collect();
        ranks.sort_by(|(_, one), (_, other)| other.total_cmp(one));
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
    use serde_json::Value;

    #[tokio::test]
    async fn texts_are_ranked_by_the_words_that_they_share() {
        let body = json!({"query": "big llama", "texts": ["a car", "a big llama", "llama"], "return_text": true});
        let reply = Rerank.invoke(Invocation::new(body.to_string())).await;
        let ranks: Value = serde_json::from_slice(&reply.body.collect().await.unwrap()).unwrap();
        let order: Vec<_> = ranks.as_array().unwrap().iter().map(|rank| rank["index"].as_u64().unwrap()).collect();
        assert_eq!((order, &ranks[0]["text"]), (vec![1, 2, 0], &json!("a big llama")));
        let many = json!({"query": "q", "texts": vec!["t"; 33]});
        assert_eq!(Rerank.invoke(Invocation::new(many.to_string())).await.status, 413);
    }
}
