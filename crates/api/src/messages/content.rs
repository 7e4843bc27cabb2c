//! Content blocks of a request's messages.
//!
//! Owns what each block becomes in chat. <https://docs.anthropic.com/en/api/messages#body-messages-content>

use sagewire_types::{ContentPart, Error, ErrorKind, ToolCall};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value, json};

use crate::{
    conversation::{Conversation, image, part},
    thoughts,
};

/// A text, or blocks.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Blocks(Vec<Block>),
}

/// A block, or the type of one that has no meaning in chat.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Block {
    Known(Known),
    Other(String),
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Known {
    Text {
        text: String,
    },
    Image {
        source: Source,
    },
    Document {
        source: Source,
        #[serde(default)]
        title: Option<String>,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Map<String, Value>,
    },
    ToolResult {
        tool_use_id: String,
        #[serde(default)]
        content: Option<Content>,
        #[serde(default)]
        is_error: Option<bool>,
    },
    Thinking {
        #[serde(default)]
        thinking: String,
        #[serde(default)]
        signature: String,
    },
    RedactedThinking {
        #[serde(default)]
        data: String,
    },
}

/// Where an image or document is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source {
    Base64 { media_type: String, data: String },
    Url { url: String },
    Text { data: String },
    Content { content: Content },
    File { file_id: String },
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let kind = value.get("type").and_then(Value::as_str).ok_or_else(|| D::Error::missing_field("type"))?;
        match kind {
            "text" | "image" | "document" | "tool_use" | "tool_result" | "thinking" | "redacted_thinking" => {
                Known::deserialize(value).map(Self::Known).map_err(D::Error::custom)
            }
            other => Ok(Self::Other(other.to_owned())),
        }
    }
}

impl Content {
    /// The text of instructions.
    pub(super) fn instructions(self, param: &str) -> Result<String, Error> {
        let blocks = match self {
            Self::Text(text) => return Ok(text),
            Self::Blocks(blocks) => blocks,
        };
        let texts = blocks.into_iter().map(|block| match block {
            Block::Known(Known::Text { text }) => Ok(text),
            _ => Err(Error::invalid(
                param,
                format!("invalid value for `{param}`: only text is supported in system messages"),
            )),
        });
        Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n\n"))
    }

    /// Adds a user's turn.
    pub(super) fn add_user(self, conversation: &mut Conversation) -> Result<(), Error> {
        let blocks = match self {
            Self::Text(text) => {
                conversation.user(vec![ContentPart::text(text)]);
                return Ok(());
            }
            Self::Blocks(blocks) => blocks,
        };
        let mut parts = Vec::new();
        for block in blocks {
            if let Block::Known(Known::ToolResult { tool_use_id, content, is_error }) = block {
                if !parts.is_empty() {
                    conversation.user(std::mem::take(&mut parts));
                }
                let mut result = content.map(Self::parts).transpose()?.unwrap_or_default();
                if is_error == Some(true) {
                    mark_error(&mut result);
                }
                conversation.result(tool_use_id, result);
            } else {
                parts.extend(block.part()?);
            }
        }
        if !parts.is_empty() {
            conversation.user(parts);
        }
        Ok(())
    }

    /// Adds the model's turn.
    pub(super) fn add_assistant(self, conversation: &mut Conversation) -> Result<(), Error> {
        let blocks = match self {
            Self::Text(text) => {
                conversation.say(&text);
                return Ok(());
            }
            Self::Blocks(blocks) => blocks,
        };
        for block in blocks {
            match block {
                Block::Known(Known::Text { text }) => conversation.say(&text),
                Block::Known(Known::Thinking { thinking, signature }) => {
                    // A block whose text was left out carries it in its signature.
                    let thoughts = if thinking.is_empty() { thoughts::open(&signature) } else { Some(thinking) };
                    if let Some(thoughts) = thoughts {
                        conversation.think(&thoughts);
                    }
                }
                Block::Known(Known::RedactedThinking { data }) => {
                    if let Some(thoughts) = thoughts::open(&data) {
                        conversation.think(&thoughts);
                    }
                }
                Block::Known(Known::ToolUse { id, name, input }) => {
                    conversation.call(ToolCall::function(id, name, Value::Object(input).to_string()));
                }
                Block::Known(Known::Image { .. } | Known::Document { .. } | Known::ToolResult { .. }) => {
                    return Err(Error::invalid(
                        "messages",
                        "invalid content in an assistant message: expected text, thinking or tool_use blocks",
                    ));
                }
                // Another model's own tools left traces in the conversation that mean nothing here.
                Block::Other(_) => {}
            }
        }
        Ok(())
    }

    fn parts(self) -> Result<Vec<ContentPart>, Error> {
        match self {
            Self::Text(text) => Ok(vec![ContentPart::text(text)]),
            Self::Blocks(blocks) => blocks.into_iter().map(Block::part).filter_map(Result::transpose).collect(),
        }
    }
}

impl Block {
    /// The part of a message that the block becomes; `None` for thoughts, which are not the user's.
    fn part(self) -> Result<Option<ContentPart>, Error> {
        match self {
            Self::Known(Known::Text { text }) => Ok(Some(ContentPart::text(text))),
            Self::Known(Known::Image { source }) => match source {
                Source::Base64 { media_type, data } => {
                    Ok(Some(image(&format!("data:{media_type};base64,{data}"), None)))
                }
                Source::Url { url } => Ok(Some(image(&url, None))),
                _ => Err(unsupported("an image must be given as `base64` or `url`")),
            },
            Self::Known(Known::Document { source, title }) => document(source, title).map(Some),
            Self::Known(Known::Thinking { .. } | Known::RedactedThinking { .. }) => Ok(None),
            Self::Known(Known::ToolUse { .. } | Known::ToolResult { .. }) => Err(Error::invalid(
                "messages",
                "invalid content in a user message: `tool_use` belongs into assistant messages, and `tool_result` cannot be nested",
            )),
            Self::Other(kind) => {
                Err(unsupported(&format!("content blocks of the type `{kind}` cannot be sent to a model on SageMaker")))
            }
        }
    }
}

fn document(source: Source, title: Option<String>) -> Result<ContentPart, Error> {
    match source {
        Source::Text { data } => Ok(ContentPart::text(match title {
            Some(title) => format!("{title}\n\n{data}"),
            None => data,
        })),
        Source::Content { content } => {
            let parts = content.parts()?;
            let texts: Vec<_> = parts.iter().filter_map(|part| part.text.as_deref()).collect();
            Ok(ContentPart::text(texts.join("\n")))
        }
        Source::Base64 { media_type, data } => {
            let name = title.unwrap_or_else(|| "document".to_owned());
            Ok(part("file", json!({ "filename": name, "file_data": format!("data:{media_type};base64,{data}") })))
        }
        Source::Url { .. } | Source::File { .. } => {
            Err(unsupported("a document must be given as `text`, `content` or `base64`"))
        }
    }
}

fn unsupported(reason: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("unsupported content in `messages`: {reason}")).with_param("messages")
}

/// Chat has no mark for a failed call: its text says so.
fn mark_error(parts: &mut Vec<ContentPart>) {
    match parts.iter_mut().find_map(|part| part.text.as_mut()) {
        Some(text) => text.insert_str(0, "Error: "),
        None => parts.insert(0, ContentPart::text("Error")),
    }
}
