//! The whole answer: <https://platform.openai.com/docs/api-reference/responses/object>

use sagewire_types::{ChatResponse, Error, ErrorKind, FinishReason};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{output::OutputItem, request::Asked, tools::ToolNames};

/// How an answer is written, as its request asks.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ResponseForm {
    pub(super) asked: Asked,
    pub(super) names: ToolNames,
    /// Whether thoughts are told as a summary.
    pub(super) summary: bool,
    /// Whether thoughts are told in a form to be sent back.
    pub(super) sealed: bool,
}

/// What a gateway says of an answer before the model does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Head {
    /// The answer's id, which begins with `resp_`. The ids of its items are made from it.
    pub id: String,
    /// The model as the caller named it.
    pub model: String,
    /// When the answer began, in seconds since 1970.
    pub created_at: u64,
    /// Whether the answer is stored.
    pub store: bool,
}

impl Head {
    /// An answer with this id, of the model that the caller asked for, which began at this time and
    /// is not stored.
    #[must_use]
    pub fn new(id: impl Into<String>, model: impl Into<String>, created_at: u64) -> Self {
        Self { id: id.into(), model: model.into(), created_at, store: false }
    }

    /// Says whether the answer is stored.
    #[must_use]
    pub fn stored(mut self, store: bool) -> Self {
        self.store = store;
        self
    }
}

/// An answer, whole or as far as it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Response {
    /// The answer's id.
    pub id: String,
    /// `response`.
    pub object: String,
    /// When it began, in seconds since 1970.
    pub created_at: u64,
    /// How far it has come.
    pub status: Status,
    /// Whether it is made in the background: never.
    pub background: bool,
    /// Why it failed.
    pub error: Option<ResponseError>,
    /// Why it is not complete.
    pub incomplete_details: Option<IncompleteDetails>,
    /// The model as the caller named it.
    pub model: String,
    /// What the model thought, said and called.
    pub output: Vec<OutputItem>,
    /// Whether it is stored.
    pub store: bool,
    /// The tokens used; `None` until it has ended.
    pub usage: Option<ResponseUsage>,
    /// What the request asked for.
    #[serde(flatten)]
    pub asked: Asked,
}

/// How far an answer or an item of it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// More follows.
    InProgress,
    /// It is whole.
    Completed,
    /// It was cut.
    Incomplete,
    /// It failed.
    Failed,
}

/// Why an answer failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResponseError {
    /// OpenAI's name for the failure.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
}

impl ResponseError {
    /// A failure with this HTTP status.
    #[must_use]
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        let code = match status {
            429 => "rate_limit_exceeded",
            400..=499 => "invalid_prompt",
            _ => "server_error",
        };
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// Why an answer is not complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IncompleteDetails {
    /// `max_output_tokens` or `content_filter`.
    pub reason: String,
}

/// The tokens of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResponseUsage {
    /// Tokens of the prompt.
    pub input_tokens: u64,
    /// How the prompt was read.
    pub input_tokens_details: InputTokensDetails,
    /// Generated tokens, thoughts included.
    pub output_tokens: u64,
    /// What was generated.
    pub output_tokens_details: OutputTokensDetails,
    /// Both together.
    pub total_tokens: u64,
    /// Whether counts are an estimate because the container did not report them. An extension of
    /// ours, left out if they were reported.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

/// How a prompt was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InputTokensDetails {
    /// Tokens read from a cache.
    pub cached_tokens: u64,
    /// Tokens written to a cache: containers do not tell.
    #[serde(default)]
    pub cache_write_tokens: u64,
}

/// What was generated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutputTokensDetails {
    /// Tokens of thoughts, if the container tells.
    pub reasoning_tokens: u64,
}

impl From<&sagewire_types::Usage> for ResponseUsage {
    fn from(usage: &sagewire_types::Usage) -> Self {
        let detail = |details: &str, name: &str| detail(&usage.extra, details, name);
        Self {
            input_tokens: usage.prompt_tokens,
            input_tokens_details: InputTokensDetails {
                cached_tokens: detail("prompt_tokens_details", "cached_tokens").min(usage.prompt_tokens),
                cache_write_tokens: 0,
            },
            output_tokens: usage.completion_tokens,
            output_tokens_details: OutputTokensDetails {
                reasoning_tokens: detail("completion_tokens_details", "reasoning_tokens").min(usage.completion_tokens),
            },
            total_tokens: usage.prompt_tokens.saturating_add(usage.completion_tokens),
            estimated: usage.estimated,
        }
    }
}

fn detail(extra: &Map<String, Value>, details: &str, name: &str) -> u64 {
    extra.get(details).and_then(|details| details.get(name)?.as_u64()).unwrap_or_default()
}

impl ResponseForm {
    /// A chat answer as a response. `usage` is what the chat answer reports, or an estimate.
    ///
    /// # Errors
    /// `Decode` if the answer has no choice, or a call that cannot be used.
    pub fn response(
        &self,
        head: &Head,
        response: &ChatResponse,
        usage: &sagewire_types::Usage,
    ) -> Result<Response, Error> {
        let choice = response
            .choices
            .first()
            .ok_or_else(|| Error::new(ErrorKind::Decode, "the model's answer has no choices; retry the request"))?;
        let mut answer = self.beginning(head);
        answer.output = self.items(head, choice)?;
        answer.end(choice.finish_reason.as_ref(), usage.into());
        Ok(answer)
    }

    /// An answer of which nothing has come yet.
    pub(super) fn beginning(&self, head: &Head) -> Response {
        Response {
            id: head.id.clone(),
            object: "response".to_owned(),
            created_at: head.created_at,
            status: Status::InProgress,
            background: false,
            error: None,
            incomplete_details: None,
            model: head.model.clone(),
            output: Vec::new(),
            store: head.store,
            usage: None,
            asked: self.asked.clone(),
        }
    }
}

impl Response {
    /// Ends an answer with what its finish reason says.
    pub(super) fn end(&mut self, reason: Option<&FinishReason>, usage: ResponseUsage) {
        self.usage = Some(usage);
        let Some(reason) = cut_by(reason) else {
            self.status = Status::Completed;
            return;
        };
        self.status = Status::Incomplete;
        self.incomplete_details = Some(IncompleteDetails { reason: reason.to_owned() });
        if let Some(
            OutputItem::Message { status, .. }
            | OutputItem::Reasoning { status, .. }
            | OutputItem::FunctionCall { status, .. }
            | OutputItem::CustomToolCall { status, .. },
        ) = self.output.last_mut()
        {
            *status = Status::Incomplete;
        }
    }
}

/// What cut an answer that is not complete.
pub(super) fn cut_by(reason: Option<&FinishReason>) -> Option<&'static str> {
    match reason {
        Some(FinishReason::Length) => Some("max_output_tokens"),
        Some(FinishReason::ContentFilter) => Some("content_filter"),
        _ => None,
    }
}
