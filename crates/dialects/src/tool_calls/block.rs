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
    /// Marks within a call.
    within: &'static [&'static str],
    read: fn(&str, &ToolCallReading) -> Option<Vec<Call>>,
}

impl Block {
    /// `<function=name><parameter=key>value</parameter></function>`.
    pub(super) const FUNCTION: Self = Self::new(&["</function>", "</tool_call>"], xml::function);
    /// `<invoke name="name"><parameter name="key">value</parameter></invoke>`.
    pub(super) const INVOKE: Self = Self::new(&["</invoke>"], xml::invoke);
    /// The same, with DeepSeek's marks.
    pub(super) const DSML: Self = Self::new(&["</｜DSML｜invoke>"], xml::dsml);
    /// `name<arg_key>key</arg_key><arg_value>value</arg_value></tool_call>`.
    pub(super) const GLM: Self = Self::new(&["</tool_call>"], xml::glm);
    /// `name{key:<|"|>value<|"|>}<tool_call|>`.
    pub(super) const GEMMA: Self = Self::new(&["<tool_call|>"], gemma::calls).within(&[gemma::QUOTE]);
    /// `name{key:<escape>value<escape>}<end_function_call>`.
    pub(super) const FUNCTION_GEMMA: Self =
        Self::new(&["<end_function_call>"], gemma::escaped_calls).within(&[gemma::ESCAPE]);
    /// `name(key="value")`, a call on each line.
    pub(super) const OLMO: Self = Self::new(&["</function_calls>"], python::calls);
    /// `[name(key="value"), ...]`.
    pub(super) const LFM: Self = Self::new(&["<|tool_call_end|>"], python::calls);

    const fn new(ends: &'static [&'static str], read: fn(&str, &ToolCallReading) -> Option<Vec<Call>>) -> Self {
        Self { ends, within: &[], read }
    }

    const fn within(mut self, marks: &'static [&'static str]) -> Self {
        self.within = marks;
        self
    }

    pub(super) fn section(self) -> BlockSection {
        BlockSection { block: self }
    }

    /// The marks within and at the end of a call.
    pub(super) fn marks(self) -> impl Iterator<Item = &'static str> {
        self.ends.iter().chain(self.within).copied()
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
