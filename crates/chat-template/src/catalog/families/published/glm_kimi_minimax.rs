//! GLM of Z.ai, Kimi of Moonshot AI, MiniMax.

use super::super::published;
use crate::catalog::Entry;
use crate::tool_calls::ToolCallForm;

pub(super) fn families() -> [Entry; 16] {
    [
        published(
            "kimi-k2.6",
            "Kimi K2.6: answers start inside `<think>` unless `thinking` is false",
            &["kimi-k2-6"],
            &[include_str!("../../published/kimi-k2.6.jinja")],
            &[],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Kimi),
        published(
            "kimi-linear",
            "Kimi Linear",
            &["kimi-linear instruct"],
            &[include_str!("../../published/kimi-linear.jinja")],
            &[],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Kimi),
        published(
            "glm-5.2",
            "GLM 5.2: thinks unless `enable_thinking` is false",
            &["glm-5-2"],
            &[include_str!("../../published/glm-5.2.jinja")],
            &[],
            &["<|endoftext|>", "<|user|>", "<|observation|>"],
        )
        .calling(ToolCallForm::Glm),
        published(
            "glm-z1",
            "GLM Z1 0414: answers start inside `<think>`",
            &["glm-z1 0414 !rumination"],
            &[include_str!("../../published/glm-z1.jinja")],
            &[],
            &["<|endoftext|>", "<|user|>", "<|observation|>"],
        ),
        published(
            "glm-5.1",
            "GLM 5.1: thinks unless `enable_thinking` is false",
            &["glm-5-1"],
            &[include_str!("../../published/glm-5.1.jinja")],
            &[],
            &["<|endoftext|>", "<|user|>", "<|observation|>"],
        )
        .calling(ToolCallForm::Glm),
        published(
            "glm-5",
            "GLM 5: thinks unless `enable_thinking` is false",
            &["glm-5 !glm-5-3"],
            &[include_str!("../../published/glm-5.jinja")],
            &[],
            &["<|endoftext|>", "<|user|>", "<|observation|>"],
        )
        .calling(ToolCallForm::Glm),
        published(
            "glm-4.7",
            "GLM 4.7: thinks unless `enable_thinking` is false",
            &["glm-4-7"],
            &[include_str!("../../published/glm-4.7.jinja")],
            &[],
            &["<|endoftext|>", "<|user|>", "<|observation|>"],
        )
        .calling(ToolCallForm::Glm),
        published(
            "glm-4.5",
            "GLM 4.5 and 4.6: thinks unless `enable_thinking` is false",
            &["glm-4-5|glm-4-6 !base"],
            &[include_str!("../../published/glm-4.5.jinja")],
            &[],
            &["<|endoftext|>", "<|user|>", "<|observation|>"],
        )
        .calling(ToolCallForm::Glm),
        published(
            "glm-4-0414",
            "GLM 4 0414",
            &["glm-4 0414 !base"],
            &[include_str!("../../published/glm-4-0414.jinja")],
            &[],
            &["<|endoftext|>", "<|user|>", "<|observation|>"],
        ),
        published(
            "kimi-k2.5",
            "Kimi K2.5: answers start inside `<think>` unless `thinking` is false",
            &["kimi-k2-5"],
            &[include_str!("../../published/kimi-k2.5.jinja")],
            &[],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Kimi),
        published(
            "kimi-k2-thinking",
            "Kimi K2 Thinking",
            &["kimi-k2 thinking"],
            &[include_str!("../../published/kimi-k2-thinking.jinja")],
            &[],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Kimi),
        published(
            "kimi-k2",
            "Kimi K2 instruct",
            &["kimi-k2 instruct"],
            &[include_str!("../../published/kimi-k2.jinja")],
            &[],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Kimi),
        published(
            "minimax-m2.1",
            "MiniMax M2.1: answers start inside `<think>`",
            &["minimax-m2-1"],
            &[include_str!("../../published/minimax-m2.1.jinja")],
            &[],
            &["[e~["],
        )
        .calling(ToolCallForm::MiniMax),
        published(
            "minimax-m2.5",
            "MiniMax M2.5: answers start inside `<think>`",
            &["minimax-m2-5"],
            &[include_str!("../../published/minimax-m2.5.jinja")],
            &[],
            &["[e~["],
        )
        .calling(ToolCallForm::MiniMax),
        published(
            "minimax-m2",
            "MiniMax M2: answers start inside `<think>`",
            &["minimax-m2 !minimax-m2-1 !minimax-m2-5 !minimax-m2-7"],
            &[include_str!("../../published/minimax-m2.jinja")],
            &[],
            &["[e~["],
        )
        .calling(ToolCallForm::MiniMax),
        published(
            "minimax-m2.7",
            "MiniMax M2.7: answers start inside `<think>`",
            &["minimax-m2-7"],
            &[include_str!("../../published/minimax-m2.7.jinja")],
            &[],
            &["[e~["],
        )
        .calling(ToolCallForm::MiniMax),
    ]
}
