//! The request: <https://docs.anthropic.com/en/api/messages>
//!
//! Owns its parameters and what each becomes in chat; content and tools have files of their own.

use sagewire_types::{ChatRequest, Error, ErrorKind, StopSequences, StreamOptions};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    answer::{AnswerForm, Thinking},
    content::Content,
    error::THREAD,
    tools::{self, Choice, ToolDefinition},
};
use crate::{conversation::Conversation, effort, extra};

/// Parameters that change nothing on a model of one's own. They are accepted, because agents send
/// them by default.
const WITHOUT_MEANING: &[&str] = &[
    "betas",
    "cache_control",
    "container",
    "context_management",
    "diagnostics",
    "inference_geo",
    "service_tier",
    "speed",
    "user_profile_id",
    "workspace_id",
];

/// A request to `POST /v1/messages` or `/v1/messages/count_tokens`.
///
/// ```
/// use sagewire_api::messages::MessagesRequest;
///
/// let request: MessagesRequest = serde_json::from_str(
///     r#"{"model":"m","max_tokens":9,"system":"Be brief.","messages":[{"role":"user","content":"Hello"}]}"#,
/// )?;
/// let chat = request.into_chat()?.chat;
/// assert_eq!(
///     serde_json::to_string(&chat)?,
///     r#"{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello"}],"max_tokens":9}"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct MessagesRequest {
    /// Which model answers.
    #[serde(default)]
    pub model: String,
    /// Whether the answer is a stream of events.
    #[serde(default)]
    pub stream: Option<bool>,
    /// The most tokens to generate. Anthropic requires it; without it the model's own limit counts.
    #[serde(default)]
    pub max_tokens: Option<u64>,
    messages: Vec<InputMessage>,
    #[serde(default)]
    system: Option<Content>,
    #[serde(default)]
    tools: Option<Vec<ToolDefinition>>,
    #[serde(default)]
    tool_choice: Option<Choice>,
    #[serde(default)]
    stop_sequences: Option<Vec<String>>,
    #[serde(default)]
    temperature: Option<f64>,
    #[serde(default)]
    top_p: Option<f64>,
    #[serde(default)]
    top_k: Option<u64>,
    #[serde(default)]
    thinking: Option<ThinkingConfig>,
    #[serde(default)]
    output_config: Option<OutputConfig>,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    mcp_servers: Option<Vec<Value>>,
    #[serde(default)]
    thread: Option<Value>,
    /// Everything else: parameters of the container or of the gateway.
    #[serde(flatten)]
    extra: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct InputMessage {
    role: Role,
    content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    User,
    Assistant,
    System,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct ThinkingConfig {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    budget_tokens: Option<u64>,
    #[serde(default)]
    display: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct OutputConfig {
    #[serde(default)]
    effort: Option<String>,
    #[serde(default)]
    format: Option<Format>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Format {
    schema: Value,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Metadata {
    #[serde(default)]
    user_id: Option<String>,
}

/// A request as a chat request, and what the way back needs to know.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Translated {
    /// The chat request.
    pub chat: ChatRequest,
    /// The types of the tools that were left out because no container runs them, such as
    /// `web_search_20250305`.
    pub ignored_tools: Vec<String>,
    /// How the answer is written.
    pub form: AnswerForm,
}

impl MessagesRequest {
    /// The same request in chat's terms.
    ///
    /// # Errors
    /// `InvalidRequest` or `Unsupported`, naming the parameter.
    pub fn into_chat(self) -> Result<Translated, Error> {
        if self.thread.is_some() {
            let message = format!("unsupported parameter `{THREAD}`: conversations are not stored; send all messages");
            return Err(Error::new(ErrorKind::Unsupported, message).with_param(THREAD));
        }
        if self.messages.is_empty() {
            return Err(Error::invalid("messages", "`messages` is empty; add at least one message"));
        }
        let mut conversation = Conversation::default();
        if let Some(system) = self.system {
            conversation.instruct(system.instructions("system")?);
        }
        for InputMessage { role, content } in self.messages {
            match role {
                Role::User => content.add_user(&mut conversation)?,
                Role::Assistant => content.add_assistant(&mut conversation)?,
                Role::System => conversation.instruct(content.instructions("messages")?),
            }
        }
        let mut chat = ChatRequest::new(self.model, conversation.finish());
        let mut ignored_tools = tools::add(self.tools.unwrap_or_default(), self.tool_choice, &mut chat)?;
        if self.mcp_servers.is_some_and(|servers| !servers.is_empty()) {
            ignored_tools.push("mcp_servers".to_owned());
        }
        chat.temperature = self.temperature;
        chat.top_p = self.top_p;
        chat.max_tokens = self.max_tokens;
        chat.stream = self.stream;
        if self.stream == Some(true) {
            chat.stream_options = Some(StreamOptions::with_usage());
        }
        let stop_sequences = self.stop_sequences.unwrap_or_default();
        chat.stop = (!stop_sequences.is_empty()).then(|| StopSequences::Many(stop_sequences.clone()));
        chat.user = self.metadata.and_then(|metadata| metadata.user_id);
        let (effort, format) = self.output_config.map_or((None, None), |config| (config.effort, config.format));
        chat.reasoning_effort =
            effort.as_deref().map(effort::level).or_else(|| self.thinking.as_ref()?.effort()).map(str::to_owned);
        chat.response_format = format.map(|Format { schema }| {
            json!({ "type": "json_schema", "json_schema": { "name": "answer", "schema": schema, "strict": true } })
        });
        chat.extra = self.extra;
        chat.extra.retain(|name, _| !WITHOUT_MEANING.contains(&name.as_str()));
        if let Some(top_k) = self.top_k {
            chat.extra.insert("top_k".to_owned(), Value::from(top_k));
        }
        extra::into_fields(&mut chat)?;
        let thinking = self.thinking.map_or(Thinking::Hidden, |thinking| thinking.shown());
        Ok(Translated { chat, ignored_tools, form: AnswerForm { thinking, stop_sequences } })
    }
}

impl ThinkingConfig {
    /// How much a budget of tokens asks for.
    fn effort(&self) -> Option<&'static str> {
        match self.budget_tokens.filter(|_| self.kind == "enabled")? {
            0..=2048 => Some("low"),
            2049..=8192 => Some("medium"),
            _ => Some("high"),
        }
    }

    fn shown(&self) -> Thinking {
        match (self.kind.as_str(), self.display.as_deref()) {
            ("disabled", _) => Thinking::Hidden,
            (_, Some("omitted")) => Thinking::Sealed,
            _ => Thinking::Shown,
        }
    }
}

#[cfg(test)]
mod tests;
