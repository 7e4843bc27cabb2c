//! The tokens that a container does not report, estimated with the feature `estimate-usage`.
//!
//! Owns the choice of what counts them, and that it is made ready on another thread. What is done with the counts is the dialects'.

use sagewire_dialects::{
    DecodeContext,
    usage::{self, CountTokens},
};
use sagewire_types::{ChatResponse, EmbedInput, EmbedResponse};

#[cfg(feature = "estimate-usage")]
mod tokens;

/// What counts tokens; `None` without the feature.
#[cfg(feature = "estimate-usage")]
pub(crate) const COUNT: Option<CountTokens> = Some(tokens::count);

/// What counts tokens; `None` without the feature.
#[cfg(not(feature = "estimate-usage"))]
pub(crate) const COUNT: Option<CountTokens> = None;

/// Makes ready what counts tokens, if a stream with this context may need it.
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
    if let Some(count) = COUNT.filter(|_| response.usage.is_none()) {
        ready().await;
        usage::fill_in_embeddings(response, input, count);
    }
}

#[cfg(feature = "estimate-usage")]
async fn ready() {
    tokens::ready().await;
}

#[cfg(not(feature = "estimate-usage"))]
async fn ready() {}
