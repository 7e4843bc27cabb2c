//! Llama and Mistral.

use super::{CHAT, LLAMA_3_1, LLAMA_3_TOKENS, MISTRAL_V3, MISTRAL_V7, S_TOKENS, STRICT, TOOLS, family};
use crate::adapt::Abilities;
use crate::catalog::Entry;
use crate::tool_calls::ToolCallForm;

pub(super) fn families() -> [Entry; 12] {
    [
        family(
            "codellama-70b",
            "CodeLlama 70B instruct: Source and Destination",
            &["codellama-70b instruct !phind"],
            &[include_str!("../templates/codellama-70b.jinja")],
            S_TOKENS,
            STRICT,
            &["<step>", "</s>"],
        ),
        family(
            "llama-4",
            "Llama 4 instruct",
            &["llama-4|llama4 instruct !guard"],
            &[
                "{%- set open = '<|header_start|>' %}{%- set close = '<|header_end|>' %}{%- set end = '<|eot|>' %}\
             {%- set plain_system = true %}",
                LLAMA_3_1,
            ],
            &[("bos_token", "<|begin_of_text|>"), ("eos_token", "<|eot|>")],
            TOOLS,
            &["<|eot|>", "<|eom|>"],
        )
        .calling(ToolCallForm::LlamaJson),
        family(
            "llama-3.2",
            "Llama 3.2 instruct: Llama 3.1 with today's date",
            &["llama-3-2|llama3-2 instruct !guard"],
            &[
                "{%- if date_string is not defined %}{%- set date_string = strftime_now('%d %b %Y') %}{%- endif %}",
                LLAMA_3_1,
            ],
            LLAMA_3_TOKENS,
            TOOLS,
            &["<|eot_id|>", "<|eom_id|>"],
        )
        .calling(ToolCallForm::LlamaJson),
        family(
            "nemotron-70b",
            "Llama 3.1 Nemotron 70B instruct: Llama 3.1 without dates",
            &["llama-3-1-nemotron-70b instruct"],
            &["{%- set dated = false %}", LLAMA_3_1],
            LLAMA_3_TOKENS,
            TOOLS,
            &["<|eot_id|>", "<|eom_id|>"],
        )
        .calling(ToolCallForm::LlamaJson),
        family(
            "llama-3.1",
            "Llama 3.1 and 3.3 instruct",
            &[
                "llama-3-1|llama3-1|llama-3-3|llama3-3 instruct !guard !nemotron !tulu-3 !rm",
                "=meta-textgeneration-llama-3-3-70b",
            ],
            &[LLAMA_3_1],
            LLAMA_3_TOKENS,
            TOOLS,
            &["<|eot_id|>", "<|eom_id|>"],
        )
        .calling(ToolCallForm::LlamaJson),
        family(
            "llama-3",
            "Llama 3 instruct",
            &["llama-3|llama3|meta-llama-3 instruct|chat !chatqa !guard !llama-3-1 !llama-3-2 !llama-3-3"],
            &[include_str!("../templates/llama-3.jinja")],
            LLAMA_3_TOKENS,
            CHAT,
            &["<|eot_id|>"],
        ),
        family(
            "llama-2",
            "Llama 2 chat, and CodeLlama instruct up to 34B",
            &["llama-2|llama2 chat|instruct", "codellama instruct"],
            &[include_str!("../templates/llama-2.jinja")],
            S_TOKENS,
            STRICT,
            &["</s>"],
        ),
        family(
            "mistral-v7-tekken",
            "Mistral Small 3 and later, Magistral, Devstral: system prompt tokens, Tekken tokenizer",
            &["mistral-small-24b|mistral-small-3 instruct", "magistral|devstral !2512"],
            &[MISTRAL_V7],
            S_TOKENS,
            TOOLS,
            &["</s>"],
        )
        .calling(ToolCallForm::Mistral),
        family(
            "mistral-v7",
            "Mistral Large 2411: system prompt tokens",
            &["mistral-large instruct 2411"],
            &["{%- set gap = ' ' %}", MISTRAL_V7],
            S_TOKENS,
            TOOLS,
            &["</s>"],
        )
        .calling(ToolCallForm::Mistral),
        family(
            "mistral-tekken",
            "Mistral Nemo, Ministral 8B and Pixtral: the v3 format with the Tekken tokenizer",
            &["mistral-nemo|ministral-8b instruct !minitron", "pixtral"],
            &[MISTRAL_V3],
            S_TOKENS,
            Abilities { tools: true, ..STRICT },
            &["</s>"],
        )
        .calling(ToolCallForm::Mistral),
        family(
            "mistral-v3",
            "Mistral 7B v0.3, Mixtral 8x22B, Mistral Large 2407, Codestral",
            &[
                "mistral-7b-instruct v0-3|v3",
                "mixtral-8x22b instruct",
                "mistral-large|mistral-small|codestral 2407|2409|22b",
            ],
            &["{%- set gap = ' ' %}", MISTRAL_V3],
            S_TOKENS,
            Abilities { tools: true, ..STRICT },
            &["</s>"],
        )
        .calling(ToolCallForm::Mistral),
        family(
            "mistral-v1",
            "Mistral 7B v0.1 and v0.2, Mixtral 8x7B",
            &[
                "mistral-7b-instruct",
                "mixtral-8x7b instruct",
                "mistral-7b|mistral instruct !small !large !nemo !medium",
            ],
            &[include_str!("../templates/mistral-v1.jinja")],
            S_TOKENS,
            STRICT,
            &["</s>"],
        ),
    ]
}
