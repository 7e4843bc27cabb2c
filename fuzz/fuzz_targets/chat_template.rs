//! A chat template and a conversation.
//!
//! The property is in `sagewire_tests::properties::chat_template`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sagewire_tests::properties;

fuzz_target!(|input: &[u8]| properties::chat_template::check(input));
