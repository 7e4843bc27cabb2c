//! What AWS's control plane says about an endpoint.
//!
//! The property is in `sagewire_tests::properties::discovery`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| sagewire_fuzz::try_on("discovery", input));
