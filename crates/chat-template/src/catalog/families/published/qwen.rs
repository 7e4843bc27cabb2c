//! Qwen 3 and later, of Alibaba.

use super::super::{CHATML_TOKENS, published};
use crate::catalog::Entry;
use crate::tool_calls::ToolCallForm;

pub(super) fn families() -> [Entry; 10] {
    [
        published(
            "qwen-3-guard",
            "Qwen3Guard Gen: judges the last turn",
            &["qwen3guard-gen"],
            &[include_str!("../../published/qwen-3-guard.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        ),
        published(
            "qwen-3-coder-next",
            "Qwen3 Coder Next",
            &["qwen3-coder-next"],
            &[include_str!("../../published/qwen-3-coder-next.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::QwenXml),
        published(
            "qwen-3-coder",
            "Qwen3 Coder instruct",
            &["qwen3-coder"],
            &[include_str!("../../published/qwen-3-coder.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::QwenXml),
        published(
            "qwen-3-vl-thinking",
            "Qwen3 VL thinking: answers start inside `<think>`",
            &["qwen3-vl thinking"],
            &[include_str!("../../published/qwen-3-vl-thinking.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "qwen-3-vl",
            "Qwen3 VL instruct",
            &["qwen3-vl instruct"],
            &[include_str!("../../published/qwen-3-vl.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "qwen-3-thinking-2507",
            "Qwen3 Thinking 2507 and Qwen3 Next thinking: answers start inside `<think>`",
            &["qwen3 thinking !omni"],
            &[include_str!("../../published/qwen-3-thinking-2507.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "qwen-3-instruct-2507",
            "Qwen3 Instruct 2507 and Qwen3 Next instruct",
            &["qwen3 instruct !omni"],
            &[include_str!("../../published/qwen-3-instruct-2507.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "qwen-3.6",
            "Qwen3.6: thinks unless `enable_thinking` is false",
            &["qwen3-6 !base"],
            &[include_str!("../../published/qwen-3.6.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::QwenXml),
        published(
            "qwen-3.5",
            "Qwen3.5: thinks unless `enable_thinking` is false",
            &["qwen3-5 !base !0-8b !2b"],
            &[include_str!("../../published/qwen-3.5.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::QwenXml),
        published(
            "qwen-3.5-small",
            "Qwen3.5 0.8B and 2B: thinks only if `enable_thinking` is true",
            &["qwen3-5 0-8b|2b !base"],
            &[include_str!("../../published/qwen-3.5-small.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::QwenXml),
    ]
}
