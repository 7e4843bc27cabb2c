//! Nemotron, of NVIDIA, and what others made of it.

use super::super::{LLAMA_3_TOKENS, S_TOKENS, published};
use crate::catalog::Entry;
use crate::tool_calls::ToolCallForm;

pub(super) fn families() -> [Entry; 7] {
    [
        published(
            "nemotron-super-49b-v1.5",
            "Nemotron Super 49B v1.5",
            &["nemotron-super-49b-v1-5"],
            &[include_str!("../../published/nemotron-super-49b-v1.5.jinja")],
            &[],
            &["<|eot_id|>"],
        ),
        published(
            "nemotron-super-49b",
            "Nemotron Super 49B v1",
            &["nemotron-super-49b-v1 !v1-5"],
            &[include_str!("../../published/nemotron-super-49b.jinja")],
            LLAMA_3_TOKENS,
            &["<|eot_id|>"],
        ),
        published(
            "nemotron-nano-8b",
            "Nemotron Nano 8B v1",
            &["nemotron-nano-8b-v1"],
            &[include_str!("../../published/nemotron-nano-8b.jinja")],
            &[],
            &["<|eot_id|>"],
        ),
        published(
            "nemotron-3-super",
            "Nemotron 3 Super: thinks unless `enable_thinking` is false",
            &["nemotron-3-super !base"],
            &[include_str!("../../published/nemotron-3-super.jinja")],
            &[],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::QwenXml),
        published(
            "nemotron-3-nano",
            "Nemotron 3 Nano: thinks unless `enable_thinking` is false",
            &["nemotron-3-nano !base !omni !4b"],
            &[include_str!("../../published/nemotron-3-nano.jinja")],
            &[],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::QwenXml),
        published(
            "nemotron-nano-2",
            "Nemotron Nano 9B and 12B v2: `/no_think` in a message turns thinking off",
            &["nemotron-nano 9b-v2|12b-v2 !base !vl !japanese"],
            &[include_str!("../../published/nemotron-nano-2.jinja")],
            S_TOKENS,
            &["<SPECIAL_12>"],
        ),
        published(
            "apriel-nemotron",
            "Apriel Nemotron Thinker",
            &["apriel-nemotron thinker", "apriel-h1 thinker"],
            &[include_str!("../../published/apriel-nemotron.jinja")],
            &[],
            &["<|end|>"],
        ),
    ]
}
