//! A chat template and a conversation.
//!
//! The property is in `sagewire_tests::properties::chat_template`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| sagewire_fuzz::try_on("chat_template", input));
