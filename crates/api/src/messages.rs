//! Anthropic's [Messages API](https://docs.anthropic.com/en/api/messages), to and from chat completions.
//!
//! [`MessagesRequest::into_chat`] makes the chat request, [`AnswerForm::message`] the whole answer,
//! and [`MessageStream`] the events of a streamed one.

pub use answer::{AnswerForm, ContentBlock, Message, StopReason, Usage};
pub use error::{ErrorBody, ErrorDetail, ErrorDetails, error_type};
pub use models::{ModelInfo, ModelPage};
pub use request::{MessagesRequest, Translated};
pub use stream::{Delta, Event, MessageDelta, MessageStream};

mod answer;
mod content;
mod error;
mod models;
mod request;
mod stream;
mod tools;
