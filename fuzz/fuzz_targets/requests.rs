//! The proxy's request bodies: chat, completion and embeddings.
//!
//! The property is in `sagewire_tests::properties::requests`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sagewire_tests::properties;

fuzz_target!(|input: &[u8]| properties::requests::check(input));
