//! A whole answer of a chat model.
//!
//! Owns the shape of OpenAI's `chat.completion`.

use serde::{Serialize, de::Error as _};
use serde_json::{Map, Value};

use super::{FinishReason, Message, Role, ToolCall};
use crate::{
    Usage,
    lenient::Lenient,
    open_object::{Few, OrDefault, open_object},
    usage::ReportedUsage,
};

/// OpenAI's [`chat.completion`](https://platform.openai.com/docs/api-reference/chat/object).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ChatResponse {
    /// The answer's id.
    pub id: String,
    /// `chat.completion`.
    pub object: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// The model that answered.
    pub model: String,
    /// The answers; one unless `n` asked for more.
    pub choices: Vec<Choice>,
    /// The tokens used, where reported or estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Everything else that is not null, in its order.
    #[serde(flatten, serialize_with = "crate::json::exact_fields")]
    pub extra: Map<String, Value>,
}

impl ChatResponse {
    /// An answer with one choice of plain text.
    #[must_use]
    pub fn text(model: impl Into<String>, text: impl Into<String>, finish_reason: FinishReason) -> Self {
        let message = AssistantMessage { content: Some(text.into()), ..AssistantMessage::default() };
        let choice = Choice { message, finish_reason: Some(finish_reason), ..Choice::default() };
        Self { object: object_name(), model: model.into(), choices: vec![choice], ..Self::default() }
    }

    /// The text of the first choice; empty where it has none.
    #[must_use]
    pub fn content(&self) -> &str {
        self.message().and_then(|message| message.content.as_deref()).unwrap_or_default()
    }

    /// The calls that the first choice asks for; empty where it has none.
    #[must_use]
    pub fn tool_calls(&self) -> &[ToolCall] {
        self.message().map(|message| message.tool_calls.as_slice()).unwrap_or_default()
    }

    /// What the model says in the first choice.
    #[must_use]
    pub fn message(&self) -> Option<&AssistantMessage> {
        self.choices.first().map(|choice| &choice.message)
    }

    /// What the model says in the first choice, as the next turn of the conversation. Nothing of
    /// the message is lost.
    #[must_use]
    pub fn into_message(self) -> Option<Message> {
        self.choices.into_iter().next().map(|choice| choice.message.into())
    }
}

/// One of the answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Choice {
    /// Its place among the choices, from 0.
    pub index: u32,
    /// What the model says.
    pub message: AssistantMessage,
    /// Why it ended.
    pub finish_reason: Option<FinishReason>,
    /// The tokens' log probabilities, where asked for.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "crate::json::exact_value")]
    pub logprobs: Option<Value>,
    /// Everything else that is not null, in its order.
    #[serde(flatten, serialize_with = "crate::json::exact_fields")]
    pub extra: Map<String, Value>,
}

/// What the model says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AssistantMessage {
    /// `assistant`.
    pub role: Role,
    /// The text; `None` where the model only calls tools.
    pub content: Option<String>,
    /// What a reasoning model thought before its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// The calls it asks for.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "crate::json::exact")]
    pub tool_calls: Vec<ToolCall>,
    /// Everything else that is not null, in its order: `refusal`, `audio`, `function_call`, ...
    #[serde(flatten, serialize_with = "crate::json::exact_fields")]
    pub extra: Map<String, Value>,
}

impl Default for AssistantMessage {
    fn default() -> Self {
        Self {
            role: Role::Assistant,
            content: None,
            reasoning_content: None,
            tool_calls: Vec::new(),
            extra: Map::new(),
        }
    }
}

open_object!(ChatResponse without nulls {
    "id" => id: Lenient<String>, |id| Ok(Lenient::of(id).unwrap_or_default());
    "object" => object: Lenient<String>, |name| Ok(Lenient::of(name).unwrap_or_else(object_name));
    "created" => created: Lenient<u64>, |created| Ok(Lenient::of(created).unwrap_or_default());
    "model" => model: Lenient<String>, |model| Ok(Lenient::of(model).unwrap_or_default());
    "choices" => choices: Few<Choice>, |choices| choices.map(|Few(choices)| choices).ok_or_else(|| A::Error::missing_field("choices"));
    "usage" => usage: ReportedUsage, |usage| Ok(ReportedUsage::of(usage));
});

open_object!(Choice without nulls {
    "index" => index: Lenient<u32>, |index| Ok(Lenient::of(index).unwrap_or_default());
    "message" => message: AssistantMessage, |message| message.ok_or_else(|| A::Error::missing_field("message"));
    "finish_reason" => finish_reason: Lenient<FinishReason>, |reason| Ok(Lenient::of(reason));
    "logprobs" => logprobs: Option<Value>, |logprobs| Ok(logprobs.flatten());
});

open_object!(AssistantMessage without nulls {
    "role" => role: Lenient<Role>, |role| Ok(Lenient::of(role).unwrap_or(Role::Assistant));
    "content" => content: Option<String>, |content| Ok(content.flatten());
    "reasoning_content" => reasoning_content: Option<String>, |thoughts| Ok(thoughts.flatten().filter(|thoughts| !thoughts.is_empty()));
    "tool_calls" => tool_calls: OrDefault<Vec<ToolCall>>, |calls| Ok(calls.map(|OrDefault(calls)| calls).unwrap_or_default());
});

fn object_name() -> String {
    "chat.completion".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_survive_at_every_level() {
        let json = r#"{"id":"a","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi","refusal":"no"},"finish_reason":"eos_token","stop_reason":2}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"x":1},"kv_transfer_params":{"a":null}}"#;
        let response: ChatResponse = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&response).unwrap(), json);
        assert_eq!(response.content(), "hi");
    }

    #[test]
    fn unknown_nulls_are_left_out_and_known_ones_mean_what_they_mean() {
        let json = r#"{"id":"a","choices":[{"message":{"content":null,"refusal":null,"audio":null},"logprobs":null,"stop_reason":null}],"usage":{"prompt_tokens":1,"prompt_tokens_details":null},"kv_transfer_params":null}"#;
        let response: ChatResponse = serde_json::from_str(json).unwrap();
        let [choice] = response.choices.as_slice() else { panic!("{response:?}") };
        assert_eq!((&choice.message.content, &choice.logprobs), (&None, &None));
        let usage = response.usage.as_ref().unwrap();
        assert!(
            [&response.extra, &choice.extra, &choice.message.extra, &usage.extra].iter().all(|extra| extra.is_empty())
        );
    }

    #[test]
    fn what_nothing_depends_on_costs_nothing() {
        let json = r#"{"id":7,"object":0,"created":1.5,"model":null,"choices":[{"index":null,"message":{"role":null,"content":"hi","reasoning_content":"",
            "tool_calls":[{"id":null,"type":null,"function":{"name":"f","arguments":[1]}}]},"finish_reason":""}],"usage":{"prompt_tokens":12.0,"completion_tokens":"3","total_tokens":-1}}"#;
        let response: ChatResponse = serde_json::from_str(json).unwrap();
        let choice = &response.choices[0];
        assert_eq!((response.id.as_str(), response.created, response.content()), ("7", 1, "hi"));
        assert_eq!((&choice.message.role, &choice.message.reasoning_content), (&Role::Assistant, &None));
        assert_eq!((&choice.finish_reason, &response.usage), (&None, &Some(Usage::reported(12, 3))));
        assert_eq!(choice.message.tool_calls, [ToolCall::function("", "f", "[1]")]);
    }

    #[test]
    fn the_first_choice_is_the_answer() {
        let json = r#"{"choices":[{"message":{"content":null,"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]}},{"message":{"content":"other"}}]}"#;
        let response: ChatResponse = serde_json::from_str(json).unwrap();
        assert_eq!((response.content(), response.tool_calls()), ("", &[ToolCall::function("c", "f", "{}")][..]));
        assert_eq!(response.clone().into_message(), response.message().cloned().map(Message::from));
        let empty = ChatResponse::default();
        assert_eq!((empty.content(), empty.tool_calls()), ("", &[][..]));
        assert_eq!(empty.into_message(), None);
    }

    #[test]
    fn choices_are_required_so_that_another_shape_is_no_empty_success() {
        assert!(serde_json::from_str::<ChatResponse>(r#"{"generated_text":"hi"}"#).is_err());
    }
}
