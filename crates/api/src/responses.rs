//! OpenAI's [Responses API](https://platform.openai.com/docs/api-reference/responses), to and from chat completions.
//!
//! [`ResponsesRequest::into_chat`] makes the chat request, [`ResponseForm::response`] the whole
//! answer, and [`ResponseStream`] the events of a streamed one. The crate stores nothing: a gateway
//! that stores responses gives what came before by [`ResponsesRequest::continue_from`].

pub use answer::{
    Head, IncompleteDetails, InputTokensDetails, OutputTokensDetails, Response, ResponseError, ResponseForm,
    ResponseUsage, Status,
};
pub use output::{OutputItem, OutputText, ReasoningText, SummaryText};
pub use request::{Asked, ResponsesRequest, TranslatedRequest};
pub use stored::stored_items;
pub use stream::{EventKind, FailedEvent, Part, ResponseEvent, ResponseStream};
pub use writer::EventWriter;

mod answer;
mod items;
mod output;
mod request;
mod stored;
mod stream;
mod tools;
mod writer;
