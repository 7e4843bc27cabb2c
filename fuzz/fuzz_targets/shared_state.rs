//! What Redis answers about keys and deployments.
//!
//! The property is in `sagewire_tests::properties::shared_state`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| sagewire_fuzz::try_on("shared_state", input));
