//! Chat: requests, whole replies and streamed chunks in OpenAI's shapes.
//!
//! Owns data alone. Fields these types do not name survive a round trip in their `extra`, in the
//! order they came.

pub use chunk::{ChatChunk, ChunkChoice, Delta};
pub use collector::ChunkCollector;
pub use content::{Content, ContentPart};
pub use finish_reason::FinishReason;
pub use message::Message;
pub use request::{ChatRequest, OTHER_OPENAI_PARAMETERS, StopSequences, StreamOptions};
pub use response::{AssistantMessage, ChatResponse, Choice};
pub use role::Role;
use serde::{Deserialize, Deserializer};
pub use tool::{FunctionCall, FunctionCallDelta, FunctionDefinition, Tool, ToolCall, ToolCallDelta, ToolChoice};
pub use writer::ChunkWriter;

mod chunk;
mod collector;
mod content;
mod exact;
mod finish_reason;
mod message;
mod request;
mod response;
mod role;
mod tool;
mod writer;

/// Containers send `null` where they mean "none": for lists and texts that is the empty one.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
