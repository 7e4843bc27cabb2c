//! Items of an answer: <https://platform.openai.com/docs/api-reference/responses/object#responses/object-output>

use sagewire_types::Error;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    answer::{Head, ResponseForm, Status},
    tools::{Named, custom_input},
};
use crate::{
    blocks::{self, Kind},
    thoughts,
};

/// An item of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutputItem {
    /// What the model says.
    Message {
        /// The item's id.
        id: String,
        /// Whether the item is whole.
        status: Status,
        /// `assistant`.
        role: String,
        /// One text.
        content: Vec<OutputText>,
    },
    /// What the model thinks.
    Reasoning {
        /// The item's id.
        id: String,
        /// The thoughts, if the request asks for a summary.
        summary: Vec<SummaryText>,
        /// The thoughts otherwise.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        content: Vec<ReasoningText>,
        /// The thoughts in a form to be sent back, if the request asks to include it. It is not
        /// secret.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
        /// Whether the item is whole.
        status: Status,
    },
    /// A call of a function.
    FunctionCall {
        /// The item's id.
        id: String,
        /// The id that the result names.
        call_id: String,
        /// The namespace of the function.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        /// The function.
        name: String,
        /// Its arguments as JSON text.
        arguments: String,
        /// Whether the item is whole.
        status: Status,
    },
    /// A call of a custom tool.
    CustomToolCall {
        /// The item's id.
        id: String,
        /// The id that the result names.
        call_id: String,
        /// The namespace of the tool.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        /// The tool.
        name: String,
        /// Its input.
        input: String,
        /// Whether the item is whole.
        status: Status,
    },
}

/// A text that the model says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "output_text")]
#[non_exhaustive]
pub struct OutputText {
    /// Citations: containers give none.
    pub annotations: Vec<Value>,
    /// Log probabilities: they are not translated.
    #[serde(default)]
    pub logprobs: Vec<Value>,
    /// The text.
    pub text: String,
}

impl OutputText {
    pub(super) fn new(text: String) -> Self {
        Self { annotations: Vec::new(), logprobs: Vec::new(), text }
    }
}

/// Thoughts as a summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "summary_text")]
#[non_exhaustive]
pub struct SummaryText {
    /// The text.
    pub text: String,
}

/// Thoughts as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "reasoning_text")]
#[non_exhaustive]
pub struct ReasoningText {
    /// The text.
    pub text: String,
}

impl OutputItem {
    /// The item's id.
    #[must_use]
    pub fn id(&self) -> &str {
        let (Self::Message { id, .. }
        | Self::Reasoning { id, .. }
        | Self::FunctionCall { id, .. }
        | Self::CustomToolCall { id, .. }) = self;
        id
    }

    /// The same item as it is announced before its content.
    pub(super) fn announced(mut self) -> Self {
        match &mut self {
            Self::Message { content, status, .. } => {
                content.clear();
                *status = Status::InProgress;
            }
            Self::Reasoning { summary, content, encrypted_content, status, .. } => {
                summary.clear();
                content.clear();
                *encrypted_content = None;
                *status = Status::InProgress;
            }
            Self::FunctionCall { arguments: text, status, .. } | Self::CustomToolCall { input: text, status, .. } => {
                text.clear();
                *status = Status::InProgress;
            }
        }
        self
    }
}

impl ResponseForm {
    /// The item of a block with this text, at this place of the output.
    pub(super) fn item(&self, head: &Head, kind: &Kind, text: &str, place: usize, status: Status) -> OutputItem {
        let id = |prefix: &str| item_id(prefix, head, place);
        match kind {
            Kind::Text => OutputItem::Message {
                id: id("msg"),
                status,
                role: "assistant".to_owned(),
                content: vec![OutputText::new(text.to_owned())],
            },
            Kind::Thoughts => OutputItem::Reasoning {
                id: id("rs"),
                summary: if self.summary { vec![SummaryText { text: text.to_owned() }] } else { Vec::new() },
                content: if self.summary { Vec::new() } else { vec![ReasoningText { text: text.to_owned() }] },
                encrypted_content: self.sealed.then(|| thoughts::seal(text)),
                status,
            },
            Kind::Call { id: call_id, name } => {
                let call_id = if call_id.is_empty() { id("call") } else { call_id.clone() };
                match self.names.tool(name) {
                    Named { namespace, name, is_custom: true } => {
                        let input = custom_input(text);
                        OutputItem::CustomToolCall { id: id("ctc"), call_id, namespace, name, input, status }
                    }
                    Named { namespace, name, is_custom: false } => {
                        let arguments = if text.trim().is_empty() { "{}" } else { text }.to_owned();
                        OutputItem::FunctionCall { id: id("fc"), call_id, namespace, name, arguments, status }
                    }
                }
            }
        }
    }

    /// The items of a whole answer.
    pub(super) fn items(&self, head: &Head, choice: &sagewire_types::Choice) -> Result<Vec<OutputItem>, Error> {
        let blocks = blocks::of_choice(choice)?;
        let items = blocks.iter().enumerate();
        Ok(items.map(|(place, (kind, text))| self.item(head, kind, text, place, Status::Completed)).collect())
    }
}

/// The id of an item: it tells the response that has the item.
fn item_id(prefix: &str, head: &Head, place: usize) -> String {
    format!("{prefix}_{}_{place}", head.id.strip_prefix("resp_").unwrap_or(&head.id))
}
