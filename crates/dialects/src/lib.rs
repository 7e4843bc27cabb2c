#![doc = include_str!("../README.md")]

pub use context::{DecodeContext, EncodeContext};
pub use dialect::{ChatDialect, CompletionForm, Dialect, Ending, StreamDecoder};
pub use embedding::EmbeddingDialect;
pub use parameters::{DetailsPolicy, ParameterPolicy, drop_named, drop_named_of_embedding};
pub use payload::Payload;
pub use rerank::RerankDialect;
pub use tool_calls::{ToolCallParser, ToolCallReading};
pub use transcription::TranscriptionDialect;

mod answer;
pub mod completion;
mod context;
mod dialect;
pub mod embedding;
pub mod failure_report;
pub mod fields;
mod finish_reason;
#[cfg(test)]
mod fixtures;
mod merged_body;
mod messages;
mod named;
pub mod native;
mod parameters;
mod payload;
#[cfg(test)]
mod properties;
pub mod records;
mod reply;
pub mod rerank;
mod stop_texts;
mod text;
mod thoughts;
pub mod tool_calls;
pub mod transcription;
pub mod usage;
pub mod whole_as_chunks;
