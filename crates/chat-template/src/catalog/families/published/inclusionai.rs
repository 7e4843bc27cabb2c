//! Ling and Ring, of inclusionAI.

use super::super::published;
use crate::catalog::Entry;
use crate::tool_calls::ToolCallForm;

pub(super) fn families() -> [Entry; 7] {
    [
        published(
            "ling-2.6",
            "Ling 2.5 and 2.6: thinks when `enable_thinking` is set",
            &["ling-2-6|ling-2-5 !base"],
            &[include_str!("../../published/ling-2.6.jinja")],
            &[],
            &["<|role_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "ling-1.5-2507",
            "Ling lite 1.5 of June and July 2025: thinks when `enable_thinking` is set",
            &["ling-lite-1-5-2507|ling-lite-1-5-2506"],
            &[include_str!("../../published/ling-1.5-2507.jinja")],
            &[],
            &["<|endoftext|>"],
        ),
        published(
            "ling-1.5",
            "Ling lite 1.5, Ling plus and Ling Coder lite",
            &["ling-lite-1-5|ling-plus|ling-coder-lite !base"],
            &[include_str!("../../published/ling-1.5.jinja")],
            &[],
            &["<|endoftext|>"],
        ),
        published(
            "ring-2.6",
            "Ring 2.6: `reasoning_effort` is `high` unless set",
            &["ring-2-6 !base"],
            &[include_str!("../../published/ring-2.6.jinja")],
            &[],
            &["<|role_end|>"],
        )
        .calling(ToolCallForm::Glm),
        published(
            "ring-2.5",
            "Ring 2.5",
            &["ring-2-5 !base"],
            &[include_str!("../../published/ring-2.5.jinja")],
            &[],
            &["<|role_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "ring-1t",
            "Ring 1T",
            &["=ring-1t"],
            &[include_str!("../../published/ring-1t.jinja")],
            &[],
            &["<|endoftext|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "ring-mini-2.0",
            "Ring mini 2.0: answers start inside `<think>`",
            &["ring-mini-2-0|ring-mini-sparse-2-0"],
            &[include_str!("../../published/ring-mini-2.0.jinja")],
            &[],
            &["<|endoftext|>"],
        ),
    ]
}
