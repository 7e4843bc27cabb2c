//! The tokens that a container does not report.
//!
//! Owns the choice of what estimates them: a tokenizer with the feature `estimate-usage`, which is
//! made ready on another thread, and otherwise the length of the text. What is done with the
//! estimates is the dialects'.

use sagewire_dialects::{
    DecodeContext,
    usage::{self, CountTokens},
};
use sagewire_types::{ChatResponse, EmbedInput, EmbedResponse};

#[cfg(feature = "estimate-usage")]
mod tokens;

/// What estimates tokens.
#[cfg(feature = "estimate-usage")]
pub(crate) const COUNT: CountTokens = CountTokens::With(tokens::count);

/// What estimates tokens.
#[cfg(not(feature = "estimate-usage"))]
pub(crate) const COUNT: CountTokens = CountTokens::ByLength;

/// Makes ready what estimates tokens, if a stream with this context may need it.
pub(crate) async fn get_ready(context: &DecodeContext) {
    if context.include_usage {
        ready().await;
    }
}

/// Completes the counts of a whole answer.
pub(crate) async fn fill_in(response: &mut ChatResponse, context: &DecodeContext) {
    if usage::needs_counting(response.usage.as_ref()) {
        ready().await;
        usage::fill_in(response, context);
    }
}

/// Completes the counts of embedded inputs.
pub(crate) async fn fill_in_embeddings(response: &mut EmbedResponse, input: &EmbedInput) {
    if response.usage.is_none() {
        ready().await;
    }
    usage::fill_in_embeddings(response, input, COUNT);
}

#[cfg(feature = "estimate-usage")]
async fn ready() {
    tokens::ready().await;
}

#[cfg(not(feature = "estimate-usage"))]
async fn ready() {}
