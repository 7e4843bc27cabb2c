//! Calls of tools: the forms in which models write them into their text, and their numbering.
//!
//! A text container returns what the model wrote. [`ToolCallReading`] says how its calls are read
//! out of that text; the parsers are rows of one table, a file for each group of related forms.
//! Their names are those of [vLLM's parsers](https://docs.vllm.ai/en/latest/features/tool_calling.html).
//!
//! One reader serves whole answers and streams. In a stream, a call is passed on as soon as its
//! name is known and its arguments begin, so that a call that turns out to be malformed has already
//! been told as the model wrote it. In a whole answer, it stays part of the text.

use std::{fmt, sync::Arc};

use sagewire_types::Tool;

use self::{
    block::Block,
    marked::{Marks, Syntax},
    named::Named,
    object::Object,
};
pub(crate) use self::{
    event::Event,
    numbering::{CallPieces, call_id, name_calls},
    reader::CallReader,
};

mod block;
mod event;
mod forced;
mod gemma;
mod harmony;
mod json_value;
mod marked;
mod members;
mod named;
mod numbering;
mod object;
mod python;
mod reader;
mod schema;
mod xml;

pub use forced::schema as forced_schema;

/// How the calls in one form are read out of a text.
#[derive(Debug)]
pub struct ToolCallParser {
    name: &'static str,
    aliases: &'static [&'static str],
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// Calls between marks, in a text that is otherwise content.
    Marked(Marks, Syntax),
    /// A text in channels: gpt-oss.
    Harmony,
}

impl ToolCallParser {
    /// The name, such as `hermes`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether a text in this form has to be read even if no tools are offered, because it holds
    /// more than content and calls.
    #[must_use]
    pub fn divides_text(&self) -> bool {
        matches!(self.form, Form::Harmony)
    }
}

const fn row(name: &'static str, marks: Marks, syntax: Syntax) -> ToolCallParser {
    ToolCallParser { name, aliases: &[], form: Form::Marked(marks, syntax) }
}

impl ToolCallParser {
    const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }
}

/// All parsers.
static PARSERS: &[ToolCallParser] = &[
    row("hermes", Marks::new(&["<tool_call>"], &["</tool_call>"]).or_brace_behind(), Syntax::Object(Object::MARKED))
        .alias(&["granite4"]),
    row("llama3_json", Marks::new(&["<|python_tag|>", "{"], &[";", ","]), Syntax::Object(Object::BARE))
        .alias(&["llama4_json"]),
    row("mistral", Marks::new(&["[TOOL_CALLS]"], &[",", "]"]).or_brace_behind(), Syntax::ObjectOrNamed(Named::MISTRAL)),
    row(
        "jamba",
        Marks::new(&["<tool_calls>"], &[",", "]", "</tool_calls>"]).or_brace_behind(),
        Syntax::Object(Object::MARKED),
    )
    .alias(&["hunyuan_a13b"]),
    row(
        "granite",
        Marks::new(&["<|tool_call|>", "<tool_call>"], &[",", "]", "<|/tool_call|>", "</tool_call>"]).or_brace_behind(),
        Syntax::Object(Object::MARKED),
    ),
    row(
        "phi4_mini_json",
        Marks::new(&["functools", "<|tool_call|>"], &[",", "]", "<|/tool_call|>"]).or_brace_behind(),
        Syntax::Object(Object::MARKED),
    ),
    row(
        "deepseek_v3",
        Marks::new(&["<｜tool▁call▁begin｜>"], &["```", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"])
            .lead(&["<｜tool▁calls▁begin｜>"]),
        Syntax::Named(Named::DEEPSEEK_V3),
    ),
    row(
        "deepseek_v31",
        Marks::new(&["<｜tool▁call▁begin｜>"], &["<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"])
            .lead(&["<｜tool▁calls▁begin｜>"]),
        Syntax::Named(Named::DEEPSEEK_V31),
    ),
    row(
        "kimi_k2",
        Marks::new(&["<|tool_call_begin|>"], &["<|tool_call_end|>", "<|tool_calls_section_end|>"])
            .lead(&["<|tool_calls_section_begin|>"]),
        Syntax::Named(Named::KIMI),
    ),
    row(
        "deepseek_v32",
        Marks::new(&["<｜DSML｜invoke name="], &["</｜DSML｜function_calls>"]).lead(&["<｜DSML｜function_calls>"]),
        Syntax::Block(Block::DSML),
    ),
    row(
        "qwen3_coder",
        Marks::new(&["<function="], &["</tool_call>"]).lead(&["<tool_call>"]),
        Syntax::Block(Block::FUNCTION),
    )
    .alias(&["qwen3_xml", "mimo"]),
    row(
        "seed_oss",
        Marks::new(&["<function="], &["</seed:tool_call>"]).lead(&["<seed:tool_call>"]),
        Syntax::Block(Block::FUNCTION),
    ),
    row(
        "minimax_m2",
        Marks::new(&["<invoke name="], &["</minimax:tool_call>"]).lead(&["<minimax:tool_call>"]),
        Syntax::Block(Block::INVOKE),
    ),
    row("glm45", Marks::new(&["<tool_call>"], &[]), Syntax::Block(Block::GLM)).alias(&["glm47"]),
    row("gemma4", Marks::new(&["<|tool_call>call:"], &[]), Syntax::Block(Block::GEMMA)),
    row(
        "functiongemma",
        Marks::new(&["<start_function_call>call:"], &["<start_function_response>"]),
        Syntax::Block(Block::FUNCTION_GEMMA),
    ),
    row("olmo3", Marks::new(&["<function_calls>"], &[]), Syntax::Block(Block::OLMO)),
    row("lfm2", Marks::new(&["<|tool_call_start|>"], &[]), Syntax::Block(Block::LFM)),
    ToolCallParser { name: "openai", aliases: &[], form: Form::Harmony },
];

/// The names of all parsers, without their aliases.
#[must_use]
pub fn names() -> Vec<&'static str> {
    PARSERS.iter().map(ToolCallParser::name).collect()
}

/// The names of all parsers and their aliases.
#[must_use]
pub fn all_names() -> Vec<&'static str> {
    PARSERS.iter().flat_map(|parser| std::iter::once(&parser.name).chain(parser.aliases)).copied().collect()
}

/// The parser of this name or alias.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static ToolCallParser> {
    PARSERS.iter().find(|parser| parser.name == name || parser.aliases.contains(&name))
}

/// The marks of all forms.
#[cfg(test)]
pub(crate) fn marks() -> impl Iterator<Item = String> {
    let own = |parser: &'static ToolCallParser| match &parser.form {
        Form::Marked(marks, _) => marks.all().collect::<Vec<_>>(),
        Form::Harmony => harmony::MARKS.to_vec(),
    };
    PARSERS.iter().flat_map(own).map(str::to_owned)
}

/// How the calls of one answer are read.
#[derive(Clone)]
pub struct ToolCallReading {
    parser: Option<&'static ToolCallParser>,
    tools: Arc<[Tool]>,
    is_forced: bool,
    only_one: bool,
}

impl ToolCallReading {
    /// A reading for an answer in the form of this parser, to a request that offers these tools.
    pub fn new(parser: &'static ToolCallParser, tools: impl Into<Arc<[Tool]>>) -> Self {
        Self { parser: Some(parser), tools: tools.into(), is_forced: false, only_one: false }
    }

    /// A reading for an answer that the container was made to give in the form of
    /// [`forced_schema`]. A container that ignored this may still answer in the form of
    /// `parser`.
    pub fn forced(parser: Option<&'static ToolCallParser>, tools: impl Into<Arc<[Tool]>>) -> Self {
        Self { parser, tools: tools.into(), is_forced: true, only_one: false }
    }

    /// The same for at most one call (`parallel_tool_calls: false`): the answer ends with it.
    #[must_use]
    pub fn only_one(mut self, only_one: bool) -> Self {
        self.only_one = only_one;
        self
    }

    /// Whether the model's form divides the text itself, into thoughts too.
    pub(crate) fn divides_text(&self) -> bool {
        !self.is_forced && self.parser.is_some_and(ToolCallParser::divides_text)
    }

    /// Whether the container was made to answer with a call.
    pub(crate) fn is_forced(&self) -> bool {
        self.is_forced
    }

    /// Whether this special token is a mark of the form, or a part of one (`<|tool_call>` of
    /// `<|tool_call>call:`). Such tokens are read although special tokens are not shown.
    pub(crate) fn is_mark(&self, text: &str) -> bool {
        match self.parser.map(|parser| &parser.form) {
            Some(Form::Marked(marks, syntax)) => {
                !text.is_empty() && marks.all().chain(syntax.marks()).any(|mark| mark.contains(text))
            }
            Some(Form::Harmony) => harmony::MARKS.contains(&text),
            None => false,
        }
    }

    /// Whether a tool of this name is offered.
    fn offers(&self, name: &str) -> bool {
        self.tool(name).is_some()
    }

    fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.function.as_ref().is_some_and(|function| function.name == name))
    }
}

impl fmt::Debug for ToolCallReading {
    // Tools are the caller's: they stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCallReading")
            .field("parser", &self.parser.map(ToolCallParser::name))
            .field("tools", &self.tools.len())
            .field("is_forced", &self.is_forced)
            .field("only_one", &self.only_one)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_parsers_have_the_same_name() {
        let names = all_names();
        for name in &names {
            assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}");
            assert!(by_name(name).is_some());
        }
        assert!(by_name("unknown").is_none());
    }

    #[test]
    fn no_mark_begins_another_one() {
        for parser in PARSERS {
            let Form::Marked(marks, _) = &parser.form else { continue };
            let all: Vec<&str> = marks.all().collect();
            for mark in &all {
                let clashing = all.iter().filter(|other| other.starts_with(mark)).count();
                assert_eq!(clashing, 1, "{}: {mark}", parser.name);
            }
        }
    }

    #[test]
    fn tools_are_not_printed() {
        let tool = Tool::function("secret_name", "secret", serde_json::json!({}));
        let reading = ToolCallReading::new(by_name("hermes").unwrap(), [tool]);
        assert!(!format!("{reading:?}").contains("secret"));
    }
}
