//! A container whose model does a small task with the tools that it is offered.
//!
//! Owns which API answers. It speaks OpenAI's chat completions and, as AWS's vLLM image does with
//! `route=`, OpenAI's Responses API and Anthropic's Messages API; or TGI's `generate`, with tools
//! in the text. What the model does is in `task`.

mod chat;
mod conversation;
mod messages;
mod responses;
mod task;
mod text;

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use self::conversation::Conversation;
use super::{Container, ContainerReply, Invocation, route, tgi::Generate};

/// A model that an agent can work with: it thinks, writes a file, looks at it by two calls at once,
/// and tells what came of them. The tools are found by their parameters: a command to run, or a
/// path and a content to write. Without such tools it answers with a sentence.
///
/// ```
/// use sagewire_emulator::{Agent, Emulator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sagewire_emulator::EmulatorError> {
/// let emulator = Emulator::builder().endpoint("agent", Agent::new().with_native_routes()).start().await?;
/// # emulator.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Agent {
    pace: Duration,
    speaks: Speaks,
}

/// Which APIs an agent's container speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Speaks {
    #[default]
    Chat,
    /// Chat, and the routes that `route=` names.
    Routes,
    /// TGI's `generate`.
    Text,
}

impl Agent {
    /// A container that speaks chat completions alone, and does not look at `route=`.
    #[must_use]
    pub const fn new() -> Self {
        Self { pace: Duration::ZERO, speaks: Speaks::Chat }
    }

    /// Answers `route=/v1/responses`, `/v1/messages`, `/v1/messages/count_tokens` and `/tokenize`,
    /// too.
    #[must_use]
    pub const fn with_native_routes(mut self) -> Self {
        self.speaks = Speaks::Routes;
        self
    }

    /// Takes prompts, as TGI's `generate` does, in place of messages. The prompt offers tools and
    /// the answer calls them in the form of Hermes and Qwen: `<tools>`, `<tool_call>`,
    /// `<tool_response>` and, for thoughts, `<think>`.
    #[must_use]
    pub const fn with_prompts(mut self) -> Self {
        self.speaks = Speaks::Text;
        self
    }

    /// Waits so long before each part of a stream, by tokio's clock.
    #[must_use]
    pub const fn paced(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    fn answer(&self, invocation: &Invocation) -> Result<ContainerReply, AgentRefusal> {
        let body: Value = serde_json::from_slice(&invocation.body)
            .map_err(|error| AgentRefusal::invalid(&format!("JSON decode error: {error}")))?;
        let identity = super::speech::fingerprint(&invocation.body);
        if self.speaks == Speaks::Text {
            let request: Generate = serde_json::from_value(body)
                .map_err(|error| AgentRefusal::text(&format!("invalid request: {error}")))?;
            return Ok(text::answer(&request, identity));
        }
        let asked = route::asked_for(invocation.custom_attributes.as_deref()).filter(|_| self.speaks == Speaks::Routes);
        match asked {
            None | Some("/v1/chat/completions") => {
                let conversation = Conversation::of_chat(&body).ok_or_else(|| AgentRefusal::missing("messages"))?;
                Ok(chat::answer(&conversation, identity))
            }
            Some("/v1/responses") => {
                let conversation = Conversation::of_responses(&body).ok_or_else(|| AgentRefusal::missing("input"))?;
                Ok(responses::answer(&conversation, identity))
            }
            Some("/v1/messages") => {
                let conversation = Conversation::of_messages(&body).ok_or_else(|| AgentRefusal::missing("messages"))?;
                Ok(messages::answer(&conversation, identity))
            }
            Some("/v1/messages/count_tokens") => {
                let conversation = Conversation::of_messages(&body).ok_or_else(|| AgentRefusal::missing("messages"))?;
                Ok(ContainerReply::json(200, &json!({ "input_tokens": conversation.prompt_tokens })))
            }
            Some("/tokenize") => {
                let conversation = Conversation::of_chat(&body).ok_or_else(|| AgentRefusal::missing("messages"))?;
                let tokens: Vec<u64> = (0..conversation.prompt_tokens as u64).collect();
                let counted =
                    json!({"count": tokens.len(), "max_model_len": 32_768, "tokens": tokens, "token_strs": null});
                Ok(ContainerReply::json(200, &counted))
            }
            Some(_) => Err(AgentRefusal { status: 404, body: json!({ "detail": "Not Found" }) }),
        }
    }
}

#[async_trait]
impl Container for Agent {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let answered = self.answer(&invocation);
        answered.unwrap_or_else(|AgentRefusal { status, body }| ContainerReply::json(status, &body)).paced(self.pace)
    }
}

/// A failure in vLLM's form or TGI's.
struct AgentRefusal {
    status: u16,
    body: Value,
}

impl AgentRefusal {
    fn invalid(message: &str) -> Self {
        let error = json!({"message": message, "type": "BadRequestError", "param": null, "code": 400});
        Self { status: 400, body: json!({ "error": error }) }
    }

    fn text(message: &str) -> Self {
        Self { status: 422, body: json!({"error": message, "error_type": "validation"}) }
    }

    fn missing(field: &str) -> Self {
        Self::invalid(&format!(
            "1 validation error: {{'type': 'missing', 'loc': ('body', '{field}'), 'msg': 'Field required'}}"
        ))
    }
}

/// An event stream of named events.
fn named_events(events: &[Value]) -> ContainerReply {
    let mut body = String::new();
    for event in events {
        let name = event.get("type").and_then(Value::as_str).unwrap_or_default();
        body.push_str(&format!("event: {name}\ndata: {event}\n\n"));
    }
    ContainerReply::new(200, "text/event-stream; charset=utf-8", body)
}

#[cfg(test)]
mod tests;
