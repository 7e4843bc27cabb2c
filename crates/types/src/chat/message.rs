//! One turn of a conversation.
//!
//! Owns the message's shape; the prompt a text model sees is made elsewhere.

use std::borrow::Cow;

use serde::{Serialize, de::Error as _};
use serde_json::{Map, Value};

use super::{Content, Role, ToolCall};
use crate::open_object::{OrDefault, open_object};

/// A message of a conversation, in any role. Fields it does not name are kept in `extra`.
///
/// <https://platform.openai.com/docs/api-reference/chat/create#chat_create-messages>
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said; absent where the message only carries tool calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// A name that tells participants of one role apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the model asked its tools to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// In a tool message: the call that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// Everything else, in its order.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Message {
    /// A message of this role and content.
    #[must_use]
    pub fn new(role: Role, content: impl Into<Content>) -> Self {
        Self { role, content: Some(content.into()), ..Self::default() }
    }

    /// Instructions for the whole conversation.
    #[must_use]
    pub fn system(content: impl Into<Content>) -> Self {
        Self::new(Role::System, content)
    }

    /// A question or statement of the user.
    #[must_use]
    pub fn user(content: impl Into<Content>) -> Self {
        Self::new(Role::User, content)
    }

    /// An answer of the model.
    #[must_use]
    pub fn assistant(content: impl Into<Content>) -> Self {
        Self::new(Role::Assistant, content)
    }

    /// The result of the tool call with this id.
    #[must_use]
    pub fn tool(tool_call_id: impl Into<String>, content: impl Into<Content>) -> Self {
        Self { tool_call_id: Some(tool_call_id.into()), ..Self::new(Role::Tool, content) }
    }

    /// The text of the content; empty where there is none.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        self.content.as_ref().map(Content::text).unwrap_or_default()
    }
}

open_object!(Message with nulls {
    "role" => role: Role, |role| role.ok_or_else(|| A::Error::missing_field("role"));
    "content" => content: Option<Content>, |content| Ok(content.flatten());
    "name" => name: Option<String>, |name| Ok(name.flatten());
    "tool_calls" => tool_calls: OrDefault<Vec<ToolCall>>, |calls| Ok(calls.map(|OrDefault(calls)| calls).unwrap_or_default());
    "tool_call_id" => tool_call_id: Option<String>, |id| Ok(id.flatten());
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_turn_survives_a_round_trip() {
        let json = r#"{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}],"reasoning_content":"hm"}"#;
        let message: Message = serde_json::from_str(json).unwrap();
        assert_eq!(message.tool_calls[0].function.name, "f");
        assert_eq!(serde_json::to_string(&message).unwrap(), json);
    }

    #[test]
    fn null_content_and_null_tool_calls_are_absent() {
        let message: Message =
            serde_json::from_str(r#"{"role":"assistant","content":null,"tool_calls":null}"#).unwrap();
        assert_eq!(message, Message { role: Role::Assistant, ..Message::default() });
        assert_eq!(message.text(), "");
    }

    #[test]
    fn an_unknown_role_is_kept() {
        let message: Message = serde_json::from_str(r#"{"role":"ipython","content":"4"}"#).unwrap();
        assert_eq!(message.role, Role::Other("ipython".to_owned()));
    }
}
