//! The proxy's request bodies: chat, completion and embeddings.
//!
//! The property is in `sagewire_tests::properties::requests`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| sagewire_fuzz::try_on("requests", input));
