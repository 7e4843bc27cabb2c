//! Families whose published template is part of the catalog, word for word: the model's licence allows it (see
//! `published/README.md`), and a text of our own would have to say the same.
//!
//! They are written for messages as `transformers` has them: OpenAI's are given to them as to a template of the Hub.

use super::{CHATML_TOKENS, DEEPSEEK_TOKENS, S_TOKENS, published};
use crate::catalog::Entry;
use crate::tool_calls::ToolCallForm;

pub(super) fn families() -> [Entry; 50] {
    [
        published(
            "qwen-3-coder-next",
            "Qwen3 Coder Next",
            &["qwen3-coder-next"],
            &[include_str!("../published/qwen-3-coder-next.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::QwenXml),
        published(
            "qwen-3-coder",
            "Qwen3 Coder instruct",
            &["qwen3-coder"],
            &[include_str!("../published/qwen-3-coder.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::QwenXml),
        published(
            "qwen-3-vl-thinking",
            "Qwen3 VL thinking: answers start inside `<think>`",
            &["qwen3-vl thinking"],
            &[include_str!("../published/qwen-3-vl-thinking.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "qwen-3-vl",
            "Qwen3 VL instruct",
            &["qwen3-vl instruct"],
            &[include_str!("../published/qwen-3-vl.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "qwen-3-thinking-2507",
            "Qwen3 Thinking 2507 and Qwen3 Next thinking: answers start inside `<think>`",
            &["qwen3 thinking !omni"],
            &[include_str!("../published/qwen-3-thinking-2507.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "qwen-3-instruct-2507",
            "Qwen3 Instruct 2507 and Qwen3 Next instruct",
            &["qwen3 instruct !omni"],
            &[include_str!("../published/qwen-3-instruct-2507.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "qwen-3.6",
            "Qwen3.6: thinks unless `enable_thinking` is false",
            &["qwen3-6 !base"],
            &[include_str!("../published/qwen-3.6.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::QwenXml),
        published(
            "qwen-3.5",
            "Qwen3.5: thinks unless `enable_thinking` is false",
            &["qwen3-5 !base !0-8b !2b"],
            &[include_str!("../published/qwen-3.5.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::QwenXml),
        published(
            "qwen-3.5-small",
            "Qwen3.5 0.8B and 2B: thinks only if `enable_thinking` is true",
            &["qwen3-5 0-8b|2b !base"],
            &[include_str!("../published/qwen-3.5-small.jinja")],
            CHATML_TOKENS,
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::QwenXml),
        published(
            "gemma-4-e",
            "Gemma 4 E2B and E4B instruct",
            &["gemma-4 e2b|e4b it|instruct"],
            &[include_str!("../published/gemma-4-e.jinja")],
            &[("bos_token", "<bos>"), ("eos_token", "<eos>")],
            &["<turn|>", "<eos>"],
        )
        .calling(ToolCallForm::Gemma4),
        published(
            "gemma-4",
            "Gemma 4 instruct",
            &["gemma-4 it|instruct"],
            &[include_str!("../published/gemma-4.jinja")],
            &[("bos_token", "<bos>"), ("eos_token", "<eos>")],
            &["<turn|>", "<eos>"],
        )
        .calling(ToolCallForm::Gemma4),
        published(
            "deepseek-v3.2",
            "DeepSeek V3.2: thinks when `thinking` is set",
            &["deepseek-v3-2 !base !exp"],
            &[include_str!("../published/deepseek-v3.2.jinja")],
            DEEPSEEK_TOKENS,
            &["<｜end▁of▁sentence｜>"],
        )
        .calling(ToolCallForm::DeepSeekDsml),
        published(
            "granite-4.1",
            "Granite 4.1",
            &["granite-4-1 !base !vision !speech !guardian"],
            &[include_str!("../published/granite-4.1.jinja")],
            &[("eos_token", "<|end_of_text|>")],
            &["<|end_of_text|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "granite-4.0",
            "Granite 4.0",
            &["granite-4-0 !base !preview !vision !speech !guardian"],
            &[include_str!("../published/granite-4.0.jinja")],
            &[("eos_token", "<|end_of_text|>")],
            &["<|end_of_text|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "granite-3.3",
            "Granite 3.3 instruct: thinks when `thinking` is set",
            &["granite-3-3 instruct !speech", "granite-4-0-tiny-preview"],
            &[include_str!("../published/granite-3.3.jinja")],
            &[("eos_token", "<|end_of_text|>")],
            &["<|end_of_text|>"],
        ),
        published(
            "granite-3.1",
            "Granite 3.1 and 3.2 instruct",
            &["granite-3-1|granite-3-2 instruct !speech"],
            &[include_str!("../published/granite-3.1.jinja")],
            &[("eos_token", "<|end_of_text|>")],
            &["<|end_of_text|>"],
        ),
        published(
            "glm-5.1",
            "GLM 5.1: thinks unless `enable_thinking` is false",
            &["glm-5-1"],
            &[include_str!("../published/glm-5.1.jinja")],
            &[],
            &["<|endoftext|>", "<|user|>", "<|observation|>"],
        )
        .calling(ToolCallForm::Glm),
        published(
            "glm-5",
            "GLM 5: thinks unless `enable_thinking` is false",
            &["glm-5 !glm-5-2"],
            &[include_str!("../published/glm-5.jinja")],
            &[],
            &["<|endoftext|>", "<|user|>", "<|observation|>"],
        )
        .calling(ToolCallForm::Glm),
        published(
            "glm-4.7",
            "GLM 4.7: thinks unless `enable_thinking` is false",
            &["glm-4-7"],
            &[include_str!("../published/glm-4.7.jinja")],
            &[],
            &["<|endoftext|>", "<|user|>", "<|observation|>"],
        )
        .calling(ToolCallForm::Glm),
        published(
            "glm-4.5",
            "GLM 4.5 and 4.6: thinks unless `enable_thinking` is false",
            &["glm-4-5|glm-4-6 !base"],
            &[include_str!("../published/glm-4.5.jinja")],
            &[],
            &["<|endoftext|>", "<|user|>", "<|observation|>"],
        )
        .calling(ToolCallForm::Glm),
        published(
            "glm-4-0414",
            "GLM 4 0414",
            &["glm-4 0414 !base"],
            &[include_str!("../published/glm-4-0414.jinja")],
            &[],
            &["<|endoftext|>", "<|user|>", "<|observation|>"],
        ),
        published(
            "kimi-k2.5",
            "Kimi K2.5: answers start inside `<think>` unless `thinking` is false",
            &["kimi-k2-5"],
            &[include_str!("../published/kimi-k2.5.jinja")],
            &[],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Kimi),
        published(
            "kimi-k2-thinking",
            "Kimi K2 Thinking",
            &["kimi-k2 thinking"],
            &[include_str!("../published/kimi-k2-thinking.jinja")],
            &[],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Kimi),
        published(
            "kimi-k2",
            "Kimi K2 instruct",
            &["kimi-k2 instruct"],
            &[include_str!("../published/kimi-k2.jinja")],
            &[],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Kimi),
        published(
            "minimax-m2.1",
            "MiniMax M2.1: answers start inside `<think>`",
            &["minimax-m2-1"],
            &[include_str!("../published/minimax-m2.1.jinja")],
            &[],
            &["[e~["],
        )
        .calling(ToolCallForm::MiniMax),
        published(
            "minimax-m2.5",
            "MiniMax M2.5: answers start inside `<think>`",
            &["minimax-m2-5"],
            &[include_str!("../published/minimax-m2.5.jinja")],
            &[],
            &["[e~["],
        )
        .calling(ToolCallForm::MiniMax),
        published(
            "minimax-m2",
            "MiniMax M2: answers start inside `<think>`",
            &["minimax-m2 !minimax-m2-1 !minimax-m2-5 !minimax-m2-7"],
            &[include_str!("../published/minimax-m2.jinja")],
            &[],
            &["[e~["],
        )
        .calling(ToolCallForm::MiniMax),
        published(
            "olmo-3.1-instruct",
            "Olmo 3.1 instruct",
            &["olmo-3-1 instruct !sft !dpo"],
            &[include_str!("../published/olmo-3.1-instruct.jinja")],
            &[("eos_token", "<|endoftext|>")],
            &["<|im_end|>", "<|endoftext|>"],
        )
        .calling(ToolCallForm::Pythonic),
        published(
            "olmo-3-instruct",
            "Olmo 3 instruct",
            &["olmo-3 instruct !olmo-3-1 !sft !dpo !tokenizer", "olmo-hybrid instruct"],
            &[include_str!("../published/olmo-3-instruct.jinja")],
            &[("eos_token", "<|endoftext|>")],
            &["<|im_end|>", "<|endoftext|>"],
        )
        .calling(ToolCallForm::Pythonic),
        published(
            "olmo-3-think-32b",
            "Olmo 3 Think 32B: answers start inside `<think>`",
            &["olmo-3 32b think !olmo-3-1"],
            &[include_str!("../published/olmo-3-think-32b.jinja")],
            &[("eos_token", "<|endoftext|>")],
            &["<|im_end|>", "<|endoftext|>"],
        ),
        published(
            "olmo-3-think",
            "Olmo 3 Think 7B: answers start inside `<think>`",
            &["olmo-3 7b think !sft"],
            &[include_str!("../published/olmo-3-think.jinja")],
            &[("eos_token", "<|endoftext|>")],
            &["<|im_end|>", "<|endoftext|>"],
        ),
        published(
            "olmo-3.1-think",
            "Olmo 3.1 Think: answers start inside `<think>`",
            &["olmo-3-1 think", "olmo-3 7b think sft"],
            &[include_str!("../published/olmo-3.1-think.jinja")],
            &[("eos_token", "<|endoftext|>")],
            &["<|im_end|>", "<|endoftext|>"],
        ),
        published(
            "phi-4-reasoning",
            "Phi 4 reasoning and reasoning plus: answers start with `<think>`",
            &["phi-4-reasoning !vision"],
            &[include_str!("../published/phi-4-reasoning.jinja")],
            &[("eos_token", "<|im_end|>")],
            &["<|im_end|>"],
        ),
        published(
            "phi-4-mini-reasoning",
            "Phi 4 mini reasoning",
            &["phi-4-mini-reasoning"],
            &[include_str!("../published/phi-4-mini-reasoning.jinja")],
            &[("eos_token", "<|endoftext|>")],
            &["<|end|>", "<|endoftext|>"],
        ),
        published(
            "mistral-large-3",
            "Mistral Large 3",
            &["mistral-large-3 instruct"],
            &[include_str!("../published/mistral-large-3.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::MistralArgs),
        published(
            "ministral-3-reasoning",
            "Ministral 3 reasoning",
            &["ministral-3 reasoning 2512"],
            &[include_str!("../published/ministral-3-reasoning.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::MistralArgs),
        published(
            "ministral-3-14b",
            "Ministral 3 14B instruct",
            &["ministral-3 14b instruct 2512"],
            &[include_str!("../published/ministral-3-14b.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::MistralArgs),
        published(
            "ministral-3-8b",
            "Ministral 3 8B instruct",
            &["ministral-3 8b instruct 2512"],
            &[include_str!("../published/ministral-3-8b.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::MistralArgs),
        published(
            "ministral-3-3b",
            "Ministral 3 3B instruct",
            &["ministral-3 3b instruct 2512"],
            &[include_str!("../published/ministral-3-3b.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::MistralArgs),
        published(
            "devstral-2-small",
            "Devstral Small 2",
            &["devstral-small-2 2512"],
            &[include_str!("../published/devstral-2-small.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::MistralArgs),
        published(
            "seed-oss",
            "Seed OSS: thinks within `<seed:think>`; `thinking_budget` bounds it",
            &["seed-oss instruct"],
            &[include_str!("../published/seed-oss.jinja")],
            &[("bos_token", "<seed:bos>"), ("eos_token", "<seed:eos>"), ("pad_token", "<seed:pad>")],
            &["<seed:eos>"],
        )
        .calling(ToolCallForm::SeedOss),
        published(
            "apertus",
            "Apertus instruct",
            &["apertus instruct !v1-1"],
            &[include_str!("../published/apertus.jinja")],
            &[("bos_token", "<s>"), ("eos_token", "<|assistant_end|>")],
            &["<|assistant_end|>"],
        ),
        published(
            "ernie-4.5",
            "ERNIE 4.5",
            &["ernie-4-5 !base !vl !thinking"],
            &[include_str!("../published/ernie-4.5.jinja")],
            &[],
            &["</s>", "<|end_of_sentence|>"],
        ),
        published(
            "yi-1.5",
            "Yi 1.5 chat",
            &["yi-1-5 chat"],
            &[include_str!("../published/yi-1.5.jinja")],
            &[("eos_token", "<|im_end|>")],
            &["<|im_end|>"],
        ),
        published(
            "wizardlm-2",
            "WizardLM 2",
            &["wizardlm-2|wizard-lm-2"],
            &[include_str!("../published/wizardlm-2.jinja")],
            S_TOKENS,
            &["</s>"],
        ),
        published(
            "hermes-4-14b",
            "Hermes 4 14B: thinks when `thinking` is set",
            &["hermes-4 14b"],
            &[include_str!("../published/hermes-4-14b.jinja")],
            &[("eos_token", "<|im_end|>")],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
        published(
            "minimax-m2.7",
            "MiniMax M2.7: answers start inside `<think>`",
            &["minimax-m2-7"],
            &[include_str!("../published/minimax-m2.7.jinja")],
            &[],
            &["[e~["],
        )
        .calling(ToolCallForm::MiniMax),
        published(
            "mistral-small-2501",
            "Mistral Small 3",
            &["mistral-small-24b instruct 2501"],
            &[include_str!("../published/mistral-small-2501.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::Mistral),
        published(
            "mistral-small-3.1",
            "Mistral Small 3.1",
            &["mistral-small-3-1 instruct"],
            &[include_str!("../published/mistral-small-3.1.jinja")],
            S_TOKENS,
            &["</s>"],
        )
        .calling(ToolCallForm::Mistral),
        published(
            "smollm-3",
            "SmolLM3: thinks unless `enable_thinking` is false",
            &["smollm3 !base"],
            &[include_str!("../published/smollm-3.jinja")],
            &[("eos_token", "<|im_end|>")],
            &["<|im_end|>"],
        )
        .calling(ToolCallForm::Hermes),
    ]
}
