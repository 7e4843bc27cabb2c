//! One turn of a conversation.
//!
//! Owns the message's shape; the prompt a text model sees is made elsewhere.

use std::borrow::Cow;

use serde::{Serialize, Serializer, de::Error as _, ser::SerializeMap};
use serde_json::{Map, Value};

use super::{AssistantMessage, Content, Role, ToolCall};
use crate::{nulls::Nulls, open_object::open_object};

/// A message of a conversation, in any role. Fields it does not name are kept in `extra`.
///
/// <https://platform.openai.com/docs/api-reference/chat/create#chat_create-messages>
///
/// What a caller wrote as null is written as null again.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said; absent if the message only carries tool calls.
    pub content: Option<Content>,
    /// A name that tells participants of one role apart.
    pub name: Option<String>,
    /// What the model asked its tools to do.
    pub tool_calls: Vec<ToolCall>,
    /// In a tool message: the call that it answers.
    pub tool_call_id: Option<String>,
    /// Everything else, in its order.
    pub extra: Map<String, Value>,
    nulls: Nulls,
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

/// What the model said, as a turn of the conversation that goes on. Nothing is lost: a null
/// `content` stays null, and the thoughts are in `extra` under their name in JSON.
impl From<AssistantMessage> for Message {
    fn from(message: AssistantMessage) -> Self {
        let AssistantMessage { role, content, reasoning_content, tool_calls, extra } = message;
        let thoughts = reasoning_content.map(|thoughts| ("reasoning_content".to_owned(), thoughts.into()));
        Self {
            role,
            nulls: Nulls::of([content.is_none()]),
            content: content.map(Content::Text),
            name: None,
            tool_calls,
            tool_call_id: None,
            extra: thoughts.into_iter().chain(extra).collect(),
        }
    }
}

open_object!(Message with nulls of [content, name, tool_calls, tool_call_id] {
    "role" => role: Role, |role| role.ok_or_else(|| A::Error::missing_field("role"));
    "content" => content: Option<Content>, |content| Ok(content.flatten());
    "name" => name: Option<String>, |name| Ok(name.flatten());
    "tool_calls" => tool_calls: Option<Vec<ToolCall>>, |calls| Ok(calls.flatten().unwrap_or_default());
    "tool_call_id" => tool_call_id: Option<String>, |id| Ok(id.flatten());
});

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { role, content, name, tool_calls, tool_call_id, extra, nulls } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("role", role)?;
        nulls.write(&mut map, 0, "content", content.as_ref())?;
        nulls.write(&mut map, 1, "name", name.as_ref())?;
        nulls.write(&mut map, 2, "tool_calls", Some(tool_calls).filter(|calls| !calls.is_empty()))?;
        nulls.write(&mut map, 3, "tool_call_id", tool_call_id.as_ref())?;
        for (name, value) in extra {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

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
    fn what_is_null_stays_null_and_what_is_absent_absent() {
        for json in [
            r#"{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]}"#,
            r#"{"role":"assistant","tool_calls":null,"tool_call_id":null}"#,
            r#"{"role":"user","content":"hi","name":null,"refusal":null}"#,
            r#"{"role":"user"}"#,
        ] {
            let message: Message = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&message).unwrap(), json);
            assert!(message.tool_calls.len() < 2);
        }
    }

    #[test]
    fn a_null_that_has_got_a_value_is_that_value() {
        let mut message: Message = serde_json::from_str(r#"{"role":"user","content":null}"#).unwrap();
        assert_eq!((message.content.is_none(), message.text().as_ref()), (true, ""));
        message.content = Some("hi".into());
        assert_eq!(serde_json::to_string(&message).unwrap(), r#"{"role":"user","content":"hi"}"#);
    }

    #[test]
    fn an_answer_becomes_a_turn_of_the_conversation_with_all_that_it_has() {
        for json in [
            r#"{"role":"assistant","content":"22 degrees"}"#,
            r#"{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"},"x":1}],"reasoning_content":"hm","refusal":"no"}"#,
            r#"{"role":"assistant","content":null}"#,
        ] {
            let answer: AssistantMessage = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&Message::from(answer)).unwrap(), json);
        }
    }

    #[test]
    fn an_unknown_role_is_kept() {
        let message: Message = serde_json::from_str(r#"{"role":"ipython","content":"4"}"#).unwrap();
        assert_eq!(message.role, Role::Other("ipython".to_owned()));
    }
}
