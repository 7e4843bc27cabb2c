//! The grammar of AWS's shared files, and the chain of a profile.
//!
//! The property is in `sagewire_tests::properties::profiles`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sagewire_tests::properties;

fuzz_target!(|input: &[u8]| properties::profiles::check(input));
