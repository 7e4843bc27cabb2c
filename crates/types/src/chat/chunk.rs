//! A piece of an answer in a stream.
//!
//! Owns the shape of OpenAI's `chat.completion.chunk`; folding chunks into a whole is the
//! collector's.

use std::sync::{Arc, LazyLock};

use serde::{Serialize, de::Error as _};
use serde_json::{Map, Value};

use super::{FinishReason, Role, ToolCallDelta};
use crate::{
    Usage,
    lenient::{Lenient, Scalar},
    open_object::{Few, OrDefault, open_object},
    usage::ReportedUsage,
};

/// OpenAI's [`chat.completion.chunk`](https://platform.openai.com/docs/api-reference/chat-streaming).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ChatChunk {
    /// The answer's id, the same in all its chunks.
    pub id: Arc<str>,
    /// `chat.completion.chunk`.
    pub object: Arc<str>,
    /// When the answer began, in seconds since 1970.
    pub created: u64,
    /// The model that answers.
    pub model: Arc<str>,
    /// The next piece of each choice; empty in the chunk that carries the usage.
    pub choices: Vec<ChunkChoice>,
    /// The tokens used, in the last chunk, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Everything else that is not null, in its order.
    #[serde(flatten, serialize_with = "crate::json::exact_fields")]
    pub extra: Map<String, Value>,
}

impl ChatChunk {
    /// A chunk with these choices. Chunks of one answer share the texts they have in common.
    #[must_use]
    pub fn new(id: Arc<str>, model: Arc<str>, created: u64, choices: Vec<ChunkChoice>) -> Self {
        Self { id, object: object_name(), created, model, choices, usage: None, extra: Map::new() }
    }

    /// The text of the first choice; empty where it has none.
    #[must_use]
    pub fn content(&self) -> &str {
        self.choices.first().and_then(|choice| choice.delta.content.as_deref()).unwrap_or_default()
    }
}

/// The next piece of one choice.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ChunkChoice {
    /// Its place among the choices, from 0.
    pub index: u32,
    /// What comes next.
    pub delta: Delta,
    /// Why the choice ended, in its last piece.
    pub finish_reason: Option<FinishReason>,
    /// The log probabilities of this piece's tokens, where asked for.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "crate::json::exact_value")]
    pub logprobs: Option<Value>,
    /// Everything else that is not null, in its order.
    #[serde(flatten, serialize_with = "crate::json::exact_fields")]
    pub extra: Map<String, Value>,
}

impl ChunkChoice {
    /// The next piece of text of the first choice.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { delta: Delta { content: Some(text.into()), ..Delta::default() }, ..Self::default() }
    }

    /// The end of the first choice.
    #[must_use]
    pub fn finished(reason: FinishReason) -> Self {
        Self { finish_reason: Some(reason), ..Self::default() }
    }

    /// The same, at this place among the choices.
    #[must_use]
    pub fn at(mut self, index: u32) -> Self {
        self.index = index;
        self
    }
}

/// What a chunk adds to a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Delta {
    /// The role, in the first piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The next piece of text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The next piece of a reasoning model's thoughts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// The next pieces of tool calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCallDelta>,
    /// Everything else that is not null, in its order.
    #[serde(flatten, serialize_with = "crate::json::exact_fields")]
    pub extra: Map<String, Value>,
}

open_object!(ChatChunk without nulls {
    "id" => id: Lenient<Arc<str>>, |id| Ok(Lenient::of(id).unwrap_or_else(no_text));
    "object" => object: Lenient<ObjectName>, |name| Ok(Lenient::of(name).map_or_else(object_name, |ObjectName(name)| name));
    "created" => created: Lenient<u64>, |created| Ok(Lenient::of(created).unwrap_or_default());
    "model" => model: Lenient<Arc<str>>, |model| Ok(Lenient::of(model).unwrap_or_else(no_text));
    "choices" => choices: Option<Few<ChunkChoice>>, |choices| {
        let choices = choices.ok_or_else(|| A::Error::missing_field("choices"))?;
        Ok(choices.map(|Few(choices)| choices).unwrap_or_default())
    };
    "usage" => usage: ReportedUsage, |usage| Ok(ReportedUsage::of(usage));
});

open_object!(ChunkChoice without nulls {
    "index" => index: Lenient<u32>, |index| Ok(Lenient::of(index).unwrap_or_default());
    "delta" => delta: OrDefault<Delta>, |delta| Ok(delta.map(|OrDefault(delta)| delta).unwrap_or_default());
    "finish_reason" => finish_reason: Lenient<FinishReason>, |reason| Ok(Lenient::of(reason));
    "logprobs" => logprobs: Option<Value>, |logprobs| Ok(logprobs.flatten());
});

open_object!(Delta without nulls {
    "role" => role: Lenient<Role>, |role| Ok(Lenient::of(role));
    "content" => content: Option<String>, |content| Ok(content.flatten());
    "reasoning_content" => reasoning_content: Option<String>, |thoughts| Ok(thoughts.flatten().filter(|thoughts| !thoughts.is_empty()));
    "tool_calls" => tool_calls: OrDefault<Vec<ToolCallDelta>>, |calls| Ok(calls.map(|OrDefault(calls)| calls).unwrap_or_default());
});

/// What kind of object it is: nearly always this one, which is then not copied at all.
struct ObjectName(Arc<str>);

impl Scalar for ObjectName {
    fn from_text(text: &str) -> Option<Self> {
        let usual = object_name();
        Some(Self(if *usual == *text { usual } else { text.into() }))
    }
}

fn no_text() -> Arc<str> {
    static EMPTY: LazyLock<Arc<str>> = LazyLock::new(Arc::default);
    Arc::clone(&EMPTY)
}

fn object_name() -> Arc<str> {
    static CHUNK: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("chat.completion.chunk"));
    Arc::clone(&CHUNK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_survive() {
        let json = r#"{"id":"a","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"x","thought":1},"finish_reason":null,"stop_reason":7}],"service_tier":"x"}"#;
        let chunk: ChatChunk = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&chunk).unwrap(), json);
        assert_eq!(chunk.content(), "x");
    }

    #[test]
    fn what_a_container_leaves_out_or_sends_as_null_is_nothing() {
        let json = r#"{"id":null,"created":null,"model":null,"choices":[{"delta":null,"logprobs":null},{"delta":{"content":null,"tool_calls":null}}],"usage":null}"#;
        let chunk: ChatChunk = serde_json::from_str(json).unwrap();
        let empty = ChatChunk::new("".into(), "".into(), 0, vec![ChunkChoice::default(), ChunkChoice::default()]);
        assert_eq!(chunk, empty);
        assert_eq!(&*serde_json::from_str::<ChatChunk>(r#"{"choices":[]}"#).unwrap().object, "chat.completion.chunk");
    }

    #[test]
    fn what_nothing_depends_on_costs_nothing() {
        let json = r#"{"id":7,"object":null,"created":"1700000000.5","model":["x"],"choices":[
            {"index":"1","delta":{"role":"","content":"a","reasoning_content":""},"finish_reason":""},
            {"index":2.0,"delta":{"role":3},"finish_reason":{"type":"eos"}}],"usage":"none"}"#;
        let chunk: ChatChunk = serde_json::from_str(json).unwrap();
        let text = ChunkChoice::text("a").at(1);
        let expected = ChatChunk::new("7".into(), "".into(), 1_700_000_000, vec![text, ChunkChoice::default().at(2)]);
        assert_eq!(chunk, expected);
        let no_choices: ChatChunk = serde_json::from_str(r#"{"choices":null,"usage":{}}"#).unwrap();
        assert_eq!(no_choices, ChatChunk::new("".into(), "".into(), 0, Vec::new()));
    }

    #[test]
    fn another_shape_is_no_chunk() {
        for (json, reason) in [
            (r#"{"id":"a"}"#, "missing field `choices`"),
            (r#"{"choices":[],"choices":[]}"#, "duplicate field `choices`"),
            (r#"{"choices":[7]}"#, "expected struct ChunkChoice"),
            (r#"{"choices":[{"delta":{"content":7}}]}"#, "invalid type: integer"),
            (r#"{"choices":[{"delta":{"reasoning_content":7}}]}"#, "invalid type: integer"),
            ("[]", "expected struct ChatChunk"),
        ] {
            let error = serde_json::from_str::<ChatChunk>(json).unwrap_err().to_string();
            assert!(error.contains(reason), "{json}: {error}");
        }
    }

    #[test]
    fn escaped_names_are_the_same_names() {
        let chunk: ChatChunk =
            serde_json::from_str(r#"{"\u0063hoices":[{"delta":{"conten\u0074":"x"}}],"\u0061":1}"#).unwrap();
        assert_eq!((chunk.content(), &chunk.extra["a"]), ("x", &1.into()));
        let value: Value = serde_json::from_str(r#"{"choices":[{"delta":{"content":"x"}}],"a":1}"#).unwrap();
        assert_eq!(serde_json::from_value::<ChatChunk>(value).unwrap(), chunk);
    }

    #[test]
    fn a_usage_chunk_has_no_choices() {
        let chunk: ChatChunk = serde_json::from_str(
            r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#,
        )
        .unwrap();
        assert_eq!(chunk.usage.unwrap().total_tokens, 3);
    }
}
