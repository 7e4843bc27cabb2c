//! The decoders of chat and completion replies, whole and streamed, at any cut.
//!
//! The property is in `sagewire_tests::properties::dialects`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| sagewire_fuzz::try_on("dialects", input));
