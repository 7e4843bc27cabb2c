//! The grammar of AWS's shared files, and the chain of a profile.
//!
//! The property is in `sagewire_tests::properties::profiles`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| sagewire_fuzz::try_on("profiles", input));
