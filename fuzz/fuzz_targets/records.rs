//! The framer of server-sent events and JSON lines, at any cut.
//!
//! The property is in `sagewire_tests::properties::records`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sagewire_tests::properties;

fuzz_target!(|input: &[u8]| properties::records::check(input));
