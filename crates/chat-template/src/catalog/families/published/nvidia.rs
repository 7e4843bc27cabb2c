//! Nemotron, of NVIDIA, and what others made of it.

use super::super::{S_TOKENS, published};
use crate::catalog::Entry;
use crate::tool_calls::ToolCallForm;

pub(super) fn families() -> [Entry; 4] {
    [
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
