//! Models of all other makers.

use super::super::{DEEPSEEK_TOKENS, S_TOKENS, published};
use crate::catalog::Entry;
use crate::tool_calls::ToolCallForm;

pub(super) fn families() -> [Entry; 22] {
    [
        published(
            "deepseek-v4",
            "DeepSeek V4: thinks when `thinking` is set",
            &["deepseek-v4 !base"],
            &[include_str!("../../published/deepseek-v4.jinja")],
            DEEPSEEK_TOKENS,
            &["<｜end▁of▁sentence｜>"],
        )
        .calling(ToolCallForm::DeepSeekDsml),
        published(
            "gemma-4-e",
            "Gemma 4 E2B and E4B instruct",
            &["gemma-4 e2b|e4b it|instruct"],
            &[include_str!("../../published/gemma-4-e.jinja")],
            &[("bos_token", "<bos>"), ("eos_token", "<eos>")],
            &["<turn|>", "<eos>"],
        )
        .calling(ToolCallForm::Gemma4),
        published(
            "gemma-4",
            "Gemma 4 instruct",
            &["gemma-4 it|instruct"],
            &[include_str!("../../published/gemma-4.jinja")],
            &[("bos_token", "<bos>"), ("eos_token", "<eos>")],
            &["<turn|>", "<eos>"],
        )
        .calling(ToolCallForm::Gemma4),
        published(
            "deepseek-v3.2",
            "DeepSeek V3.2: thinks when `thinking` is set",
            &["deepseek-v3-2 !base !exp"],
            &[include_str!("../../published/deepseek-v3.2.jinja")],
            DEEPSEEK_TOKENS,
            &["<｜end▁of▁sentence｜>"],
        )
        .calling(ToolCallForm::DeepSeekDsml),
        published(
            "granite-4.1",
            "Granite 4.1",
            &["granite-4-1 !base !vision !speech !guardian"],
            &[include_str!("../../published/granite-4.1.jinja")],
            &[("eos_token", "<|end_of_text|>")],
            &["<|end_of_text|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "granite-4.0",
            "Granite 4.0",
            &["granite-4-0 !base !preview !vision !speech !guardian"],
            &[include_str!("../../published/granite-4.0.jinja")],
            &[("eos_token", "<|end_of_text|>")],
            &["<|end_of_text|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "granite-3.3",
            "Granite 3.3 instruct: thinks when `thinking` is set",
            &["granite-3-3 instruct !speech", "granite-4-0-tiny-preview"],
            &[include_str!("../../published/granite-3.3.jinja")],
            &[("eos_token", "<|end_of_text|>")],
            &["<|end_of_text|>"],
        )
        .calling(ToolCallForm::Granite),
        published(
            "granite-3.1",
            "Granite 3.1 and 3.2 instruct",
            &["granite-3-1|granite-3-2 instruct !speech"],
            &[include_str!("../../published/granite-3.1.jinja")],
            &[("eos_token", "<|end_of_text|>")],
            &["<|end_of_text|>"],
        )
        .calling(ToolCallForm::Granite),
        published(
            "olmo-3.1-instruct",
            "Olmo 3.1 instruct",
            &["olmo-3-1 instruct !sft !dpo"],
            &[include_str!("../../published/olmo-3.1-instruct.jinja")],
            &[("eos_token", "<|endoftext|>")],
            &["<|im_end|>", "<|endoftext|>"],
        )
        .calling(ToolCallForm::Pythonic),
        published(
            "olmo-3-instruct",
            "Olmo 3 instruct",
            &["olmo-3 instruct !olmo-3-1 !sft !dpo !tokenizer", "olmo-hybrid instruct"],
            &[include_str!("../../published/olmo-3-instruct.jinja")],
            &[("eos_token", "<|endoftext|>")],
            &["<|im_end|>", "<|endoftext|>"],
        )
        .calling(ToolCallForm::Pythonic),
        published(
            "olmo-3-think-32b",
            "Olmo 3 Think 32B: answers start inside `<think>`",
            &["olmo-3 32b think !olmo-3-1"],
            &[include_str!("../../published/olmo-3-think-32b.jinja")],
            &[("eos_token", "<|endoftext|>")],
            &["<|im_end|>", "<|endoftext|>"],
        ),
        published(
            "olmo-3-think",
            "Olmo 3 Think 7B: answers start inside `<think>`",
            &["olmo-3 7b think !sft"],
            &[include_str!("../../published/olmo-3-think.jinja")],
            &[("eos_token", "<|endoftext|>")],
            &["<|im_end|>", "<|endoftext|>"],
        ),
        published(
            "olmo-3.1-think",
            "Olmo 3.1 Think: answers start inside `<think>`",
            &["olmo-3-1 think", "olmo-3 7b think sft"],
            &[include_str!("../../published/olmo-3.1-think.jinja")],
            &[("eos_token", "<|endoftext|>")],
            &["<|im_end|>", "<|endoftext|>"],
        ),
        published(
            "phi-4-reasoning",
            "Phi 4 reasoning and reasoning plus: answers start with `<think>`",
            &["phi-4-reasoning !vision"],
            &[include_str!("../../published/phi-4-reasoning.jinja")],
            &[("eos_token", "<|im_end|>")],
            &["<|im_end|>"],
        ),
        published(
            "phi-4-mini-reasoning",
            "Phi 4 mini reasoning",
            &["phi-4-mini-reasoning"],
            &[include_str!("../../published/phi-4-mini-reasoning.jinja")],
            &[("eos_token", "<|endoftext|>")],
            &["<|end|>", "<|endoftext|>"],
        ),
        published(
            "seed-oss",
            "Seed OSS: thinks within `<seed:think>`; `thinking_budget` bounds it",
            &["seed-oss instruct"],
            &[include_str!("../../published/seed-oss.jinja")],
            &[("bos_token", "<seed:bos>"), ("eos_token", "<seed:eos>"), ("pad_token", "<seed:pad>")],
            &["<seed:eos>"],
        )
        .calling(ToolCallForm::SeedOss),
        published(
            "apertus",
            "Apertus instruct",
            &["apertus instruct !v1-1"],
            &[include_str!("../../published/apertus.jinja")],
            &[("bos_token", "<s>"), ("eos_token", "<|assistant_end|>")],
            &["<|assistant_end|>"],
        ),
        published(
            "ernie-4.5",
            "ERNIE 4.5",
            &["ernie-4-5 !base !vl !thinking"],
            &[include_str!("../../published/ernie-4.5.jinja")],
            &[],
            &["</s>", "<|end_of_sentence|>"],
        ),
        published(
            "yi-1.5",
            "Yi 1.5 chat",
            &["yi-1-5 chat"],
            &[include_str!("../../published/yi-1.5.jinja")],
            &[("eos_token", "<|im_end|>")],
            &["<|im_end|>"],
        ),
        published(
            "wizardlm-2",
            "WizardLM 2",
            &["wizardlm-2|wizard-lm-2"],
            &[include_str!("../../published/wizardlm-2.jinja")],
            S_TOKENS,
            &["</s>"],
        ),
        published(
            "hermes-4-14b",
            "Hermes 4 14B: thinks when `thinking` is set",
            &["hermes-4 14b"],
            &[include_str!("../../published/hermes-4-14b.jinja")],
            &[("eos_token", "<|im_end|>")],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "smollm-3",
            "SmolLM3: thinks unless `enable_thinking` is false",
            &["smollm3 !base"],
            &[include_str!("../../published/smollm-3.jinja")],
            &[("eos_token", "<|im_end|>")],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
    ]
}
