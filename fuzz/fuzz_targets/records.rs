//! The framer of server-sent events and JSON lines, at any cut.
//!
//! The property is in `sagewire_tests::properties::records`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| sagewire_fuzz::try_on("records", input));
