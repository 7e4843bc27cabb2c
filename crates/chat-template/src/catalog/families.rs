//! The families, in the order in which they are tried: the most specific first.
//!
//! A template is a list of parts that are joined: a few lines that set what differs, and a shared
//! file of `templates/`. They are written for messages that were made to fit (see
//! [`crate::adapt`]): content is always a text. The templates of [`published`] are the models' own.

mod fine_tunes;
mod llama_mistral;
mod others;
mod published;
mod qwen;

use std::sync::{LazyLock, OnceLock};

use super::Entry;
use crate::adapt::{Abilities, SystemPlace};

/// What most families can take: a system message anywhere, one text per turn, no tools.
const CHAT: Abilities = Abilities { system: SystemPlace::Anywhere, tools: false, same_role_in_a_row: true };
/// With tool definitions, calls and results.
const TOOLS: Abilities = Abilities { tools: true, ..CHAT };
/// A system message only at the start, and strict turns.
const STRICT: Abilities = Abilities { system: SystemPlace::First, tools: false, same_role_in_a_row: false };
/// No system message: it joins the first user turn.
const NO_SYSTEM: Abilities = Abilities { system: SystemPlace::None, ..STRICT };

const S_TOKENS: &[(&str, &str)] = &[("bos_token", "<s>"), ("eos_token", "</s>")];
const LLAMA_3_TOKENS: &[(&str, &str)] = &[("bos_token", "<|begin_of_text|>"), ("eos_token", "<|eot_id|>")];
const CHATML_TOKENS: &[(&str, &str)] = &[("eos_token", "<|im_end|>")];
const DEEPSEEK_TOKENS: &[(&str, &str)] =
    &[("bos_token", "<｜begin▁of▁sentence｜>"), ("eos_token", "<｜end▁of▁sentence｜>")];

const CHATML: &str = include_str!("templates/chatml.jinja");
const LLAMA_3_1: &str = include_str!("templates/llama-3.1.jinja");
const MISTRAL_V3: &str = include_str!("templates/mistral-v3.jinja");
const MISTRAL_V7: &str = include_str!("templates/mistral-v7.jinja");
const QWEN: &str = include_str!("templates/qwen.jinja");
const TURNS: &str = include_str!("templates/turns.jinja");
const ZEPHYR: &str = include_str!("templates/zephyr.jinja");
const DEEPSEEK: &str = include_str!("templates/deepseek.jinja");
const INSTRUCT: &str = include_str!("templates/instruct.jinja");

fn family(
    name: &'static str,
    description: &'static str,
    patterns: &'static [&'static str],
    parts: &'static [&'static str],
    tokens: &'static [(&'static str, &'static str)],
    abilities: Abilities,
    stop: &'static [&'static str],
) -> Entry {
    let abilities = Some(abilities);
    Entry { name, description, patterns, parts, tokens, abilities, stop, tool_calls: None, compiled: OnceLock::new() }
}

/// A family with the template that its models are published with.
fn published(
    name: &'static str,
    description: &'static str,
    patterns: &'static [&'static str],
    template: &'static [&'static str],
    tokens: &'static [(&'static str, &'static str)],
    stop: &'static [&'static str],
) -> Entry {
    let (parts, abilities, tool_calls) = (template, None, None);
    Entry { name, description, patterns, parts, tokens, abilities, stop, tool_calls, compiled: OnceLock::new() }
}

/// All families.
pub(super) static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let special = fine_tunes::families().into_iter().chain(published::families());
    special.chain(qwen::families()).chain(llama_mistral::families()).chain(others::families()).collect()
});
