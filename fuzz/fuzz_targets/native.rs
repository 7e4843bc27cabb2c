//! Answers of the APIs that some containers speak themselves.
//!
//! The property is in `sagewire_tests::properties::native`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| sagewire_fuzz::try_on("native", input));
