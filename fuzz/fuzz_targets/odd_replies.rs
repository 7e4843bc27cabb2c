//! Replies with odd values and orders, whole and streamed, at any cut: an answer's text is never lost and never invented.
//!
//! The property is in `sagewire_tests::properties::odd_replies`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| sagewire_fuzz::try_on("odd_replies", input));
