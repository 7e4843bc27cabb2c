//! The families, in the order in which they are tried: the most specific first.
//!
//! A template is a list of parts that are joined: a few lines that set what differs, and a shared file of `templates/`.
//! They are written for messages that were made to fit (see [`crate::adapt`]): content is always a text.

use std::sync::OnceLock;

use super::Entry;
use crate::adapt::{Abilities, SystemPlace};

/// What most families can take: a system message anywhere, one text per turn, no tools.
const CHAT: Abilities = Abilities { system: SystemPlace::Anywhere, tools: false, same_role_in_a_row: true };
/// With tool definitions, calls and results.
const TOOLS: Abilities = Abilities { tools: true, ..CHAT };
/// A system message only at the start, and strict turns.
const STRICT: Abilities = Abilities { system: SystemPlace::First, tools: false, same_role_in_a_row: false };
/// No system message: it joins the first user turn.
const NO_SYSTEM: Abilities = Abilities { system: SystemPlace::None, ..STRICT };

const S_TOKENS: &[(&str, &str)] = &[("bos_token", "<s>"), ("eos_token", "</s>")];
const LLAMA_3_TOKENS: &[(&str, &str)] = &[("bos_token", "<|begin_of_text|>"), ("eos_token", "<|eot_id|>")];
const CHATML_TOKENS: &[(&str, &str)] = &[("eos_token", "<|im_end|>")];
const DEEPSEEK_TOKENS: &[(&str, &str)] =
    &[("bos_token", "<｜begin▁of▁sentence｜>"), ("eos_token", "<｜end▁of▁sentence｜>")];

const CHATML: &str = include_str!("templates/chatml.jinja");
const LLAMA_3_1: &str = include_str!("templates/llama-3.1.jinja");
const MISTRAL_V3: &str = include_str!("templates/mistral-v3.jinja");
const MISTRAL_V7: &str = include_str!("templates/mistral-v7.jinja");
const QWEN: &str = include_str!("templates/qwen.jinja");
const TURNS: &str = include_str!("templates/turns.jinja");
const ZEPHYR: &str = include_str!("templates/zephyr.jinja");
const DEEPSEEK: &str = include_str!("templates/deepseek.jinja");
const INSTRUCT: &str = include_str!("templates/instruct.jinja");

const fn family(
    name: &'static str,
    description: &'static str,
    patterns: &'static [&'static str],
    parts: &'static [&'static str],
    tokens: &'static [(&'static str, &'static str)],
    abilities: Abilities,
    stop: &'static [&'static str],
) -> Entry {
    Entry { name, description, patterns, parts, tokens, abilities, stop, compiled: OnceLock::new() }
}

/// All families.
pub(super) static ENTRIES: [Entry; 47] = [
    // Fine-tunes that carry the name of the model they were made from come before that model.
    family(
        "chatml",
        "ChatML: OpenHermes, Hermes, Dolphin, Yi, Falcon-H1, OpenOrca, DBRX, MPT chat and many fine-tunes",
        &[
            "openhermes|hermes-2|hermes-3",
            "dolphin",
            "openorca",
            "01-ai chat",
            "zephyr gemma",
            "mpt chat",
            "dbrx instruct",
            "falcon-h1 instruct",
            "internlm2 chat",
            "chatml",
        ],
        &[CHATML],
        CHATML_TOKENS,
        CHAT,
        &["<|im_end|>"],
    ),
    family(
        "deepseek-r1",
        "DeepSeek R1 and its distillations: answers start inside <think>",
        &["deepseek r1"],
        &["{%- set opening = '<think>\\n' %}", DEEPSEEK],
        DEEPSEEK_TOKENS,
        TOOLS,
        &["<｜end▁of▁sentence｜>"],
    ),
    family(
        "deepseek-v3.1",
        "DeepSeek V3.1: thinks when `thinking` is set",
        &["deepseek v3-1"],
        &[include_str!("templates/deepseek-v3.1.jinja")],
        DEEPSEEK_TOKENS,
        TOOLS,
        &["<｜end▁of▁sentence｜>"],
    ),
    family(
        "deepseek-v3",
        "DeepSeek V3",
        &["deepseek v3 !v3-2 !base"],
        &[DEEPSEEK],
        DEEPSEEK_TOKENS,
        TOOLS,
        &["<｜end▁of▁sentence｜>"],
    ),
    family(
        "deepseek-coder",
        "DeepSeek Coder, first generation",
        &["deepseek-coder instruct !v2"],
        &[include_str!("templates/deepseek-coder.jinja")],
        &[("bos_token", "<｜begin▁of▁sentence｜>"), ("eos_token", "<|EOT|>")],
        CHAT,
        &["<|EOT|>"],
    ),
    family(
        "deepseek-v2",
        "DeepSeek LLM and V2 chat",
        &["deepseek-v2|deepseek-llm|deepseek-coder-v2 chat|instruct"],
        &[include_str!("templates/deepseek-v2.jinja")],
        DEEPSEEK_TOKENS,
        CHAT,
        &["<｜end▁of▁sentence｜>"],
    ),
    family(
        "alpaca",
        "Alpaca instructions: MythoMax, Nous-Hermes Llama 2, Platypus, Dolly, MPT instruct",
        &["alpaca", "mythomax|mythomix|mythologic", "nous-hermes-llama|platypus", "dolly-v2", "mpt instruct"],
        &[
            "{%- set preamble = 'Below is an instruction that describes a task. Write a response that appropriately \
             completes the request.' %}",
            "{%- set headings = {'user': '### Instruction:\\n', 'assistant': '### Response:\\n'} %}",
            INSTRUCT,
        ],
        &[("eos_token", "</s>")],
        STRICT,
        &["</s>", "### Instruction:"],
    ),
    family(
        "vicuna",
        "Vicuna and WizardLM: USER and ASSISTANT",
        &["vicuna", "wizardlm !coder", "wizard-lm-2"],
        &[include_str!("templates/vicuna.jinja")],
        S_TOKENS,
        STRICT,
        &["</s>", "USER:"],
    ),
    family(
        "wizardcoder",
        "WizardCoder: one instruction, one response",
        &["wizardcoder"],
        &[
            "{%- set preamble = 'Below is an instruction that describes a task. Write a response that appropriately \
             completes the request.' %}",
            "{%- set headings = {'user': '### Instruction:\\n', 'assistant': '### Response:'} %}",
            INSTRUCT,
        ],
        &[("eos_token", "</s>")],
        STRICT,
        &["</s>", "### Instruction:"],
    ),
    family(
        "phind",
        "Phind CodeLlama",
        &["phind"],
        &[
            "{%- set headings = {'system': '### System Prompt\\n', 'user': '### User Message\\n', \
             'assistant': '### Assistant\\n'} %}",
            INSTRUCT,
        ],
        &[],
        STRICT,
        &["</s>", "### User Message"],
    ),
    family(
        "solar",
        "SOLAR instruct",
        &["solar instruct"],
        &[
            "{%- set headings = {'system': '### System:\\n', 'user': '### User:\\n', 'assistant': '### Assistant:\\n'} %}",
            INSTRUCT,
        ],
        &[],
        STRICT,
        &["</s>", "### User:"],
    ),
    family(
        "openchat",
        "OpenChat 3.5 and Starling: GPT4 Correct User",
        &["openchat", "starling-lm"],
        &[include_str!("templates/openchat.jinja")],
        &[("bos_token", "<s>"), ("eos_token", "<|end_of_turn|>")],
        CHAT,
        &["<|end_of_turn|>"],
    ),
    family(
        "prompter",
        "MistralLite and FalconLite 2",
        &["mistrallite|falconlite2"],
        &[include_str!("templates/prompter.jinja")],
        &[("eos_token", "</s>")],
        NO_SYSTEM,
        &["</s>", "<|prompter|>"],
    ),
    family(
        "redpajama",
        "RedPajama and GPT-NeoXT chat: <human> and <bot>",
        &["redpajama|neoxt chat"],
        &["{%- set names = {'user': '<human>', 'assistant': '<bot>'} %}", TURNS],
        &[],
        NO_SYSTEM,
        &["<human>"],
    ),
    family("starchat", "StarChat", &["starchat"], &["{%- set end = '<|end|>' %}", ZEPHYR], &[], CHAT, &["<|end|>"]),
    family(
        "zephyr",
        "Zephyr, its SFT forerunners, and TinyLlama chat",
        &["zephyr", "mistral-7b-sft", "tinyllama chat-v1"],
        &[ZEPHYR],
        S_TOKENS,
        CHAT,
        &["</s>", "<|user|>"],
    ),
    family(
        "codellama-70b",
        "CodeLlama 70B instruct: Source and Destination",
        &["codellama 70b instruct !phind"],
        &[include_str!("templates/codellama-70b.jinja")],
        S_TOKENS,
        STRICT,
        &["<step>", "</s>"],
    ),
    family(
        "llama-4",
        "Llama 4 instruct",
        &["llama-4|llama4 instruct"],
        &[
            "{%- set open = '<|header_start|>' %}{%- set close = '<|header_end|>' %}{%- set end = '<|eot|>' %}\
             {%- set plain_system = true %}",
            LLAMA_3_1,
        ],
        &[("bos_token", "<|begin_of_text|>"), ("eos_token", "<|eot|>")],
        TOOLS,
        &["<|eot|>", "<|eom|>"],
    ),
    family(
        "llama-3.2",
        "Llama 3.2 instruct: Llama 3.1 with today's date",
        &["llama-3-2|llama3-2 instruct"],
        &[
            "{%- if date_string is not defined %}{%- set date_string = strftime_now('%d %b %Y') %}{%- endif %}",
            LLAMA_3_1,
        ],
        LLAMA_3_TOKENS,
        TOOLS,
        &["<|eot_id|>", "<|eom_id|>"],
    ),
    family(
        "llama-3.1",
        "Llama 3.1 and 3.3 instruct",
        &["llama-3-1|llama3-1|llama-3-3|llama3-3 instruct", "=meta-textgeneration-llama-3-3-70b"],
        &[LLAMA_3_1],
        LLAMA_3_TOKENS,
        TOOLS,
        &["<|eot_id|>", "<|eom_id|>"],
    ),
    family(
        "llama-3",
        "Llama 3 instruct",
        &["llama-3|llama3 instruct|chat !chatqa !guard"],
        &[include_str!("templates/llama-3.jinja")],
        LLAMA_3_TOKENS,
        CHAT,
        &["<|eot_id|>"],
    ),
    family(
        "llama-2",
        "Llama 2 chat, and CodeLlama instruct up to 34B",
        &["llama-2|llama2 chat|instruct", "codellama instruct"],
        &[include_str!("templates/llama-2.jinja")],
        S_TOKENS,
        STRICT,
        &["</s>"],
    ),
    family(
        "mistral-v7-tekken",
        "Mistral Small 3 and later, Magistral, Devstral: system prompt tokens, Tekken tokenizer",
        &["mistral-small-24b|mistral-small-3 instruct", "magistral|devstral"],
        &[MISTRAL_V7],
        S_TOKENS,
        TOOLS,
        &["</s>"],
    ),
    family(
        "mistral-v7",
        "Mistral Large 2411: system prompt tokens",
        &["mistral-large instruct 2411"],
        &["{%- set gap = ' ' %}", MISTRAL_V7],
        S_TOKENS,
        TOOLS,
        &["</s>"],
    ),
    family(
        "mistral-tekken",
        "Mistral Nemo, Ministral 8B and Pixtral: the v3 format with the Tekken tokenizer",
        &["mistral-nemo|ministral-8b|ministral-3b instruct", "pixtral"],
        &[MISTRAL_V3],
        S_TOKENS,
        Abilities { tools: true, ..STRICT },
        &["</s>"],
    ),
    family(
        "mistral-v3",
        "Mistral 7B v0.3, Mixtral 8x22B, Mistral Large 2407, Codestral",
        &["mistral-7b-instruct v0-3", "mixtral-8x22b instruct", "mistral-large|mistral-small|codestral 2407|2409|22b"],
        &["{%- set gap = ' ' %}", MISTRAL_V3],
        S_TOKENS,
        Abilities { tools: true, ..STRICT },
        &["</s>"],
    ),
    family(
        "mistral-v1",
        "Mistral 7B v0.1 and v0.2, Mixtral 8x7B",
        &["mistral-7b-instruct", "mixtral-8x7b instruct", "mistral instruct !small !large !nemo !medium"],
        &[include_str!("templates/mistral-v1.jinja")],
        S_TOKENS,
        STRICT,
        &["</s>"],
    ),
    family(
        "qwq",
        "QwQ: answers start inside <think>",
        &["qwq"],
        &["{%- set opening = '<think>\\n' %}", QWEN],
        CHATML_TOKENS,
        TOOLS,
        &["<|im_end|>"],
    ),
    family(
        "qwen-3",
        "Qwen 3: thinks unless `enable_thinking` is false",
        &["qwen3 !qwen3-5 !qwen3-6 !coder !embedding !reranker !base !-vl !next"],
        &["{%- set reasoning = true %}", QWEN],
        CHATML_TOKENS,
        TOOLS,
        &["<|im_end|>"],
    ),
    family(
        "qwen-2.5",
        "Qwen 2.5 instruct, Coder too",
        &["qwen2-5 instruct !math"],
        &["{%- set default_system = 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' %}", QWEN],
        CHATML_TOKENS,
        TOOLS,
        &["<|im_end|>"],
    ),
    family(
        "qwen-2",
        "Qwen 1.5 and 2 chat",
        &["qwen2 instruct !qwen2-5 !gte", "qwen1-5 chat", "qvq"],
        &["{%- set default_system = 'You are a helpful assistant.' %}", CHATML],
        CHATML_TOKENS,
        CHAT,
        &["<|im_end|>"],
    ),
    family(
        "gemma",
        "Gemma 1 to 3 instruct: the system message joins the first user turn",
        &["gemma -it|instruct !gemma-4 !gemma-3n"],
        &[include_str!("templates/gemma.jinja")],
        &[("bos_token", "<bos>"), ("eos_token", "<end_of_turn>")],
        NO_SYSTEM,
        &["<end_of_turn>", "<eos>"],
    ),
    family(
        "phi-4-mini",
        "Phi 4 mini",
        &["phi-4-mini|phi-4-multimodal"],
        &[include_str!("templates/phi-4-mini.jinja")],
        &[("eos_token", "<|endoftext|>")],
        TOOLS,
        &["<|end|>", "<|endoftext|>"],
    ),
    family(
        "phi-4",
        "Phi 4",
        &["phi-4"],
        &[include_str!("templates/phi-4.jinja")],
        &[("eos_token", "<|im_end|>")],
        CHAT,
        &["<|im_end|>", "<|endoftext|>"],
    ),
    family(
        "phi-3",
        "Phi 3 and 3.5 instruct",
        &["phi-3 instruct"],
        &[include_str!("templates/phi-3.jinja")],
        &[("eos_token", "<|endoftext|>")],
        CHAT,
        &["<|end|>", "<|endoftext|>"],
    ),
    family(
        "falcon-3",
        "Falcon 3 instruct",
        &["falcon3|falcon-3 instruct"],
        &[include_str!("templates/falcon-3.jinja")],
        &[("eos_token", "<|endoftext|>")],
        CHAT,
        &["<|endoftext|>", "<|user|>"],
    ),
    family(
        "falcon-180b",
        "Falcon 180B chat: System, User and Falcon",
        &["falcon-180b chat"],
        &["{%- set names = {'system': 'System', 'user': 'User', 'assistant': 'Falcon'} %}", TURNS],
        &[("eos_token", "<|endoftext|>")],
        CHAT,
        &["<|endoftext|>", "User:"],
    ),
    family(
        "falcon",
        "Falcon 7B and 40B instruct: User and Assistant",
        &["falcon instruct !falcon2"],
        &["{%- set names = {'user': 'User', 'assistant': 'Assistant'} %}", TURNS],
        &[("eos_token", "<|endoftext|>")],
        NO_SYSTEM,
        &["<|endoftext|>", "User:"],
    ),
    family(
        "granite-code",
        "Granite code instruct: Question and Answer",
        &["granite code instruct"],
        &[include_str!("templates/granite-code.jinja")],
        &[("eos_token", "<|endoftext|>")],
        CHAT,
        &["<|endoftext|>", "Question:"],
    ),
    family(
        "granite-3",
        "Granite 3 instruct",
        &["granite-3 instruct"],
        &[include_str!("templates/granite-3.jinja")],
        &[("eos_token", "<|end_of_text|>")],
        TOOLS,
        &["<|end_of_text|>"],
    ),
    family(
        "granite-chat",
        "Granite 13B chat",
        &["granite chat"],
        &[include_str!("templates/granite-chat.jinja")],
        &[("eos_token", "<|endoftext|>")],
        CHAT,
        &["<|endoftext|>", "<|user|>"],
    ),
    family(
        "command-r",
        "Command R and R+",
        &["command-r !r7b"],
        &[include_str!("templates/command-r.jinja")],
        &[("bos_token", "<BOS_TOKEN>"), ("eos_token", "<|END_OF_TURN_TOKEN|>")],
        CHAT,
        &["<|END_OF_TURN_TOKEN|>"],
    ),
    family(
        "gpt-oss",
        "gpt-oss: the harmony format",
        &["gpt-oss"],
        &[include_str!("templates/gpt-oss.jinja")],
        &[("eos_token", "<|return|>")],
        Abilities { system: SystemPlace::First, ..TOOLS },
        &["<|return|>", "<|call|>", "<|end|>"],
    ),
    family(
        "smollm-3",
        "SmolLM3: thinks unless `enable_thinking` is false",
        &["smollm3 !base"],
        &[include_str!("templates/smollm-3.jinja")],
        CHATML_TOKENS,
        Abilities { system: SystemPlace::First, ..CHAT },
        &["<|im_end|>"],
    ),
    family(
        "smollm",
        "SmolLM and SmolLM2 instruct",
        &["smollm instruct"],
        &["{%- set default_system = 'You are a helpful AI assistant named SmolLM, trained by Hugging Face' %}", CHATML],
        CHATML_TOKENS,
        CHAT,
        &["<|im_end|>"],
    ),
    family(
        "olmo",
        "OLMo instruct",
        &["olmo instruct"],
        &[include_str!("templates/olmo.jinja")],
        &[("bos_token", "<|endoftext|>"), ("eos_token", "<|endoftext|>")],
        CHAT,
        &["<|endoftext|>"],
    ),
    // Base models were trained on no format. Only their own repositories are recognised: of a fine-tune nobody knows.
    family(
        "plain",
        "Base models: the texts of all messages, joined by one blank",
        &[
            "meta-llama/ llama-2|llama-3|llama-4 !chat !instruct !guard",
            "codellama/codellama !instruct",
            "mistralai/ mistral-7b-v|mixtral-8x7b-v|mixtral-8x22b-v|nemo-base !instruct",
            "qwen/qwen !instruct !chat !coder !qwen3 !vl !qwq !qvq",
            "qwen/qwen3 base",
            "google/gemma !-it !instruct !gemma-4",
            "google/flan",
            "tiiuae/falcon !instruct !chat",
            "mosaicml/mpt !instruct !chat",
            "databricks/dbrx-base",
            "microsoft/phi-1|microsoft/phi-2",
            "allenai/olmo !instruct !sft !dpo",
            "01-ai/yi !chat",
            "bigscience/|bigcode/starcoder|eleutherai/|openai-community/",
            "huggingfacetb/smollm !instruct !smollm3",
        ],
        &[],
        &[],
        CHAT,
        &[],
    ),
];
