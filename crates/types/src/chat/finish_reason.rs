//! Why an answer ended.
//!
//! Owns OpenAI's names; what containers call the same things is their dialects'.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::lenient::Scalar;

/// Why a choice ended, in [OpenAI's terms](https://platform.openai.com/docs/api-reference/chat/object#chat/object-choices).
///
/// An unknown value survives a round trip as [`FinishReason::Other`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishReason {
    /// The model ended its answer, or a stop sequence did.
    Stop,
    /// The limit of tokens was reached: the answer is cut.
    Length,
    /// The model asks for tools to be called.
    ToolCalls,
    /// The older form of [`FinishReason::ToolCalls`].
    FunctionCall,
    /// A filter took text out.
    ContentFilter,
    /// Any other reason, kept as it came.
    Other(String),
}

impl FinishReason {
    /// The reason as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::FunctionCall => "function_call",
            Self::ContentFilter => "content_filter",
            Self::Other(reason) => reason,
        }
    }
}

impl From<&str> for FinishReason {
    fn from(reason: &str) -> Self {
        match reason {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "tool_calls" => Self::ToolCalls,
            "function_call" => Self::FunctionCall,
            "content_filter" => Self::ContentFilter,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for FinishReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for FinishReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for FinishReason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize(deserializer, |reason| Self::from(reason))
    }
}

impl Scalar for FinishReason {
    fn from_text(text: &str) -> Option<Self> {
        Some(Self::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_survives_a_round_trip() {
        for reason in ["stop", "length", "tool_calls", "function_call", "content_filter", "eos_token", "new"] {
            let json = format!("\"{reason}\"");
            let parsed: FinishReason = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&parsed).unwrap(), json);
        }
    }
}
