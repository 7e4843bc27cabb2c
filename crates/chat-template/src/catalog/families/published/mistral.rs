//! Mistral AI's models of 2025 and later.

use super::super::{S_TOKENS, published};
use crate::catalog::Entry;
use crate::tool_calls::ToolCallForm;

pub(super) fn families() -> [Entry; 9] {
    [
        published(
            "mistral-small-4",
            "Mistral Small 4",
            &["mistral-small-4 2603"],
            &[include_str!("../../published/mistral-small-4.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::MistralArgs),
        published(
            "mistral-large-3",
            "Mistral Large 3",
            &["mistral-large-3 instruct"],
            &[include_str!("../../published/mistral-large-3.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::MistralArgs),
        published(
            "ministral-3-reasoning",
            "Ministral 3 reasoning",
            &["ministral-3 reasoning 2512"],
            &[include_str!("../../published/ministral-3-reasoning.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::MistralArgs),
        published(
            "ministral-3-14b",
            "Ministral 3 14B instruct",
            &["ministral-3 14b instruct 2512"],
            &[include_str!("../../published/ministral-3-14b.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::MistralArgs),
        published(
            "ministral-3-8b",
            "Ministral 3 8B instruct",
            &["ministral-3 8b instruct 2512"],
            &[include_str!("../../published/ministral-3-8b.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::MistralArgs),
        published(
            "ministral-3-3b",
            "Ministral 3 3B instruct",
            &["ministral-3 3b instruct 2512"],
            &[include_str!("../../published/ministral-3-3b.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::MistralArgs),
        published(
            "devstral-2-small",
            "Devstral Small 2",
            &["devstral-small-2 2512"],
            &[include_str!("../../published/devstral-2-small.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::MistralArgs),
        published(
            "mistral-small-2501",
            "Mistral Small 3",
            &["mistral-small-24b instruct 2501"],
            &[include_str!("../../published/mistral-small-2501.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::Mistral),
        published(
            "mistral-small-3.1",
            "Mistral Small 3.1",
            &["mistral-small-3-1 instruct"],
            &[include_str!("../../published/mistral-small-3.1.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::Mistral),
    ]
}
