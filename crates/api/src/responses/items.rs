//! Items of a request's input.
//!
//! Owns what each item becomes in chat. <https://platform.openai.com/docs/api-reference/responses/create#responses_create-input>

use sagewire_types::{ContentPart, Error, ErrorKind, ToolCall};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    request::beginning,
    tools::{Tools, custom_arguments},
};
use crate::{
    conversation::{Conversation, image, part},
    thoughts,
};

/// Calls that OpenAI's servers made for another model, and their results. They mean nothing to a
/// container and are left out.
const HOSTED: &[&str] = &[
    "apply_patch_call",
    "apply_patch_call_output",
    "code_interpreter_call",
    "computer_call",
    "computer_call_output",
    "file_search_call",
    "image_generation_call",
    "local_shell_call",
    "local_shell_call_output",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "mcp_list_tools",
    "shell_call",
    "shell_call_output",
    "tool_search_call",
    "tool_search_output",
    "web_search_call",
];

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Item {
    Message {
        role: ItemRole,
        content: ItemContent,
    },
    FunctionCall {
        call_id: String,
        name: String,
        #[serde(default)]
        namespace: Option<String>,
        arguments: String,
    },
    FunctionCallOutput {
        call_id: String,
        output: ItemContent,
    },
    CustomToolCall {
        call_id: String,
        name: String,
        #[serde(default)]
        namespace: Option<String>,
        input: String,
    },
    CustomToolCallOutput {
        call_id: String,
        output: ItemContent,
    },
    Reasoning {
        #[serde(default)]
        summary: Option<Vec<Thought>>,
        #[serde(default)]
        content: Option<Vec<Thought>>,
        #[serde(default)]
        encrypted_content: Option<String>,
    },
    AdditionalTools {
        tools: Vec<Value>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ItemRole {
    User,
    Assistant,
    System,
    Developer,
}

#[derive(Debug, Deserialize)]
struct Thought {
    #[serde(default)]
    text: String,
}

/// A text, or parts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ItemContent {
    Text(String),
    Parts(Vec<Value>),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ItemPart {
    #[serde(alias = "output_text", alias = "text")]
    InputText {
        text: String,
    },
    Refusal {
        refusal: String,
    },
    InputImage {
        #[serde(default)]
        image_url: Option<String>,
        #[serde(default)]
        detail: Option<String>,
    },
    InputFile {
        #[serde(default)]
        file_data: Option<String>,
        #[serde(default)]
        filename: Option<String>,
    },
    InputAudio {
        input_audio: Value,
    },
}

/// The item's type. An item with a role needs none.
pub(super) fn kind(item: &Value) -> Option<&str> {
    item.get("type").and_then(Value::as_str).or_else(|| item.get("role").map(|_| "message"))
}

/// The id of the stored item that this one stands for.
pub(super) fn reference(item: &Value) -> Option<&str> {
    let id = item.get("id")?.as_str();
    // The type may be left out.
    let is_reference = kind(item) == Some("item_reference") || item.as_object().is_some_and(|item| item.len() == 1);
    id.filter(|_| is_reference)
}

/// Adds an item to the conversation, and the tools that it brings to the tools.
pub(super) fn add(item: &Value, conversation: &mut Conversation, tools: &mut Tools) -> Result<(), Error> {
    if let Some(id) = reference(item) {
        return Err(Error::invalid(
            "input",
            format!("no stored item `{}`; send the item itself instead of an `item_reference`", beginning(id)),
        ));
    }
    let kind = kind(item).ok_or_else(|| Error::invalid("input", "an item in `input` has no `type`; add one"))?;
    let item = match kind {
        "message"
        | "function_call"
        | "function_call_output"
        | "custom_tool_call"
        | "custom_tool_call_output"
        | "reasoning"
        | "additional_tools" => read(kind, item)?,
        hosted if HOSTED.contains(&hosted) => return Ok(()),
        other => {
            return Err(unsupported(&format!("items of the type `{other}` cannot be sent to a model on SageMaker")));
        }
    };
    match item {
        Item::Message { role: ItemRole::User, content } => conversation.user(content.parts()?),
        Item::Message { role: ItemRole::Assistant, content } => {
            conversation.say(&content.text("assistant messages", "")?);
        }
        Item::Message { role: ItemRole::System | ItemRole::Developer, content } => {
            conversation.instruct(content.text("instructions", "\n\n")?);
        }
        Item::FunctionCall { call_id, name, namespace, arguments } => {
            let name = tools.names.in_chat(namespace.as_deref(), &name);
            let arguments = if arguments.trim().is_empty() { "{}".to_owned() } else { arguments };
            conversation.call(ToolCall::function(call_id, name, arguments));
        }
        Item::CustomToolCall { call_id, name, namespace, input } => {
            let name = tools.names.in_chat(namespace.as_deref(), &name);
            conversation.call(ToolCall::function(call_id, name, custom_arguments(&input)));
        }
        Item::FunctionCallOutput { call_id, output } | Item::CustomToolCallOutput { call_id, output } => {
            conversation.result(call_id, output.parts()?);
        }
        Item::Reasoning { summary, content, encrypted_content } => {
            let joined = |thoughts: Option<Vec<Thought>>, between: &str| {
                let texts: Vec<_> = thoughts.into_iter().flatten().map(|thought| thought.text).collect();
                Some(texts.join(between)).filter(|text| !text.is_empty())
            };
            let sealed = encrypted_content.as_deref().and_then(thoughts::open);
            let thoughts = sealed.or_else(|| joined(content, "")).or_else(|| joined(summary, "\n\n"));
            if let Some(thoughts) = thoughts {
                conversation.think(&thoughts);
            }
        }
        Item::AdditionalTools { tools: more } => tools.add(&more)?,
    }
    Ok(())
}

fn read(kind: &str, item: &Value) -> Result<Item, Error> {
    let read = match item.get("type") {
        Some(_) => Item::deserialize(item),
        None => {
            let mut typed = item.clone();
            if let Value::Object(typed) = &mut typed {
                typed.insert("type".to_owned(), Value::from(kind));
            }
            Item::deserialize(typed)
        }
    };
    read.map_err(|error| {
        Error::invalid("input", format!("invalid item of the type `{kind}` in `input`: {error}")).with_source(error)
    })
}

impl ItemContent {
    fn parts(self) -> Result<Vec<ContentPart>, Error> {
        match self {
            Self::Text(text) => Ok(vec![ContentPart::text(text)]),
            Self::Parts(parts) => parts.iter().map(content_part).collect(),
        }
    }

    /// The text of what can only hold text.
    fn text(self, holder: &str, between: &str) -> Result<String, Error> {
        let texts = self.parts()?.into_iter().map(|part| {
            part.text.ok_or_else(|| {
                Error::invalid("input", format!("invalid content in `input`: only text is supported in {holder}"))
            })
        });
        Ok(texts.collect::<Result<Vec<_>, _>>()?.join(between))
    }
}

fn content_part(value: &Value) -> Result<ContentPart, Error> {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let known = ["input_text", "output_text", "text", "refusal", "input_image", "input_file", "input_audio"];
    if !known.contains(&kind) {
        return Err(unsupported(&format!("content of the type `{kind}` cannot be sent to a model on SageMaker")));
    }
    let parsed = ItemPart::deserialize(value).map_err(|error| {
        Error::invalid("input", format!("invalid content of the type `{kind}` in `input`: {error}")).with_source(error)
    })?;
    match parsed {
        ItemPart::InputText { text } | ItemPart::Refusal { refusal: text } => Ok(ContentPart::text(text)),
        ItemPart::InputImage { image_url: Some(url), detail } => {
            Ok(image(&url, detail.as_deref().filter(|detail| *detail != "auto")))
        }
        ItemPart::InputImage { .. } => Err(unsupported("an image must be given as `image_url`")),
        ItemPart::InputFile { file_data: Some(data), filename } => {
            let name = filename.unwrap_or_else(|| "file".to_owned());
            Ok(part("file", json!({ "filename": name, "file_data": data })))
        }
        ItemPart::InputFile { .. } => Err(unsupported("a file must be given as `file_data`")),
        ItemPart::InputAudio { input_audio } => Ok(part("input_audio", input_audio)),
    }
}

fn unsupported(reason: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("unsupported content in `input`: {reason}")).with_param("input")
}
