//! Qwen 1.5 to 3, with a template of our own. Later models have their published one.

use super::{CHAT, CHATML, CHATML_TOKENS, QWEN, TOOLS, family};
use crate::catalog::Entry;
use crate::tool_calls::ToolCallForm;

/// What QwQ and QVQ are told unless the conversation says otherwise.
const STEP_BY_STEP: &str = "{%- set default_system = 'You are a helpful and harmless assistant. You are Qwen developed by \
     Alibaba. You should think step-by-step.' %}";
const HELPFUL: &str = "{%- set default_system = 'You are a helpful assistant.' %}";

pub(super) fn families() -> [Entry; 8] {
    [
        family(
            "qwq-preview",
            "QwQ preview",
            &["qwq preview"],
            &[STEP_BY_STEP, QWEN],
            CHATML_TOKENS,
            TOOLS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        family("qvq", "QVQ preview", &["qvq"], &[STEP_BY_STEP, CHATML], CHATML_TOKENS, CHAT, &["<|im_end|>"]),
        family(
            "qwq",
            "QwQ: answers start inside `<think>`",
            &["qwq"],
            &["{%- set opening = '<think>\\n' %}", QWEN],
            CHATML_TOKENS,
            TOOLS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        family(
            "qwen-3",
            "Qwen 3: thinks unless `enable_thinking` is false",
            &["qwen3 !qwen3-5 !qwen3-6 !qwen3-7 !qwen3-8 !qwen3-9 !coder !embedding !reranker !base !vl !next !omni !asr !forcedaligner !instruct !thinking"],
            &["{%- set reasoning = true %}", QWEN],
            CHATML_TOKENS,
            TOOLS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        family(
            "qwen-2.5-math",
            "Qwen 2.5 Math instruct",
            &["qwen2-5-math instruct"],
            &[
                "{%- set default_system = 'Please reason step by step, and put your final answer within \\\\boxed{}.' %}",
                QWEN,
            ],
            CHATML_TOKENS,
            TOOLS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        family(
            "qwen-2.5",
            "Qwen 2.5 instruct, Coder too",
            &["qwen2-5 instruct !math !vl !omni !1m"],
            &[
                "{%- set default_system = 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' %}",
                QWEN,
            ],
            CHATML_TOKENS,
            TOOLS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        family(
            "qwen-2.5-1m",
            "Qwen 2.5 instruct with a context of a million tokens",
            &["qwen2-5 instruct 1m"],
            &[HELPFUL, QWEN],
            CHATML_TOKENS,
            TOOLS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        family(
            "qwen-2",
            "Qwen 1.5 and 2 chat, Qwen 2 VL and 2.5 VL",
            &["qwen2 instruct !gte", "qwen1-5 chat", "qwen2-vl|qwen2-5-vl instruct"],
            &[HELPFUL, CHATML],
            CHATML_TOKENS,
            CHAT,
            &["<|im_end|>"],
        ),
    ]
}
