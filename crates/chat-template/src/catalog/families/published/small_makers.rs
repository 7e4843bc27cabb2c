//! Makers with one or two families.

use super::super::published;
use crate::catalog::Entry;
use crate::tool_calls::ToolCallForm;

pub(super) fn families() -> [Entry; 11] {
    [
        published(
            "jamba-1.5",
            "Jamba 1.5",
            &["jamba-1-5|jamba-large-1-5|jamba-mini-1-5|jamba-tiny-dev"],
            &[include_str!("../../published/jamba-1.5.jinja")],
            &[("bos_token", "<|startoftext|>"), ("eos_token", "<|endoftext|>")],
            &["<|eom|>", "<|endoftext|>"],
        ),
        published(
            "jamba-reasoning",
            "Jamba Reasoning",
            &["jamba-reasoning"],
            &[include_str!("../../published/jamba-reasoning.jinja")],
            &[("bos_token", "<|startoftext|>")],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "jamba-2",
            "Jamba 2",
            &["jamba2"],
            &[include_str!("../../published/jamba-2.jinja")],
            &[("bos_token", "<|startoftext|>")],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "exaone-4.0",
            "EXAONE 4.0: thinks when `enable_thinking` is set",
            &["exaone-4-0|exaone-4-0-1"],
            &[include_str!("../../published/exaone-4.0.jinja")],
            &[],
            &["[|endofturn|]"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "kanana-1.5",
            "Kanana 1.5 instruct 2.1B and 8B",
            &["kanana-1-5 instruct 2-1b|8b !v"],
            &[include_str!("../../published/kanana-1.5.jinja")],
            &[("bos_token", "<|begin_of_text|>")],
            &["<|eot_id|>"],
        ),
        published(
            "lfm-2.5",
            "LFM 2.5 230M and 8B",
            &["lfm2-5 230m|8b !base !vl"],
            &[include_str!("../../published/lfm-2.5.jinja")],
            &[("bos_token", "<|startoftext|>")],
            &["<|im_end|>"],
        ),
        published(
            "minicpm-3",
            "MiniCPM 3",
            &["minicpm3"],
            &[include_str!("../../published/minicpm-3.jinja")],
            &[],
            &["<|im_end|>"],
        ),
        published(
            "minicpm-4.1",
            "MiniCPM 4.1: thinks unless `enable_thinking` is false",
            &["minicpm4-1"],
            &[include_str!("../../published/minicpm-4.1.jinja")],
            &[],
            &["<|im_end|>"],
        ),
        published(
            "intern-s1",
            "Intern S1 and S1 mini: thinks unless `enable_thinking` is false",
            &["intern-s1 !pro"],
            &[include_str!("../../published/intern-s1.jinja")],
            &[],
            &["<|im_end|>"],
        ),
        published(
            "reka-flash-3",
            "Reka Flash 3 and 3.1: thinks within `<reasoning>`",
            &["reka-flash-3|reka-flash-3-1"],
            &[include_str!("../../published/reka-flash-3.jinja")],
            &[],
            &["<sep>"],
        ),
        published(
            "baichuan-m2",
            "Baichuan M2",
            &["baichuan-m2"],
            &[include_str!("../../published/baichuan-m2.jinja")],
            &[],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
    ]
}
