//! The calls of tools that a model writes into its text, in each form.
//!
//! The property is in `sagewire_tests::properties::tool_calls`, which says what an input looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| sagewire_fuzz::try_on("tool_calls", input));
