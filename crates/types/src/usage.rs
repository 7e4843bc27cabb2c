//! How many tokens a call took.
//!
//! Owns the counts as reported or estimated; it counts nothing itself.

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeMap as _};
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
    /// Tokens of the answer; 0 for embeddings, whose usage is written without them.
    pub completion_tokens: u64,
    /// Both together.
    pub total_tokens: u64,
    /// Whether we estimated the counts because the container reported none.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    /// Everything else, such as `prompt_tokens_details`.
    #[serde(flatten, serialize_with = "crate::json::exact_fields")]
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

    /// The same counts with estimates in place of those that the container did not report, as text
    /// containers do not report the prompt.
    ///
    /// A prompt has at least one token, so that 0 means that it was not counted. What a total has
    /// beyond the reported parts belongs to the missing one. Reported counts stay.
    #[must_use]
    pub fn or_estimated(mut self, prompt_tokens: u64, completion_tokens: u64) -> Self {
        let rest = self.total_tokens.saturating_sub(self.prompt_tokens.saturating_add(self.completion_tokens));
        match (self.prompt_tokens, self.completion_tokens) {
            (0, 0) if rest > 0 => {
                self.completion_tokens = completion_tokens.min(rest);
                self.prompt_tokens = rest - self.completion_tokens;
                self.estimated |= completion_tokens > 0;
            }
            (0, 0) => {
                (self.prompt_tokens, self.completion_tokens) = (prompt_tokens, completion_tokens);
                self.estimated |= prompt_tokens > 0 || completion_tokens > 0;
            }
            (0, _) if rest > 0 => self.prompt_tokens = rest,
            (0, _) => {
                self.prompt_tokens = prompt_tokens;
                self.estimated |= prompt_tokens > 0;
            }
            (_, 0) if rest > 0 => self.completion_tokens = rest,
            (_, 0) => {
                self.completion_tokens = completion_tokens;
                self.estimated |= completion_tokens > 0;
            }
            _ => {}
        }
        self.total_tokens = self.total_tokens.max(self.prompt_tokens.saturating_add(self.completion_tokens));
        self
    }
}

open_object!(Usage without nulls {
    "prompt_tokens" => prompt_tokens: Lenient<u64>, |tokens| Ok(Lenient::of(tokens).unwrap_or_default());
    "completion_tokens" => completion_tokens: Lenient<u64>, |tokens| Ok(Lenient::of(tokens).unwrap_or_default());
    "total_tokens" => total_tokens: Lenient<u64>, |tokens| Ok(Lenient::of(tokens).unwrap_or_default());
    "estimated" => estimated: Lenient<bool>, |estimated| Ok(Lenient::of(estimated).unwrap_or_default());
});

/// The usage of an answer that is not generated, as in OpenAI's
/// [embeddings](https://platform.openai.com/docs/api-reference/embeddings/object): completion tokens only if there are any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InputUsage<'a>(pub(crate) &'a Usage);

impl Serialize for InputUsage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Usage { prompt_tokens, completion_tokens, total_tokens, estimated, extra } = self.0;
        let mut usage = serializer.serialize_map(None)?;
        usage.serialize_entry("prompt_tokens", prompt_tokens)?;
        if *completion_tokens > 0 {
            usage.serialize_entry("completion_tokens", completion_tokens)?;
        }
        usage.serialize_entry("total_tokens", total_tokens)?;
        if *estimated {
            usage.serialize_entry("estimated", estimated)?;
        }
        for (name, value) in extra {
            usage.serialize_entry(name, value)?;
        }
        usage.end()
    }
}

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
    fn counts_that_were_not_reported_are_estimated() {
        let totals = |prompt, completion, total| Usage { total_tokens: total, ..Usage::reported(prompt, completion) };
        for (reported, complete) in [
            (Usage::reported(3, 5), Usage::reported(3, 5)),
            (totals(3, 5, 12), totals(3, 5, 12)),
            (Usage::reported(0, 5), Usage::estimated(7, 5)),
            (Usage::reported(3, 0), Usage::estimated(3, 2)),
            (Usage::default(), Usage::estimated(7, 2)),
            (totals(0, 0, 9), Usage::estimated(7, 2)),
            (totals(0, 0, 1), Usage::estimated(0, 1)),
            // The total tells what is missing.
            (totals(0, 5, 9), Usage::reported(4, 5)),
            (totals(3, 0, 9), Usage::reported(3, 6)),
        ] {
            assert_eq!(reported.clone().or_estimated(7, 2), complete, "{reported:?}");
        }
    }

    #[test]
    fn an_empty_answer_has_no_tokens() {
        assert_eq!(Usage::reported(3, 0).or_estimated(7, 0), Usage::reported(3, 0));
        assert_eq!(Usage::reported(0, 5).or_estimated(0, 0), Usage::reported(0, 5));
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

    #[test]
    fn the_usage_of_inputs_has_completion_tokens_only_if_there_are_any() {
        let json = |usage: &Usage| serde_json::to_string(&InputUsage(usage)).unwrap();
        assert_eq!(json(&Usage::reported(3, 0)), r#"{"prompt_tokens":3,"total_tokens":3}"#);
        assert_eq!(json(&Usage::reported(3, 1)), r#"{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}"#);
        let mut estimated = Usage::estimated(3, 0);
        estimated.extra.insert("prompt_tokens_details".to_owned(), serde_json::json!({"cached_tokens": 1}));
        assert_eq!(
            json(&estimated),
            r#"{"prompt_tokens":3,"total_tokens":3,"estimated":true,"prompt_tokens_details":{"cached_tokens":1}}"#
        );
    }
}
