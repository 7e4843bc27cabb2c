//! The decoders of chat and completion replies, whole and streamed, at any cut.
//!
//! The property is in `sagewire_tests::properties::dialects`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sagewire_tests::properties;

fuzz_target!(|input: &[u8]| properties::dialects::check(input));
