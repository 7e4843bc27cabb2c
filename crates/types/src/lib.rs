//! The vocabulary of sagewire: what a caller asks, what a provider answers, and how either fails.
//!
//! Owns the OpenAI-shaped data types, the one [`Error`], and the [`Provider`] trait with what it takes and gives. It does no
//! I/O, reads no clock and knows no service. Fields that these types do not name survive a round trip.
//!
//! ```
//! use sagewire_types::{CallContext, ChatRequest, Error, Message, Provider};
//!
//! async fn ask(provider: &dyn Provider, question: &str) -> Result<String, Error> {
//!     let request = ChatRequest::new("sagemaker/my-endpoint", [Message::user(question)]).with_max_tokens(80);
//!     let reply = provider.chat(request, &CallContext::new()).await?;
//!     Ok(reply.value.content().to_owned())
//! }
//! ```

pub use cancel::{CancelHandle, Cancellation};
pub use chat::{
    AssistantMessage, ChatChunk, ChatRequest, ChatResponse, Choice, ChunkChoice, ChunkCollector, ChunkWriter, Content,
    ContentPart, Delta, FinishReason, FunctionCall, FunctionCallDelta, FunctionDefinition, Message,
    OTHER_OPENAI_PARAMETERS, Role, StopSequences, StreamOptions, Tool, ToolCall, ToolCallDelta, ToolChoice,
};
pub use completion::{CompletionChoice, CompletionRequest, CompletionResponse, Prompt};
pub use context::{CallContext, Retries, TraceContext};
pub use embed::{EmbedInput, EmbedRequest, EmbedResponse, Embedding, EncodingFormat, Vector, VectorError};
pub use error::{Error, ErrorKind, Upstream};
pub use model_id::{ModelId, ModelIdError};
pub use provider::Provider;
pub use reply::{NewSession, Reply, ReplyMeta};
pub use stream::{ChatStream, CompletionStream, ReplyStream};
pub use usage::Usage;

mod cancel;
mod chat;
mod completion;
mod context;
mod embed;
mod error;
mod model_id;
mod open_object;
mod provider;
mod reply;
mod stream;
mod text;
mod usage;
