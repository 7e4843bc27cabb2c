//! The proxy's `config.yaml`: any text ends in settings or in problems with their places, and in bounded memory.
//!
//! The property is in `sagewire_tests::properties::configuration`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sagewire_tests::properties;

fuzz_target!(|input: &[u8]| properties::configuration::check(input));
