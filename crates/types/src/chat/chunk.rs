//! A piece of an answer in a stream.
//!
//! Owns the shape of OpenAI's `chat.completion.chunk`; folding chunks into a whole is the collector's.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FinishReason, Role, ToolCallDelta};
use crate::Usage;

/// OpenAI's [`chat.completion.chunk`](https://platform.openai.com/docs/api-reference/chat-streaming).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChatChunk {
    /// The answer's id, the same in all its chunks.
    #[serde(default, deserialize_with = "super::null_as_default")]
    pub id: Arc<str>,
    /// `chat.completion.chunk`.
    #[serde(default = "object_name")]
    pub object: Arc<str>,
    /// When the answer began, in seconds since 1970.
    #[serde(default, deserialize_with = "super::null_as_default")]
    pub created: u64,
    /// The model that answers.
    #[serde(default, deserialize_with = "super::null_as_default")]
    pub model: Arc<str>,
    /// The next piece of each choice; empty in the chunk that carries the usage.
    pub choices: Vec<ChunkChoice>,
    /// The tokens used, in the last chunk, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Everything else, in its order.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ChatChunk {
    /// A chunk with these choices. Chunks of one answer share the texts they have in common.
    #[must_use]
    pub fn new(id: Arc<str>, model: Arc<str>, created: u64, choices: Vec<ChunkChoice>) -> Self {
        Self { id, object: object_name(), created, model, choices, usage: None, extra: Map::new() }
    }

    /// The text of the first choice; empty where it has none.
    #[must_use]
    pub fn content(&self) -> &str {
        self.choices.first().and_then(|choice| choice.delta.content.as_deref()).unwrap_or_default()
    }
}

/// The next piece of one choice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChunkChoice {
    /// Its place among the choices, from 0.
    #[serde(default)]
    pub index: u32,
    /// What comes next.
    #[serde(default, deserialize_with = "super::null_as_default")]
    pub delta: Delta,
    /// Why the choice ended, in its last piece.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
    /// The log probabilities of this piece's tokens, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Value>,
    /// Everything else, in its order.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ChunkChoice {
    /// The next piece of text of the first choice.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { delta: Delta { content: Some(text.into()), ..Delta::default() }, ..Self::default() }
    }

    /// The end of the first choice.
    #[must_use]
    pub fn finished(reason: FinishReason) -> Self {
        Self { finish_reason: Some(reason), ..Self::default() }
    }

    /// The same, at this place among the choices.
    #[must_use]
    pub fn at(mut self, index: u32) -> Self {
        self.index = index;
        self
    }
}

/// What a chunk adds to a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Delta {
    /// The role, in the first piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The next piece of text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The next piece of a reasoning model's thoughts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// The next pieces of tool calls.
    #[serde(default, deserialize_with = "super::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCallDelta>,
    /// Everything else, in its order.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn object_name() -> Arc<str> {
    Arc::from("chat.completion.chunk")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_survive() {
        let json = r#"{"id":"a","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"x","thought":1},"finish_reason":null,"stop_reason":7}],"service_tier":"x"}"#;
        let chunk: ChatChunk = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&chunk).unwrap(), json);
        assert_eq!(chunk.content(), "x");
    }

    #[test]
    fn a_usage_chunk_has_no_choices() {
        let chunk: ChatChunk = serde_json::from_str(
            r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#,
        )
        .unwrap();
        assert_eq!(chunk.usage.unwrap().total_tokens, 3);
    }
}
