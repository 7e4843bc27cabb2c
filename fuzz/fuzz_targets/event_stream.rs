//! AWS's frames, with their checksums repaired, against the official decoder and at any cut.
//!
//! The property is in `sagewire_tests::properties::event_stream`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sagewire_tests::properties;

fuzz_target!(|input: &[u8]| properties::event_stream::check(input));
