//! Answers that are known by one field, and not read further: [counts of
//! tokens](https://docs.anthropic.com/en/api/messages-count-tokens) and vLLM's own
//! [routes](https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html).

use sagewire_types::{Error, Reading};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    SoFar,
    form::{self, Text},
};

#[derive(Deserialize)]
struct InputTokens {
    #[serde(rename = "input_tokens")]
    _tokens: u64,
}

#[derive(Deserialize)]
struct TokenList {
    #[serde(rename = "tokens")]
    _tokens: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct TokenizedPrompt {
    #[serde(rename = "prompt")]
    _text: Text,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "data")]
    _items: Vec<IgnoredAny>,
}

/// A count of the prompt's tokens.
pub(super) fn input_tokens(text: &str) -> Result<Reading, Error> {
    form::read::<InputTokens>(text).map(|_| Reading::default())
}

/// A list of tokens.
pub(super) fn tokens(text: &str) -> Result<Reading, Error> {
    form::read::<TokenList>(text).map(|_| Reading::default())
}

/// A text.
pub(super) fn prompt(text: &str) -> Result<Reading, Error> {
    form::read::<TokenizedPrompt>(text).map(|_| Reading::default())
}

/// A list of whatever is asked for.
pub(super) fn data(text: &str) -> Result<Reading, Error> {
    form::read::<Data>(text).map(|_| Reading::default())
}

/// Such a route has no events.
pub(super) fn knows(_: &str) -> bool {
    false
}

/// None can be read.
pub(super) fn event(_: &str, _: &mut SoFar) -> Result<Reading, Error> {
    Err(form::invalid())
}
