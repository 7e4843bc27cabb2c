//! The proxy's `config.yaml`: any text ends in settings or in problems with their places, and in bounded memory.
//!
//! The property is in `sagewire_tests::properties::configuration`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| sagewire_fuzz::try_on("configuration", input));
