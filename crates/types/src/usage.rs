//! How many tokens a call took.
//!
//! Owns the counts as reported or estimated; it counts nothing itself.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::open_object::{OrDefault, open_object};

/// The tokens of one call, as in OpenAI's [`usage`](https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of the answer; 0 for embeddings.
    pub completion_tokens: u64,
    /// Both together.
    pub total_tokens: u64,
    /// Whether we estimated the counts because the container reported none.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    /// Everything else, such as `prompt_tokens_details`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Usage {
    /// Counts as a container reported them.
    #[must_use]
    pub fn reported(prompt_tokens: u64, completion_tokens: u64) -> Self {
        let total_tokens = prompt_tokens.saturating_add(completion_tokens);
        Self { prompt_tokens, completion_tokens, total_tokens, ..Self::default() }
    }

    /// Counts that we estimated.
    #[must_use]
    pub fn estimated(prompt_tokens: u64, completion_tokens: u64) -> Self {
        Self { estimated: true, ..Self::reported(prompt_tokens, completion_tokens) }
    }
}

open_object!(Usage without nulls {
    "prompt_tokens" => prompt_tokens: OrDefault<u64>, |tokens| Ok(tokens.map_or(0, |OrDefault(tokens)| tokens));
    "completion_tokens" => completion_tokens: OrDefault<u64>, |tokens| Ok(tokens.map_or(0, |OrDefault(tokens)| tokens));
    "total_tokens" => total_tokens: OrDefault<u64>, |tokens| Ok(tokens.map_or(0, |OrDefault(tokens)| tokens));
    "estimated" => estimated: bool, |estimated| Ok(estimated.unwrap_or_default());
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_survive_and_nulls_are_zero() {
        let json = r#"{"prompt_tokens":3,"completion_tokens":null,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":1}}"#;
        let usage: Usage = serde_json::from_str(json).unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (3, 0));
        assert_eq!(usage.extra["prompt_tokens_details"]["cached_tokens"], 1);
    }

    #[test]
    fn an_estimate_says_so_on_the_wire_and_a_report_does_not() {
        let json = |usage| serde_json::to_value(usage).unwrap();
        assert_eq!(json(Usage::estimated(1, 2))["estimated"], true);
        assert_eq!(json(Usage::reported(1, 2)).get("estimated"), None);
    }
}
