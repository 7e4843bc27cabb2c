//! The decoders of embedding replies.
//!
//! The input's first line holds words: a family's name, `two` for two inputs, and `cut` for vectors
//! cut to two numbers. What follows is the reply.

use sagewire_dialects::embedding::{EmbedContext, EmbeddingDialect, EmbeddingFamily};
use sagewire_types::EmbedRequest;

use super::{Bound, headed};

/// Numbers stay the text that they came as, or become four bytes each.
pub const BOUND: Bound = Bound::small(40, 200);

/// Reads a reply.
pub fn read(input: &[u8]) {
    let (family, context, reply) = parts(input);
    let _ = family.decode(&bytes::Bytes::copy_from_slice(reply), &context);
}

/// No panic; an answer has as many vectors as there were inputs, each of numbers, and a JSON form.
///
/// # Panics
/// Where this is not so.
pub fn check(input: &[u8]) {
    let (family, context, reply) = parts(input);
    let (inputs, dimensions) = (context.inputs, context.dimensions);
    let Ok(response) = family.decode(&bytes::Bytes::copy_from_slice(reply), &context) else { return };
    assert_eq!(response.data.len(), inputs, "not one vector for each input");
    for item in &response.data {
        let floats = item.floats();
        assert!(!floats.is_empty(), "a vector of no numbers");
        assert!(dimensions.is_none_or(|count| floats.len() <= count as usize), "a vector that was not cut");
    }
    serde_json::to_string(&response).expect("an answer has a JSON form");
}

/// The family, what was asked of it, and the reply.
fn parts(input: &[u8]) -> (&'static dyn EmbeddingFamily, EmbedContext, &[u8]) {
    let (head, reply) = headed(input);
    let words: Vec<&str> = head.split(|byte| *byte == b' ').filter_map(|word| std::str::from_utf8(word).ok()).collect();
    let family =
        words.iter().find_map(|name| name.parse().ok()).unwrap_or(EmbeddingDialect::HuggingFace).implementation();
    let inputs = if words.contains(&"two") { 2 } else { 1 };
    let mut request = EmbedRequest::new("m", vec!["text".to_owned(); inputs]);
    request.dimensions = words.contains(&"cut").then_some(2);
    (family, EmbedContext::new("m", &request), reply)
}
