//! The forms in which models write tool calls into their text, so that a reader of an answer knows
//! what to look for.

/// How a model writes its calls of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ToolCallForm {
    /// `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`: Hermes, Qwen 2.5 and 3, Granite
    /// 4.
    Hermes,
    /// `{"name": ..., "parameters": {...}}` and nothing else: Llama 3.1 and later.
    LlamaJson,
    /// `[TOOL_CALLS][{"name": ..., "arguments": {...}}]`: Mistral up to the tokenizer v7.
    Mistral,
    /// `[TOOL_CALLS]name[ARGS]{...}`: Mistral from the tokenizer v11 on.
    MistralArgs,
    /// `<｜tool▁call▁begin｜>function<｜tool▁sep｜>name` and the arguments in a block of JSON:
    /// DeepSeek V3 and R1.
    DeepSeek,
    /// `<｜tool▁call▁begin｜>name<｜tool▁sep｜>{...}`: DeepSeek V3.1.
    DeepSeekBare,
    /// `<｜DSML｜invoke name="...">` with a parameter each: DeepSeek V3.2.
    DeepSeekDsml,
    /// `<tool_call><function=name><parameter=key>value</parameter></function></tool_call>`: Qwen3
    /// Coder, Qwen3.5.
    QwenXml,
    /// Messages to `functions.name` in the channel `commentary`: gpt-oss.
    Harmony,
    /// `<tool_call>name<arg_key>key</arg_key><arg_value>value</arg_value></tool_call>`: GLM 4.5 and
    /// later.
    Glm,
    /// `<|tool_call_begin|>functions.name:0<|tool_call_argument_begin|>{...}<|tool_call_end|>`:
    /// Kimi K2.
    Kimi,
    /// `<minimax:tool_call><invoke name="..."><parameter name="...">`: MiniMax M2.
    MiniMax,
    /// `<seed:tool_call><function=name><parameter=key>value</parameter></function></seed:
    /// tool_call>`: Seed OSS.
    SeedOss,
    /// `<|tool_call>call:name{key:value}<tool_call|>`: Gemma 4.
    Gemma4,
    /// `<start_function_call>call:name{key:value}<end_function_call>`: FunctionGemma.
    FunctionGemma,
    /// `<function_calls>name(key=value)</function_calls>`: Olmo 3.
    Pythonic,
    /// `<|tool_call|>[{"name": ..., "arguments": {...}}]`: Granite 3, Phi 4 mini.
    Granite,
}

/// What in a template tells its form, the most telling first.
const MARKS: [(&str, ToolCallForm); 15] = [
    ("｜DSML｜", ToolCallForm::DeepSeekDsml),
    ("<minimax:tool_call>", ToolCallForm::MiniMax),
    ("<seed:tool_call>", ToolCallForm::SeedOss),
    ("<|tool_call_argument_begin|>", ToolCallForm::Kimi),
    ("<|tool_call>call:", ToolCallForm::Gemma4),
    ("<start_function_call>call:", ToolCallForm::FunctionGemma),
    ("<arg_key>", ToolCallForm::Glm),
    ("<function=", ToolCallForm::QwenXml),
    ("to=functions.", ToolCallForm::Harmony),
    ("[ARGS]", ToolCallForm::MistralArgs),
    ("[TOOL_CALLS]", ToolCallForm::Mistral),
    ("<function_calls>", ToolCallForm::Pythonic),
    ("<|tool_call|>", ToolCallForm::Granite),
    ("```json", ToolCallForm::DeepSeek),
    ("<tool_call>", ToolCallForm::Hermes),
];

impl ToolCallForm {
    /// The name of the form's parser in [vLLM](https://docs.vllm.ai/en/latest/features/tool_calling.html), such as `hermes`.
    #[must_use]
    pub fn parser(self) -> &'static str {
        match self {
            Self::Hermes => "hermes",
            Self::LlamaJson => "llama3_json",
            Self::Mistral | Self::MistralArgs => "mistral",
            Self::DeepSeek => "deepseek_v3",
            Self::DeepSeekBare => "deepseek_v31",
            Self::DeepSeekDsml => "deepseek_v32",
            Self::QwenXml => "qwen3_coder",
            Self::Harmony => "openai",
            Self::Glm => "glm45",
            Self::Kimi => "kimi_k2",
            Self::MiniMax => "minimax_m2",
            Self::SeedOss => "seed_oss",
            Self::Gemma4 => "gemma4",
            Self::FunctionGemma => "functiongemma",
            Self::Pythonic => "olmo3",
            Self::Granite => "granite",
        }
    }

    /// The form that a template writes the calls of earlier turns in, as far as its text tells.
    pub(crate) fn of(template: &str) -> Option<Self> {
        if !template.contains("tools") && !template.contains("tool_calls") {
            return None;
        }
        let deepseek = template.contains("<｜tool▁call▁begin｜>");
        let found = MARKS.iter().find(|(mark, form)| template.contains(mark) && (*form != Self::DeepSeek || deepseek));
        match found {
            Some((_, form)) => Some(*form),
            None if deepseek => Some(Self::DeepSeekBare),
            None if template.contains("<|python_tag|>") => Some(Self::LlamaJson),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_tell_their_form() {
        let cases = [
            ("{{ m.tool_calls }}<tool_call>", Some(ToolCallForm::Hermes)),
            ("{{ m.tool_calls }}<tool_call><function=", Some(ToolCallForm::QwenXml)),
            ("{{ m.tool_calls }}<tool_call><arg_key>", Some(ToolCallForm::Glm)),
            ("{{ m.tool_calls }}<｜tool▁call▁begin｜>```json", Some(ToolCallForm::DeepSeek)),
            ("{{ m.tool_calls }}<｜tool▁call▁begin｜>", Some(ToolCallForm::DeepSeekBare)),
            ("{{ m.tool_calls }}[TOOL_CALLS]{{ n }}[ARGS]", Some(ToolCallForm::MistralArgs)),
            ("{{ m.tool_calls }}<|python_tag|>", Some(ToolCallForm::LlamaJson)),
            ("{{ m.tool_calls }}```json", None),
            ("<tool_call>", None),
        ];
        for (template, form) in cases {
            assert_eq!(ToolCallForm::of(template), form, "{template}");
        }
    }
}
