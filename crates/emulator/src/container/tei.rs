//! What all models of Text Embeddings Inference have in common: how a body is read, and how one is
//! refused.
//!
//! Owns these answers. The statuses are those of the version that AWS's image has, 1.8; from 1.9 on
//! what is 413 here is 422.
//!
//! <https://github.com/huggingface/text-embeddings-inference/blob/v1.8.2/router/src/http/server.rs>

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::ContainerReply;

/// The most texts in one request (`MAX_CLIENT_BATCH_SIZE`).
pub(super) const MAX_BATCH: usize = 32;

/// Reads a body, or refuses it as the server's web framework does.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Box<ContainerReply>> {
    let refusal = |status, text: String| Box::new(ContainerReply::new(status, "text/plain; charset=utf-8", text));
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| refusal(400, format!("Failed to parse the request body as JSON: {error}")))?;
    serde_json::from_value(body)
        .map_err(|error| refusal(422, format!("Failed to deserialize the JSON body into the target type: {error}")))
}

/// A list without a text.
pub(super) fn empty(field: &str) -> Box<ContainerReply> {
    refusal(400, &format!("`{field}` cannot be empty"), "Empty")
}

/// More texts than one request may have.
pub(super) fn too_many(texts: usize, most: usize) -> Box<ContainerReply> {
    refusal(413, &format!("batch size {texts} > maximum allowed batch size {most}"), "Validation")
}

/// A text that the tokenizer refuses.
pub(super) fn invalid(why: &str) -> Box<ContainerReply> {
    refusal(413, &format!("Input validation error: {why}"), "Validation")
}

/// A text without a character.
pub(super) fn empty_text() -> Box<ContainerReply> {
    refusal(400, "Input validation error: `inputs` cannot be empty", "Empty")
}

fn refusal(status: u16, error: &str, error_type: &str) -> Box<ContainerReply> {
    Box::new(ContainerReply::json(status, &json!({"error": error, "error_type": error_type})))
}
