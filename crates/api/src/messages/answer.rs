//! The whole answer: <https://docs.anthropic.com/en/api/messages>

use sagewire_types::{ChatResponse, Error, ErrorKind, FinishReason};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    blocks::{self, Kind},
    thoughts,
};

/// How an answer is written, as its request asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnswerForm {
    pub(super) thinking: Thinking,
    pub(super) stop_sequences: Vec<String>,
}

/// What is shown of the model's thoughts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Thinking {
    /// Nothing.
    #[default]
    Hidden,
    /// An empty block whose signature carries them.
    Sealed,
    /// All.
    Shown,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// The answer's id.
    pub id: String,
    /// `message`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `assistant`.
    pub role: String,
    /// The model as the caller named it.
    pub model: String,
    /// What the model said, thought and called.
    pub content: Vec<ContentBlock>,
    /// Why it ended; `None` at the start of a stream.
    pub stop_reason: Option<StopReason>,
    /// The stop sequence that ended it.
    pub stop_sequence: Option<String>,
    /// The tokens used.
    pub usage: Usage,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ContentBlock {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// The model's thoughts.
    Thinking {
        /// The thoughts; empty if the request asked to leave them out.
        thinking: String,
        /// What to send back with the block.
        signature: String,
    },
    /// A call of a tool.
    ToolUse {
        /// The id that the result names.
        id: String,
        /// The tool.
        name: String,
        /// Its arguments. Integers beyond 64 bits are [marked](sagewire_types::json::mark_integers)
        /// and written as numbers.
        #[serde(serialize_with = "sagewire_types::json::exact")]
        input: Map<String, Value>,
    },
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// The model was done.
    EndTurn,
    /// The limit of tokens was reached.
    MaxTokens,
    /// One of the request's stop sequences was generated.
    StopSequence,
    /// The model calls tools.
    ToolUse,
    /// A filter took text out.
    Refusal,
}

/// The tokens of an answer. The prompt's tokens are the sum of all but `output_tokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens of the prompt that were read anew.
    pub input_tokens: u64,
    /// Tokens written to a cache: containers do not tell.
    pub cache_creation_input_tokens: Option<u64>,
    /// Tokens read from a cache, if the container tells.
    pub cache_read_input_tokens: Option<u64>,
    /// Generated tokens, thoughts included.
    pub output_tokens: u64,
    /// Whether counts are an estimate because the container did not report them. An extension of
    /// ours, left out if they were reported.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

impl From<&sagewire_types::Usage> for Usage {
    fn from(usage: &sagewire_types::Usage) -> Self {
        let details = usage.extra.get("prompt_tokens_details");
        let cached = details.and_then(|details| details.get("cached_tokens")).and_then(Value::as_u64);
        let cached = cached.map(|cached| cached.min(usage.prompt_tokens));
        Self {
            input_tokens: usage.prompt_tokens - cached.unwrap_or_default(),
            cache_creation_input_tokens: None,
            cache_read_input_tokens: cached,
            output_tokens: usage.completion_tokens,
            estimated: usage.estimated,
        }
    }
}

impl AnswerForm {
    /// A chat answer as a message of the model that the caller asked for. `usage` is what the chat
    /// answer reports, or an estimate.
    ///
    /// # Errors
    /// `Decode` if the answer has no choice, or a call that cannot be used.
    pub fn message(
        &self,
        response: &ChatResponse,
        model: &str,
        usage: &sagewire_types::Usage,
    ) -> Result<Message, Error> {
        let choice = response
            .choices
            .first()
            .ok_or_else(|| Error::new(ErrorKind::Decode, "the model's answer has no choices; retry the request"))?;
        let id = message_id(&response.id);
        let mut content = Vec::new();
        for (kind, text) in blocks::of_choice(choice)? {
            content.extend(match kind {
                Kind::Text => Some(ContentBlock::Text { text }),
                Kind::Thoughts => self.thoughts(text),
                Kind::Call { id: call_id, name } => {
                    let input = blocks::arguments(&name, &text)?;
                    Some(ContentBlock::ToolUse { id: tool_use_id(call_id, &id, content.len()), name, input })
                }
            });
        }
        let called = content.iter().any(|block| matches!(block, ContentBlock::ToolUse { .. }));
        let stopped_at = blocks::stop_sequence(&choice.extra);
        let (stop_reason, stop_sequence) = self.stop(choice.finish_reason.as_ref(), stopped_at, called);
        Ok(Message {
            id,
            kind: "message".to_owned(),
            role: "assistant".to_owned(),
            model: model.to_owned(),
            content,
            stop_reason: Some(stop_reason),
            stop_sequence,
            usage: usage.into(),
        })
    }

    fn thoughts(&self, thinking: String) -> Option<ContentBlock> {
        let signature = self.signature(&thinking)?;
        let thinking = if self.thinking == Thinking::Shown { thinking } else { String::new() };
        Some(ContentBlock::Thinking { thinking, signature })
    }

    /// The signature of a block with these thoughts; `None` if there is no block.
    pub(super) fn signature(&self, thinking: &str) -> Option<String> {
        match self.thinking {
            Thinking::Hidden => None,
            Thinking::Sealed => Some(thoughts::seal(thinking)),
            // The block itself carries them.
            Thinking::Shown => Some(thoughts::seal("")),
        }
    }

    /// Why the answer ended, and the stop sequence that ended it.
    pub(super) fn stop(
        &self,
        reason: Option<&FinishReason>,
        stopped_at: Option<String>,
        called: bool,
    ) -> (StopReason, Option<String>) {
        match reason {
            Some(FinishReason::Length) => (StopReason::MaxTokens, None),
            Some(FinishReason::ContentFilter) => (StopReason::Refusal, None),
            // Some containers end an answer with calls as any other.
            _ if called => (StopReason::ToolUse, None),
            _ => match stopped_at.filter(|text| self.stop_sequences.contains(text)) {
                Some(text) => (StopReason::StopSequence, Some(text)),
                None => (StopReason::EndTurn, None),
            },
        }
    }
}

/// The message's id for a chat answer's.
pub(super) fn message_id(chat_id: &str) -> String {
    format!("msg_{}", chat_id.strip_prefix("chatcmpl-").unwrap_or(chat_id))
}

/// A call's own id, or one made from its place if the container gave none.
pub(super) fn tool_use_id(id: String, message_id: &str, place: usize) -> String {
    if id.is_empty() { format!("toolu_{}_{place}", message_id.trim_start_matches("msg_")) } else { id }
}
