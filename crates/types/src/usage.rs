//! How many tokens a call took.
//!
//! Owns the counts as reported or estimated; it counts nothing itself.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::{
    lenient::{Lenient, Object},
    open_object::open_object,
};

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

    /// The same counts with an estimate of the prompt if the container counted only what it generated, as text containers do.
    #[must_use]
    pub fn or_estimated_prompt(mut self, prompt_tokens: u64) -> Self {
        // A prompt has at least one token, and a total may count it.
        if self.prompt_tokens == 0 && prompt_tokens > 0 && self.total_tokens == self.completion_tokens {
            self.prompt_tokens = prompt_tokens;
            self.total_tokens = prompt_tokens.saturating_add(self.completion_tokens);
            self.estimated = true;
        }
        self
    }
}

open_object!(Usage without nulls {
    "prompt_tokens" => prompt_tokens: Lenient<u64>, |tokens| Ok(Lenient::of(tokens).unwrap_or_default());
    "completion_tokens" => completion_tokens: Lenient<u64>, |tokens| Ok(Lenient::of(tokens).unwrap_or_default());
    "total_tokens" => total_tokens: Lenient<u64>, |tokens| Ok(Lenient::of(tokens).unwrap_or_default());
    "estimated" => estimated: Lenient<bool>, |estimated| Ok(Lenient::of(estimated).unwrap_or_default());
});

/// The usage in a reply: missing if no count is in it, whatever its form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportedUsage(pub Option<Usage>);

impl ReportedUsage {
    /// The usage of a field that may not be there at all.
    #[must_use]
    pub fn of(field: Option<Self>) -> Option<Usage> {
        field.and_then(|Self(usage)| usage)
    }
}

impl<'de> Deserialize<'de> for ReportedUsage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Object(usage) = Object::<Usage>::deserialize(deserializer)?;
        let counted = |usage: &Usage| usage.prompt_tokens > 0 || usage.completion_tokens > 0 || usage.total_tokens > 0;
        Ok(Self(usage.filter(counted).map(|mut usage| {
            if usage.total_tokens == 0 {
                usage.total_tokens = usage.prompt_tokens.saturating_add(usage.completion_tokens);
            }
            usage
        })))
    }
}

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
    fn a_prompt_that_nobody_counted_is_estimated() {
        assert_eq!(Usage::reported(0, 5).or_estimated_prompt(7), Usage::estimated(7, 5));
        let totals = Usage { total_tokens: 9, ..Usage::default() };
        for usage in [Usage::reported(3, 5), totals] {
            assert_eq!(usage.clone().or_estimated_prompt(7), usage);
        }
        assert_eq!(Usage::reported(0, 5).or_estimated_prompt(0), Usage::reported(0, 5));
    }

    #[test]
    fn a_report_without_a_count_is_none_and_counts_are_read_in_every_form() {
        let read = |json| serde_json::from_str::<ReportedUsage>(json).unwrap().0;
        for json in [
            "{}",
            "null",
            "\"none\"",
            "[1]",
            "7",
            r#"{"prompt_tokens":null,"total_tokens":-1}"#,
            r#"{"prompt_tokens":0}"#,
        ] {
            assert_eq!(read(json), None, "{json}");
        }
        for json in [
            r#"{"prompt_tokens":12.0,"completion_tokens":3.0,"total_tokens":15.0}"#,
            r#"{"prompt_tokens":"12","completion_tokens":3,"total_tokens":null}"#,
        ] {
            assert_eq!(read(json), Some(Usage::reported(12, 3)), "{json}");
        }
    }

    #[test]
    fn an_estimate_says_so_on_the_wire_and_a_report_does_not() {
        let json = |usage| serde_json::to_value(usage).unwrap();
        assert_eq!(json(Usage::estimated(1, 2))["estimated"], true);
        assert_eq!(json(Usage::reported(1, 2)).get("estimated"), None);
    }
}
