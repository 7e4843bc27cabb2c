//! Text Embeddings Inference.
//!
//! Owns its schema, its limits, and vectors that mean something: texts that
//! share words are near each other. Rules: [TEI's API](https://huggingface.github.io/text-embeddings-inference/).

use async_trait::async_trait;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{
    Container, ContainerReply, Invocation,
    speech::{count, tokens},
    tei,
};

/// The TEI container: `{"inputs": "text" or ["text", ..]}` in, one array of floats per text out.
///
/// The vectors are made of the texts' words, have length 1 (unless `"normalize": false`), and are
/// always the same.
#[derive(Clone, Debug)]
pub struct Embedding {
    dimensions: usize,
    max_batch: usize,
    max_tokens: usize,
}

impl Embedding {
    /// 16 dimensions, batches of at most 32 texts, texts of at most 512 tokens.
    #[must_use]
    pub const fn new() -> Self {
        Self { dimensions: 16, max_batch: tei::MAX_BATCH, max_tokens: 512 }
    }

    /// The number of floats in a vector; 0 is taken as 1.
    #[must_use]
    pub const fn dimensions(mut self, dimensions: usize) -> Self {
        self.dimensions = if dimensions == 0 { 1 } else { dimensions };
        self
    }

    /// The most texts in one request (`MAX_CLIENT_BATCH_SIZE`).
    #[must_use]
    pub const fn max_batch(mut self, texts: usize) -> Self {
        self.max_batch = texts;
        self
    }

    /// The most tokens in one text that is not to be truncated.
    #[must_use]
    pub const fn max_tokens(mut self, tokens: usize) -> Self {
        self.max_tokens = tokens;
        self
    }

    fn answer(&self, body: &[u8]) -> Result<ContainerReply, Box<ContainerReply>> {
        let request: EmbeddingRequest = tei::read(body)?;
        let texts = match request.inputs {
            Inputs::One(text) => vec![text],
            Inputs::Several(texts) => texts,
        };
        if texts.is_empty() {
            return Err(tei::empty("inputs"));
        }
        if texts.len() > self.max_batch {
            return Err(tei::too_many(texts.len(), self.max_batch));
        }
        if texts.iter().any(String::is_empty) {
            return Err(tei::empty_text());
        }
        let mut vectors = Vec::with_capacity(texts.len());
        for text in &texts {
            let given = count(text);
            if given > self.max_tokens && !request.truncate.unwrap_or_default() {
                let why = format!("`inputs` must have less than {} tokens. Given: {given}", self.max_tokens);
                return Err(tei::invalid(&why));
            }
            let mut words = tokens(text);
            words.truncate(self.max_tokens);
            vectors.push(self.vector(&words, request.normalize));
        }
        Ok(ContainerReply::json(200, &vectors))
    }

    /// The sum of the words' own vectors, and a little of the text's, so that the order of words
    /// matters too.
    fn vector(&self, words: &[String], normalize: bool) -> Vec<f32> {
        let mut sum = vec![0.0; self.dimensions];
        for word in words {
            add(&mut sum, word.trim().to_lowercase().as_bytes(), 1.0);
        }
        add(&mut sum, words.concat().as_bytes(), 0.25);
        let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
        if normalize && length > 0.0 {
            sum.iter_mut().for_each(|value| *value /= length);
        }
        sum
    }
}

impl Default for Embedding {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Container for Embedding {
    fn image(&self) -> &str {
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/tei:2.0.1-tei1.8.2-gpu-py310-cu122-ubuntu22.04"
    }

    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        self.answer(&invocation.body).unwrap_or_else(|refused| *refused)
    }
}

#[derive(Deserialize)]
struct EmbeddingRequest {
    inputs: Inputs,
    truncate: Option<bool>,
    #[serde(default = "yes")]
    normalize: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Inputs {
    One(String),
    Several(Vec<String>),
}

const fn yes() -> bool {
    true
}

/// Adds a text's own vector: numbers between -1 and 1 from its hash.
fn add(sum: &mut [f32], text: &[u8], weight: f32) {
    for (dimension, value) in sum.iter_mut().enumerate() {
        let digest = Sha256::new().chain_update(text).chain_update(dimension.to_be_bytes()).finalize();
        let number = digest.iter().take(2).fold(0_u16, |number, byte| (number << 8) | u16::from(*byte));
        *value += weight * (f32::from(number) / 32_767.5 - 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::ReplyBody;
    use super::*;
    use serde_json::{Value, json};

    async fn ask(container: &Embedding, body: Value) -> (u16, Value) {
        let reply = container.invoke(Invocation::new(body.to_string())).await;
        let ReplyBody::Whole(bytes) = reply.body else { panic!("{reply:?}") };
        (
            reply.status,
            serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes).into_owned())),
        )
    }

    fn vectors(value: &Value) -> Vec<Vec<f32>> {
        serde_json::from_value(value.clone()).unwrap()
    }

    fn cosine(left: &[f32], right: &[f32]) -> f32 {
        left.iter().zip(right).map(|(left, right)| left * right).sum()
    }

    #[tokio::test]
    async fn one_or_several_texts_become_unit_vectors() {
        let container = Embedding::new();
        let (status, one) = ask(&container, json!({"inputs": "a red apple"})).await;
        let (_, three) = ask(&container, json!({"inputs": ["a red apple", "a green apple", "tax law"]})).await;
        let (one, three) = (vectors(&one), vectors(&three));
        assert_eq!((status, one.len(), one[0].len(), three.len()), (200, 1, 16, 3));
        assert_eq!(one[0], three[0]);
        assert!(three.iter().all(|vector| (cosine(vector, vector) - 1.0).abs() < 1e-5));
        assert!(cosine(&three[0], &three[1]) > cosine(&three[0], &three[2]));
        let (_, raw) = ask(&container, json!({"inputs": "a red apple", "normalize": false})).await;
        assert_ne!(vectors(&raw), one);
        let (_, other_order) = ask(&container, json!({"inputs": "apple red a"})).await;
        assert_ne!(vectors(&other_order), one);
    }

    #[tokio::test]
    async fn limits_are_refused_as_tei_refuses_them() {
        let container = Embedding::new().max_batch(2).max_tokens(3).dimensions(0);
        let cases = [
            (
                json!({"inputs": ["a", "b", "c"]}),
                413,
                json!({"error": "batch size 3 > maximum allowed batch size 2", "error_type": "Validation"}),
            ),
            (
                json!({"inputs": "a b c d"}),
                413,
                json!({"error": "Input validation error: `inputs` must have less than 3 tokens. Given: 4", "error_type": "Validation"}),
            ),
            (json!({"inputs": []}), 400, json!({"error": "`inputs` cannot be empty", "error_type": "Empty"})),
            (
                json!({"inputs": ""}),
                400,
                json!({"error": "Input validation error: `inputs` cannot be empty", "error_type": "Empty"}),
            ),
        ];
        for (body, status, error) in cases {
            assert_eq!(ask(&container, body).await, (status, error));
        }
        assert_eq!(ask(&container, json!({"text": "a"})).await.0, 422);
        let reply = container.invoke(Invocation::new("{")).await;
        assert_eq!(reply.status, 400);
        let (status, truncated) = ask(&container, json!({"inputs": "a b c d", "truncate": true})).await;
        assert_eq!(ask(&container, json!({"inputs": "a", "truncate": null})).await.0, 200);
        assert_eq!((status, vectors(&truncated)[0].len()), (200, 1));
    }
}
