//! A streamed answer: <https://platform.openai.com/docs/api-reference/responses-streaming>
//!
//! Owns the order of its events. `response.completed` and `response.incomplete` come only after a
//! whole answer: a stream that breaks ends with `error` and `response.failed`.

use std::sync::Arc;

use sagewire_types::{ChatChunk, Error};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    answer::{Head, Response, ResponseError, ResponseForm, ResponseUsage, Status, cut_by},
    output::{OutputItem, OutputText, ReasoningText, SummaryText},
};
use crate::blocks::{Blocks, Kind, Step};

/// An event of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResponseEvent {
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
    /// Its place in the stream, from 0.
    pub sequence_number: u64,
}

/// What happens in a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each field is named as on the wire, where the linked page describes it")]
pub enum EventKind {
    /// The answer begins.
    #[serde(rename = "response.created")]
    Created { response: Arc<Response> },
    /// The model is at work.
    #[serde(rename = "response.in_progress")]
    InProgress { response: Arc<Response> },
    /// An item begins.
    #[serde(rename = "response.output_item.added")]
    ItemAdded { output_index: usize, item: OutputItem },
    /// The text of a message begins.
    #[serde(rename = "response.content_part.added")]
    PartAdded { item_id: Arc<str>, output_index: usize, content_index: usize, part: Part },
    /// More text.
    #[serde(rename = "response.output_text.delta")]
    TextDelta { item_id: Arc<str>, output_index: usize, content_index: usize, logprobs: Vec<Value>, delta: String },
    /// The text is whole.
    #[serde(rename = "response.output_text.done")]
    TextDone { item_id: Arc<str>, output_index: usize, content_index: usize, text: String, logprobs: Vec<Value> },
    /// More thoughts.
    #[serde(rename = "response.reasoning_text.delta")]
    ReasoningDelta { item_id: Arc<str>, output_index: usize, content_index: usize, delta: String },
    /// The thoughts are whole.
    #[serde(rename = "response.reasoning_text.done")]
    ReasoningDone { item_id: Arc<str>, output_index: usize, content_index: usize, text: String },
    /// The content of an item is whole.
    #[serde(rename = "response.content_part.done")]
    PartDone { item_id: Arc<str>, output_index: usize, content_index: usize, part: Part },
    /// A summary of thoughts begins.
    #[serde(rename = "response.reasoning_summary_part.added")]
    SummaryAdded { item_id: Arc<str>, output_index: usize, summary_index: usize, part: SummaryText },
    /// More of the summary.
    #[serde(rename = "response.reasoning_summary_text.delta")]
    SummaryDelta { item_id: Arc<str>, output_index: usize, summary_index: usize, delta: String },
    /// The summary's text is whole.
    #[serde(rename = "response.reasoning_summary_text.done")]
    SummaryTextDone { item_id: Arc<str>, output_index: usize, summary_index: usize, text: String },
    /// The summary is whole.
    #[serde(rename = "response.reasoning_summary_part.done")]
    SummaryDone { item_id: Arc<str>, output_index: usize, summary_index: usize, part: SummaryText },
    /// More of a call's arguments.
    #[serde(rename = "response.function_call_arguments.delta")]
    ArgumentsDelta { item_id: Arc<str>, output_index: usize, delta: String },
    /// A call's arguments are whole.
    #[serde(rename = "response.function_call_arguments.done")]
    ArgumentsDone { item_id: Arc<str>, output_index: usize, name: String, arguments: String },
    /// More of a custom tool's input.
    #[serde(rename = "response.custom_tool_call_input.delta")]
    InputDelta { item_id: Arc<str>, output_index: usize, delta: String },
    /// A custom tool's input is whole.
    #[serde(rename = "response.custom_tool_call_input.done")]
    InputDone { item_id: Arc<str>, output_index: usize, input: String },
    /// The item is whole.
    #[serde(rename = "response.output_item.done")]
    ItemDone { output_index: usize, item: OutputItem },
    /// The answer is whole.
    #[serde(rename = "response.completed")]
    Completed { response: Arc<Response> },
    /// The answer reached a limit.
    #[serde(rename = "response.incomplete")]
    Incomplete { response: Arc<Response> },
    /// The answer broke off. Nothing follows.
    #[serde(rename = "response.failed")]
    Failed { response: Arc<Response> },
    /// Something failed.
    #[serde(rename = "error")]
    Error(FailedEvent),
}

/// The content of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Part {
    /// Text.
    Text(OutputText),
    /// Thoughts.
    Thoughts(ReasoningText),
}

/// A failure. The documented event has the fields themselves; OpenAI's SDK for Python raises an
/// error only for the object `error`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FailedEvent {
    /// OpenAI's name for the failure.
    pub code: Option<String>,
    /// What happened and what to do.
    pub message: String,
    /// The parameter that is at fault.
    pub param: Option<String>,
    /// The same once more.
    pub error: ResponseError,
}

impl ResponseEvent {
    /// The event that says what failed, at this place of the stream. `param` is the parameter that
    /// is at fault.
    #[must_use]
    pub fn error(error: &ResponseError, param: Option<&str>, sequence_number: u64) -> Self {
        let failed = FailedEvent {
            code: Some(error.code.clone()),
            message: error.message.clone(),
            param: param.map(str::to_owned),
            error: error.clone(),
        };
        Self { kind: EventKind::Error(failed), sequence_number }
    }
}

impl EventKind {
    /// The event's name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "response.created",
            Self::InProgress { .. } => "response.in_progress",
            Self::ItemAdded { .. } => "response.output_item.added",
            Self::PartAdded { .. } => "response.content_part.added",
            Self::TextDelta { .. } => "response.output_text.delta",
            Self::TextDone { .. } => "response.output_text.done",
            Self::ReasoningDelta { .. } => "response.reasoning_text.delta",
            Self::ReasoningDone { .. } => "response.reasoning_text.done",
            Self::PartDone { .. } => "response.content_part.done",
            Self::SummaryAdded { .. } => "response.reasoning_summary_part.added",
            Self::SummaryDelta { .. } => "response.reasoning_summary_text.delta",
            Self::SummaryTextDone { .. } => "response.reasoning_summary_text.done",
            Self::SummaryDone { .. } => "response.reasoning_summary_part.done",
            Self::ArgumentsDelta { .. } => "response.function_call_arguments.delta",
            Self::ArgumentsDone { .. } => "response.function_call_arguments.done",
            Self::InputDelta { .. } => "response.custom_tool_call_input.delta",
            Self::InputDone { .. } => "response.custom_tool_call_input.done",
            Self::ItemDone { .. } => "response.output_item.done",
            Self::Completed { .. } => "response.completed",
            Self::Incomplete { .. } => "response.incomplete",
            Self::Failed { .. } => "response.failed",
            Self::Error(_) => "error",
        }
    }
}

/// Makes a stream of events from the chunks of a chat answer.
///
/// ```
/// use sagewire_api::responses::{EventKind, Head, ResponseStream, ResponsesRequest};
///
/// let request: ResponsesRequest = serde_json::from_str(r#"{"model":"m","input":"Hello"}"#)?;
/// let mut stream = ResponseStream::new(request.into_chat()?.form, Head::new("resp_1", "m", 0), 5);
/// let mut events = Vec::new();
/// stream.push(&serde_json::from_str(r#"{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}"#)?, &mut events)?;
/// stream.finish(&mut events)?;
/// assert!(matches!(events.last().map(|event| &event.kind), Some(EventKind::Completed { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ResponseStream {
    form: ResponseForm,
    head: Head,
    /// The answer so far.
    response: Arc<Response>,
    usage: sagewire_types::Usage,
    prompt_tokens: u64,
    blocks: Blocks,
    begun: bool,
    number: u64,
    /// The open block and the id of its item.
    open: Option<(Kind, Arc<str>)>,
    steps: Vec<Step>,
}

impl ResponseStream {
    /// The stream of an answer. `prompt_tokens` is an estimate, for containers that do not report
    /// the number.
    #[must_use]
    pub fn new(form: ResponseForm, head: Head, prompt_tokens: u64) -> Self {
        let response = Arc::new(form.beginning(&head));
        Self {
            form,
            head,
            response,
            usage: sagewire_types::Usage::estimated(prompt_tokens, 0),
            prompt_tokens,
            blocks: Blocks::default(),
            begun: false,
            number: 0,
            open: None,
            steps: Vec::new(),
        }
    }

    /// Takes a chunk and adds the events that it makes.
    ///
    /// # Errors
    /// `Decode` if the model made a call that cannot be used: the stream is to end with
    /// [`failure`](Self::failure).
    pub fn push(&mut self, chunk: &ChatChunk, events: &mut Vec<ResponseEvent>) -> Result<(), Error> {
        if !self.begun {
            self.begun = true;
            let response = Arc::clone(&self.response);
            self.add(EventKind::Created { response: Arc::clone(&response) }, events);
            self.add(EventKind::InProgress { response }, events);
        }
        if let Some(usage) = &chunk.usage {
            self.usage = usage.clone().or_estimated(self.prompt_tokens, 0);
        }
        let outcome = self.blocks.push(chunk, &mut self.steps);
        self.write(false, events);
        outcome
    }

    /// Ends the stream after its last chunk.
    ///
    /// # Errors
    /// `StreamBroken` if no finish reason came, `Decode` if the model made a call that cannot be
    /// used: the stream is to end with [`failure`](Self::failure).
    pub fn finish(&mut self, events: &mut Vec<ResponseEvent>) -> Result<(), Error> {
        let outcome = self.blocks.finish(&mut self.steps);
        self.write(outcome.is_ok(), events);
        outcome?;
        let usage = ResponseUsage::from(&self.usage);
        Arc::make_mut(&mut self.response).end(self.blocks.finish_reason.as_ref(), usage);
        let response = Arc::clone(&self.response);
        let end = match response.status {
            Status::Incomplete => EventKind::Incomplete { response },
            _ => EventKind::Completed { response },
        };
        self.add(end, events);
        Ok(())
    }

    /// The events that end the stream if it breaks.
    #[must_use]
    pub fn failure(&self, error: &ResponseError, param: Option<&str>) -> Vec<ResponseEvent> {
        let mut events = vec![ResponseEvent::error(error, param, self.number)];
        if self.begun {
            let mut response = Arc::clone(&self.response);
            let failed = Arc::make_mut(&mut response);
            failed.status = Status::Failed;
            failed.error = Some(error.clone());
            events.push(ResponseEvent { kind: EventKind::Failed { response }, sequence_number: self.number + 1 });
        }
        events
    }

    /// The answer as far as it has come; whole after [`finish`](Self::finish).
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.response
    }

    fn add(&mut self, kind: EventKind, events: &mut Vec<ResponseEvent>) {
        events.push(ResponseEvent { kind, sequence_number: self.number });
        self.number += 1;
    }

    /// Writes the steps of the blocks. `last` says that the answer ends with them.
    fn write(&mut self, last: bool, events: &mut Vec<ResponseEvent>) {
        let mut steps = std::mem::take(&mut self.steps);
        let end = steps.len();
        for (number, step) in (1..).zip(steps.drain(..)) {
            match step {
                Step::Opened(kind) => self.open(kind, events),
                Step::Piece(piece) => self.piece(piece, events),
                Step::Closed(kind, text) => {
                    let is_cut = last && number == end && cut_by(self.blocks.finish_reason.as_ref()).is_some();
                    self.close(&kind, text, if is_cut { Status::Incomplete } else { Status::Completed }, events);
                }
            }
        }
        self.steps = steps;
    }

    fn open(&mut self, kind: Kind, events: &mut Vec<ResponseEvent>) {
        let output_index = self.response.output.len();
        let item = self.form.item(&self.head, &kind, "", output_index, Status::InProgress).announced();
        let item_id: Arc<str> = item.id().into();
        self.open = Some((kind.clone(), item_id.clone()));
        self.add(EventKind::ItemAdded { output_index, item }, events);
        match kind {
            Kind::Thoughts if self.form.summary => {
                let part = SummaryText { text: String::new() };
                self.add(EventKind::SummaryAdded { item_id, output_index, summary_index: 0, part }, events);
            }
            Kind::Thoughts => {
                let part = Part::Thoughts(ReasoningText { text: String::new() });
                self.add(EventKind::PartAdded { item_id, output_index, content_index: 0, part }, events);
            }
            Kind::Text => {
                let part = Part::Text(OutputText::new(String::new()));
                self.add(EventKind::PartAdded { item_id, output_index, content_index: 0, part }, events);
            }
            Kind::Call { .. } => {}
        }
    }

    fn piece(&mut self, delta: String, events: &mut Vec<ResponseEvent>) {
        let Some((kind, item_id)) = &self.open else { return };
        let (item_id, output_index) = (item_id.clone(), self.response.output.len());
        let event = match kind {
            Kind::Thoughts if self.form.summary => {
                EventKind::SummaryDelta { item_id, output_index, summary_index: 0, delta }
            }
            Kind::Thoughts => EventKind::ReasoningDelta { item_id, output_index, content_index: 0, delta },
            Kind::Text => EventKind::TextDelta { item_id, output_index, content_index: 0, logprobs: Vec::new(), delta },
            // The input of a custom tool is inside of the arguments: it is told as a whole.
            Kind::Call { name, .. } if self.form.names.tool(name).is_custom => return,
            Kind::Call { .. } => EventKind::ArgumentsDelta { item_id, output_index, delta },
        };
        self.add(event, events);
    }

    fn close(&mut self, kind: &Kind, text: String, status: Status, events: &mut Vec<ResponseEvent>) {
        let output_index = self.response.output.len();
        let item = self.form.item(&self.head, kind, &text, output_index, status);
        let item_id: Arc<str> = item.id().into();
        match &item {
            OutputItem::Reasoning { .. } if self.form.summary => {
                let done = EventKind::SummaryTextDone {
                    item_id: item_id.clone(),
                    output_index,
                    summary_index: 0,
                    text: text.clone(),
                };
                self.add(done, events);
                let part = SummaryText { text };
                self.add(EventKind::SummaryDone { item_id, output_index, summary_index: 0, part }, events);
            }
            OutputItem::Reasoning { .. } => {
                let done = EventKind::ReasoningDone {
                    item_id: item_id.clone(),
                    output_index,
                    content_index: 0,
                    text: text.clone(),
                };
                self.add(done, events);
                let part = Part::Thoughts(ReasoningText { text });
                self.add(EventKind::PartDone { item_id, output_index, content_index: 0, part }, events);
            }
            OutputItem::Message { .. } => {
                let done = EventKind::TextDone {
                    item_id: item_id.clone(),
                    output_index,
                    content_index: 0,
                    text: text.clone(),
                    logprobs: Vec::new(),
                };
                self.add(done, events);
                let part = Part::Text(OutputText::new(text));
                self.add(EventKind::PartDone { item_id, output_index, content_index: 0, part }, events);
            }
            OutputItem::FunctionCall { name, arguments, .. } => {
                if text.trim().is_empty() {
                    let delta = arguments.clone();
                    self.add(EventKind::ArgumentsDelta { item_id: item_id.clone(), output_index, delta }, events);
                }
                let (name, arguments) = (name.clone(), arguments.clone());
                self.add(EventKind::ArgumentsDone { item_id, output_index, name, arguments }, events);
            }
            OutputItem::CustomToolCall { input, .. } => {
                let (delta, input) = (input.clone(), input.clone());
                self.add(EventKind::InputDelta { item_id: item_id.clone(), output_index, delta }, events);
                self.add(EventKind::InputDone { item_id, output_index, input }, events);
            }
        }
        Arc::make_mut(&mut self.response).output.push(item.clone());
        self.open = None;
        self.add(EventKind::ItemDone { output_index, item }, events);
    }
}

#[cfg(test)]
mod tests;
