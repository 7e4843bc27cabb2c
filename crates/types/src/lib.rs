#![doc = include_str!("../README.md")]

pub use audio_form::{AudioForm, AudioFormWriter, AudioKind};
pub use chat::{
    AssistantMessage, ChatChunk, ChatRequest, ChatResponse, Choice, ChunkChoice, ChunkCollector, ChunkWriter, Content,
    ContentPart, Delta, FinishReason, FunctionCall, FunctionCallDelta, FunctionDefinition, Message,
    OTHER_OPENAI_PARAMETERS, Role, StopSequences, StreamOptions, Tool, ToolCall, ToolCallDelta, ToolChoice,
};
pub use completion::{CompletionChoice, CompletionRequest, CompletionResponse, Prompt};
pub use context::{CallContext, Extension, Retries, TraceContext};
pub use embed::{
    Base64Floats, EmbedInput, EmbedRequest, EmbedResponse, Embedding, EncodingFormat, NumberList, Vector, VectorError,
};
pub use error::{Error, ErrorKind, Upstream};
pub use model_id::{ModelId, ModelIdError};
pub use operation::{
    Answer, Call, ForwardRequest, ForwardStream, Forwarded, Reading, StreamObserver, Tally, TranscribeRequest,
};
pub use provider::{CallFuture, Provider};
pub use reply::{NewSession, Reply, ReplyMeta};
pub use rerank::{RerankDocument, RerankRequest, RerankResponse, RerankResult};
pub use retry::RetryConfig;
pub use stream::{ChatStream, CompletionStream, ReplyStream};
pub use usage::{ReportedUsage, Usage};

mod audio_form;
mod chat;
mod completion;
mod context;
mod embed;
mod error;
pub mod json;
pub mod lenient;
mod model_id;
mod nulls;
mod open_object;
mod operation;
mod provider;
mod reply;
mod rerank;
mod retry;
mod setters;
mod stream;
mod text;
mod texts_or_tokens;
mod usage;
mod whole;
