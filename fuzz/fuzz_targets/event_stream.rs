//! AWS's frames, with their checksums repaired, against the official decoder and at any cut.
//!
//! The property is in `sagewire_tests::properties::event_stream`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| sagewire_fuzz::try_on("event_stream", input));
