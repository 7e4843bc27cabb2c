//! Calls that are told when their text is complete: forms in which a value's type, or the end of a
//! call, cannot be known earlier.

use super::{
    ToolCallReading,
    event::Event,
    gemma,
    marked::{Section, Step},
    python, xml,
};

/// A call that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: String,
    /// The arguments' JSON text.
    pub(super) arguments: String,
}

/// What ends a block of calls, and how it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    ends: &'static [&'static str],
    read: fn(&str, &ToolCallReading) -> Option<Vec<Call>>,
}

impl Block {
    /// `<function=name><parameter=key>value</parameter></function>`.
    pub(super) const FUNCTION: Self = Self { ends: &["</function>", "</tool_call>"], read: xml::function };
    /// `<invoke name="name"><parameter name="key">value</parameter></invoke>`.
    pub(super) const INVOKE: Self = Self { ends: &["</invoke>"], read: xml::invoke };
    /// The same, with DeepSeek's marks.
    pub(super) const DSML: Self = Self { ends: &["</｜DSML｜invoke>"], read: xml::dsml };
    /// `name<arg_key>key</arg_key><arg_value>value</arg_value></tool_call>`.
    pub(super) const GLM: Self = Self { ends: &["</tool_call>"], read: xml::glm };
    /// `name{key:<|"|>value<|"|>}<tool_call|>`.
    pub(super) const GEMMA: Self = Self { ends: &["<tool_call|>"], read: gemma::calls };
    /// `name(key="value")`, a call on each line.
    pub(super) const OLMO: Self = Self { ends: &["</function_calls>"], read: python::calls };
    /// `[name(key="value"), ...]`.
    pub(super) const LFM: Self = Self { ends: &["<|tool_call_end|>"], read: python::calls };

    pub(super) fn section(self) -> BlockSection {
        BlockSection { block: self }
    }

    /// The marks that end a call.
    pub(super) fn ends(self) -> &'static [&'static str] {
        self.ends
    }
}

/// Reads one block.
#[derive(Debug)]
pub(super) struct BlockSection {
    block: Block,
}

impl Section for BlockSection {
    fn push(&mut self, text: &str, from: usize, reading: &ToolCallReading, events: &mut Vec<Event>) -> Step {
        // The end may have begun before.
        let longest = self.block.ends.iter().map(|end| end.len()).max().unwrap_or_default();
        let mut start = from.saturating_sub(longest);
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let rest = text.get(start..).unwrap_or_default();
        let found = self.block.ends.iter().filter_map(|end| Some((rest.find(end)?, end.len()))).min();
        let Some((at, length)) = found else { return Step::More };
        let (body, end) = (text.get(..start + at).unwrap_or_default(), start + at + length);
        match (self.block.read)(body, reading) {
            Some(calls) if !calls.is_empty() => {
                for call in calls {
                    Event::push_call(events, None, &call.name, &call.arguments);
                }
                Step::Done(end)
            }
            _ => Step::Failed(end),
        }
    }
}
