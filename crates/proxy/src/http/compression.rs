//! Whole answers, compressed for callers that accept it.
//!
//! Owns when that is worth the time: streams and small answers go out as they are.

use http::{Extensions, HeaderMap, StatusCode, Version, header};
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer, Predicate,
        predicate::{And, SizeAbove},
    },
};

/// Below this many bytes the time is worth more than the bytes.
const WORTHWHILE: u16 = 16 * 1024;

/// Whether an answer is JSON.
type IsJson = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

pub(super) fn layer() -> CompressionLayer<And<SizeAbove, IsJson>> {
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(WORTHWHILE).and(is_json as IsJson))
}

fn is_json(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value == "application/json")
}
