//! What must hold for any bytes at all, one function for each reader of foreign bytes.
//!
//! Owns the properties, for both who try them: the fuzz target of the same name, and the quick test
//! `properties`. Each takes raw bytes and panics where its property does not hold. Inputs are texts
//! as far as can be, so that a corpus is written by hand.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher as _;

pub use cost::{Bound, Cost};

pub mod chat_template;
pub mod configuration;
mod cost;
pub mod dialects;
pub mod discovery;
pub mod embeddings;
pub mod event_stream;
pub mod native;
pub mod odd_replies;
pub mod profiles;
pub mod records;
pub mod requests;
pub mod shared_state;
pub mod signature;
pub mod tool_calls;

/// A property, and the name of its fuzz target and corpus.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// The name of the fuzz target, and of its folder below `fuzz/corpus`.
    pub name: &'static str,
    /// Panics where the property does not hold.
    pub check: fn(&[u8]),
    /// Reads the input as the program does, and nothing else: what is weighed.
    pub read: fn(&[u8]),
    /// What reading may cost.
    pub bound: Bound,
}

/// All of them.
pub const ALL: &[Property] = &[
    Property {
        name: "chat_template",
        check: chat_template::check,
        read: chat_template::read,
        bound: chat_template::BOUND,
    },
    Property {
        name: "configuration",
        check: configuration::check,
        read: configuration::read,
        bound: configuration::BOUND,
    },
    Property { name: "dialects", check: dialects::check, read: dialects::read, bound: dialects::BOUND },
    Property { name: "discovery", check: discovery::check, read: discovery::read, bound: discovery::BOUND },
    Property { name: "embeddings", check: embeddings::check, read: embeddings::read, bound: embeddings::BOUND },
    Property { name: "event_stream", check: event_stream::check, read: event_stream::read, bound: event_stream::BOUND },
    Property { name: "native", check: native::check, read: native::read, bound: native::BOUND },
    Property { name: "odd_replies", check: odd_replies::check, read: odd_replies::read, bound: odd_replies::BOUND },
    Property { name: "profiles", check: profiles::check, read: profiles::read, bound: profiles::BOUND },
    Property { name: "records", check: records::check, read: records::read, bound: records::BOUND },
    Property { name: "requests", check: requests::check, read: requests::read, bound: requests::BOUND },
    Property { name: "shared_state", check: shared_state::check, read: shared_state::read, bound: shared_state::BOUND },
    Property { name: "signature", check: signature::check, read: signature::read, bound: signature::BOUND },
    Property { name: "tool_calls", check: tool_calls::check, read: tool_calls::read, bound: tool_calls::BOUND },
];

/// Sizes of pieces that a reader is fed with: a byte at a time finds most of what cuts can break.
const SIZES: [usize; 5] = [1, 2, 3, 7, 61];

/// The bytes in pieces, in each of several ways; a cut at a place that depends on the bytes is the
/// last way.
fn cuttings(bytes: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    let place = usize::try_from(hasher.finish() % (bytes.len() as u64 + 1)).unwrap();
    let (first, second) = bytes.split_at(place);
    SIZES.iter().map(|size| bytes.chunks(*size).collect()).chain([vec![first, second]])
}

/// The input's first line and what follows it.
fn headed(input: &[u8]) -> (&[u8], &[u8]) {
    match input.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (b"", input),
    }
}
