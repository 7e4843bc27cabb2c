//! Makers with one or two families.

use super::super::{LLAMA_3_TOKENS, published};
use crate::catalog::Entry;
use crate::tool_calls::ToolCallForm;

const SEED_CODER_TOKENS: &[(&str, &str)] =
    &[("bos_token", "<[begin▁of▁sentence]>"), ("eos_token", "<[end▁of▁sentence]>")];

pub(super) fn families() -> [Entry; 27] {
    [
        published(
            "command-a",
            "Command A",
            &["command-a-03-2025"],
            &[
                "{% if tools %}",
                include_str!("../../published/command-a-tool-use.jinja"),
                "{%- else %}",
                include_str!("../../published/command-a.jinja"),
                "{% endif %}",
            ],
            &[("bos_token", "<BOS_TOKEN>"), ("eos_token", "<|END_OF_TURN_TOKEN|>")],
            &["<|END_OF_TURN_TOKEN|>"],
        ),
        published(
            "trinity-mini",
            "Trinity Mini: answers start inside `<think>`",
            &["trinity-mini !base"],
            &[include_str!("../../published/trinity-mini.jinja")],
            &[],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "trinity-nano",
            "Trinity Nano preview",
            &["trinity-nano-preview"],
            &[include_str!("../../published/trinity-nano.jinja")],
            &[],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "trinity-large-thinking",
            "Trinity Large Thinking",
            &["trinity-large-thinking"],
            &[include_str!("../../published/trinity-large-thinking.jinja")],
            &[],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::QwenXml),
        published(
            "afm",
            "AFM 4.5B",
            &["afm-4-5b !base !preview"],
            &[include_str!("../../published/afm.jinja")],
            &[],
            &["<|im_end|>"],
        ),
        published(
            "seed-coder",
            "Seed Coder instruct",
            &["seed-coder instruct"],
            &[include_str!("../../published/seed-coder.jinja")],
            SEED_CODER_TOKENS,
            &["<[end▁of▁sentence]>"],
        ),
        published(
            "seed-coder-reasoning",
            "Seed Coder reasoning",
            &["seed-coder reasoning"],
            &[include_str!("../../published/seed-coder-reasoning.jinja")],
            SEED_CODER_TOKENS,
            &["<[end▁of▁sentence]>"],
        ),
        published(
            "dots-llm1",
            "dots.llm1 instruct",
            &["dots-llm1 inst"],
            &[include_str!("../../published/dots-llm1.jinja")],
            &[],
            &["<|endofresponse|>"],
        ),
        published(
            "mimo-v2-flash",
            "MiMo V2 Flash: thinks when `enable_thinking` is set",
            &["mimo-v2-flash !base"],
            &[include_str!("../../published/mimo-v2-flash.jinja")],
            &[],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::QwenXml),
        published(
            "longcat-flash",
            "LongCat Flash chat: thinks within `<longcat_think>` when `enable_thinking` is set",
            &["longcat-flash-chat"],
            &[include_str!("../../published/longcat-flash.jinja")],
            &[],
            &["</longcat_s>"],
        ),
        published(
            "rnj-1",
            "Rnj 1 instruct",
            &["rnj-1 instruct"],
            &[include_str!("../../published/rnj-1.jinja")],
            &[("bos_token", "<|begin_of_text|>")],
            &["<|eot_id|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "eurollm-9b",
            "EuroLLM 9B and 22B instruct of December 2025",
            &["eurollm 9b|22b instruct 2512"],
            &[include_str!("../../published/eurollm-9b.jinja")],
            &[],
            &["<|im_end|>"],
        ),
        published(
            "eurollm-1.7b",
            "EuroLLM 1.7B instruct",
            &["eurollm-1-7b instruct"],
            &[include_str!("../../published/eurollm-1.7b.jinja")],
            &[],
            &["<|im_end|>"],
        ),
        published(
            "intern-s1-pro",
            "Intern S1 Pro: thinks unless `enable_thinking` is false",
            &["intern-s1-pro"],
            &[include_str!("../../published/intern-s1-pro.jinja")],
            &[],
            &["<|im_end|>"],
        ),
        published(
            "oreal",
            "OREAL",
            &["oreal 7b|32b !deepseek"],
            &[include_str!("../../published/oreal.jinja")],
            &[],
            &["<|im_end|>"],
        ),
        published(
            "hermes-4",
            "Hermes 4 on Llama: thinks when `thinking` is set",
            &["hermes-4 70b|405b"],
            &[include_str!("../../published/hermes-4.jinja")],
            LLAMA_3_TOKENS,
            &["<|eot_id|>"],
        )
        .calling(ToolCallForm::Hermes),
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
