//! Folding a stream's chunks into one whole answer.
//!
//! Owns the merge alone: it judges nothing about completeness, which the stream has already done.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    AssistantMessage, ChatChunk, ChatResponse, Choice, ChunkChoice, FinishReason, FunctionCall, Role, ToolCall,
    ToolCallDelta,
};

/// Folds the chunks of one answer into a [`ChatResponse`].
///
/// ```
/// use sagewire_types::{ChatChunk, ChunkChoice, ChunkCollector, FinishReason};
///
/// let mut collector = ChunkCollector::new();
/// for choice in [ChunkChoice::text("Hel"), ChunkChoice::text("lo"), ChunkChoice::finished(FinishReason::Stop)] {
///     collector.push(ChatChunk::new("id".into(), "model".into(), 0, vec![choice]));
/// }
/// assert_eq!(collector.finish().content(), "Hello");
/// ```
#[derive(Debug, Default)]
pub struct ChunkCollector {
    response: ChatResponse,
    choices: BTreeMap<u32, PartialChoice>,
}

#[derive(Debug, Default)]
struct PartialChoice {
    role: Option<Role>,
    content: Option<String>,
    reasoning_content: Option<String>,
    tool_calls: BTreeMap<u32, ToolCall>,
    finish_reason: Option<FinishReason>,
    logprobs: Option<Value>,
    message_extra: Map<String, Value>,
    choice_extra: Map<String, Value>,
}

impl ChunkCollector {
    /// A collector that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next chunk. Texts are joined; of every other field the last value stays.
    pub fn push(&mut self, chunk: ChatChunk) {
        if self.response.object.is_empty() {
            self.response.object = "chat.completion".to_owned();
            self.response.id = chunk.id.as_ref().to_owned();
            self.response.created = chunk.created;
            self.response.model = chunk.model.as_ref().to_owned();
        }
        if chunk.usage.is_some() {
            self.response.usage = chunk.usage;
        }
        self.response.extra.extend(chunk.extra);
        for choice in chunk.choices {
            self.choices.entry(choice.index).or_default().push(choice);
        }
    }

    /// The whole answer, its choices in order.
    #[must_use]
    pub fn finish(mut self) -> ChatResponse {
        self.response.choices = self.choices.into_iter().map(|(index, choice)| choice.finish(index)).collect();
        self.response
    }
}

impl PartialChoice {
    fn push(&mut self, choice: ChunkChoice) {
        let delta = choice.delta;
        self.role = delta.role.or(self.role.take());
        append(&mut self.content, delta.content);
        append(&mut self.reasoning_content, delta.reasoning_content);
        for call in delta.tool_calls {
            let index = call.index.or_else(|| self.tool_calls.keys().next_back().copied()).unwrap_or_default();
            let whole = self.tool_calls.entry(index).or_insert_with(|| ToolCall::function("", "", ""));
            push_call(whole, call);
        }
        self.finish_reason = choice.finish_reason.or(self.finish_reason.take());
        merge_logprobs(&mut self.logprobs, choice.logprobs);
        self.message_extra.extend(delta.extra);
        self.choice_extra.extend(choice.extra);
    }

    fn finish(self, index: u32) -> Choice {
        Choice {
            index,
            message: AssistantMessage {
                role: self.role.unwrap_or(Role::Assistant),
                content: self.content,
                reasoning_content: self.reasoning_content,
                tool_calls: self.tool_calls.into_values().collect(),
                extra: self.message_extra,
            },
            finish_reason: self.finish_reason,
            logprobs: self.logprobs,
            extra: self.choice_extra,
        }
    }
}

fn append(whole: &mut Option<String>, piece: Option<String>) {
    match (whole.as_mut(), piece) {
        (Some(whole), Some(piece)) => whole.push_str(&piece),
        (None, Some(piece)) => *whole = Some(piece),
        (_, None) => {}
    }
}

fn push_call(whole: &mut ToolCall, piece: ToolCallDelta) {
    if let Some(id) = piece.id.filter(|id| !id.is_empty()) {
        whole.id = id;
    }
    if let Some(kind) = piece.kind {
        whole.kind = kind;
    }
    if let Some(function) = piece.function {
        let FunctionCall { name, arguments } = &mut whole.function;
        name.push_str(function.name.as_deref().unwrap_or_default());
        arguments.push_str(function.arguments.as_deref().unwrap_or_default());
    }
    whole.extra.extend(piece.extra);
}

/// OpenAI's log probabilities are an object of lists (`content`, `refusal`): each list grows.
fn merge_logprobs(whole: &mut Option<Value>, piece: Option<Value>) {
    match (whole.as_mut(), piece) {
        (Some(Value::Object(whole)), Some(Value::Object(piece))) => {
            for (key, value) in piece {
                match (whole.get_mut(&key), value) {
                    (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
                    (Some(_), Value::Null) => {}
                    (_, value) => {
                        whole.insert(key, value);
                    }
                }
            }
        }
        (_, Some(Value::Null) | None) => {}
        (_, piece) => *whole = piece,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(chunks: &[&str]) -> ChatResponse {
        let mut collector = ChunkCollector::new();
        for chunk in chunks {
            collector.push(serde_json::from_str(chunk).unwrap());
        }
        collector.finish()
    }

    #[test]
    fn tool_calls_are_put_together_by_index() {
        let response = collect(&[
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}},{"index":0,"function":{"arguments":":1}"}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
        ]);
        let choice = &response.choices[0];
        assert_eq!(choice.message.content, None);
        assert_eq!(choice.finish_reason, Some(FinishReason::ToolCalls));
        assert_eq!(
            choice.message.tool_calls,
            [ToolCall::function("a", "f", r#"{"x":1}"#), ToolCall::function("b", "g", "{}")]
        );
    }

    #[test]
    fn choices_usage_and_log_probabilities_are_kept_apart_and_in_order() {
        let response = collect(&[
            r#"{"id":"i","model":"m","created":9,"choices":[{"index":1,"delta":{"content":"B"}},{"index":0,"delta":{"content":"A"},"logprobs":{"content":[1]}}]}"#,
            r#"{"id":"i","choices":[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[2]},"finish_reason":"length"}]}"#,
            r#"{"id":"i","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#,
        ]);
        let texts: Vec<_> = response.choices.iter().map(|choice| choice.message.content.as_deref()).collect();
        assert_eq!(texts, [Some("Aa"), Some("B")]);
        assert_eq!(response.choices[0].logprobs, Some(serde_json::json!({"content": [1, 2]})));
        assert_eq!(response.choices[0].finish_reason, Some(FinishReason::Length));
        assert_eq!((response.id.as_str(), response.model.as_str(), response.created), ("i", "m", 9));
        assert_eq!(response.usage.unwrap().total_tokens, 3);
    }
}
