//! A call as a name between marks and its arguments as JSON behind it: DeepSeek V3 and V3.1, Kimi
//! K2, newer Mistral.

use super::{
    ToolCallReading,
    event::Event,
    json_value::{JsonValue, Place},
    marked::{Section, Step},
};

/// The longest text before the arguments: a name, an id and the marks between them.
const LONGEST_HEAD: usize = 1024;

/// What stands between the opening mark and the arguments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    /// What ends the head. A brace belongs to the arguments.
    head_ends: &'static [&'static str],
    /// Id and name in the head.
    head: fn(&str) -> Option<(Option<String>, String)>,
    /// The mark that closes a call: directly behind the head it means that there are no arguments.
    close: &'static str,
}

impl Named {
    /// `function<｜tool▁sep｜>name`, and the arguments in a block of JSON.
    pub(super) const DEEPSEEK_V3: Self =
        Self { head_ends: &["```json", "{"], head: deepseek_v3, close: "<｜tool▁call▁end｜>" };
    /// `name<｜tool▁sep｜>{...}`.
    pub(super) const DEEPSEEK_V31: Self =
        Self { head_ends: &["<｜tool▁sep｜>"], head: plain, close: "<｜tool▁call▁end｜>" };
    /// `functions.name:0<|tool_call_argument_begin|>{...}`.
    pub(super) const KIMI: Self =
        Self { head_ends: &["<|tool_call_argument_begin|>"], head: kimi, close: "<|tool_call_end|>" };
    /// `name[ARGS]{...}`, `name[CALL_ID]id[ARGS]{...}` or `name{...}`.
    pub(super) const MISTRAL: Self = Self { head_ends: &["[ARGS]", "{"], head: mistral, close: "[TOOL_CALLS]" };

    pub(super) fn section(self) -> NamedSection {
        NamedSection { named: self, state: NamedState::Head { seen: 0 } }
    }

    /// Marks within a call.
    pub(super) fn marks(self) -> impl Iterator<Item = &'static str> {
        self.head_ends.iter().copied().chain(["<｜tool▁sep｜>", "[CALL_ID]"])
    }
}

/// Reads one call.
#[derive(Debug)]
pub(super) struct NamedSection {
    named: Named,
    state: NamedState,
}

#[derive(Debug)]
enum NamedState {
    /// In the head, of which so much has been searched.
    Head {
        seen: usize,
    },
    /// Behind the head, which ended here: blanks, or the beginning of the closing mark.
    Behind {
        head: (Option<String>, String),
        from: usize,
    },
    Arguments {
        value: JsonValue,
    },
}

impl Section for NamedSection {
    fn push(&mut self, text: &str, from: usize, _: &ToolCallReading, events: &mut Vec<Event>) -> Step {
        if let NamedState::Head { seen } = &mut self.state {
            let end = floor(text, LONGEST_HEAD);
            let rest = text.get(*seen..end).unwrap_or_default();
            let found = self.named.head_ends.iter().filter_map(|mark| Some((rest.find(mark)?, *mark))).min();
            let Some((at, mark)) = found else {
                // A mark may have begun at the end.
                let longest = self.named.head_ends.iter().map(|mark| mark.len()).max().unwrap_or_default();
                *seen = floor(text, end.saturating_sub(longest));
                return if end < text.len() { Step::Failed(end) } else { Step::More };
            };
            let at = *seen + at;
            let head = text.get(..at).unwrap_or_default();
            let Some(head) = (self.named.head)(head) else { return Step::Failed(at) };
            let from = if mark == "{" { at } else { at + mark.len() };
            self.state = NamedState::Behind { head, from };
        }
        let mut begun = from;
        if let NamedState::Behind { head, from } = &self.state {
            let rest = text.get(*from..).unwrap_or_default();
            let behind = rest.trim_start();
            let at = text.len() - behind.len();
            if at - *from > LONGEST_HEAD {
                return Step::Failed(at);
            }
            if behind.starts_with(self.named.close) {
                Event::push_call(events, head.0.clone(), &head.1, "{}");
                return Step::Done(at);
            }
            if self.named.close.starts_with(behind) {
                return Step::More;
            }
            let Some(value) = behind.bytes().next().filter(|byte| *byte == b'{').and_then(JsonValue::begin) else {
                return Step::Failed(at);
            };
            events.push(Event::Call { id: head.0.clone(), name: head.1.clone() });
            Event::push_arguments(events, "{");
            begun = at + 1;
            self.state = NamedState::Arguments { value };
        }
        let NamedState::Arguments { value } = &mut self.state else { return Step::More };
        for (at, byte) in text.bytes().enumerate().skip(begun) {
            match value.read(byte) {
                Place::Within => {}
                Place::Last => {
                    Event::push_arguments(events, text.get(begun..=at).unwrap_or_default());
                    return Step::Done(at + 1);
                }
                Place::Behind | Place::Broken => {
                    Event::push_arguments(events, text.get(begun..at).unwrap_or_default());
                    return Step::Failed(at);
                }
            }
        }
        Event::push_arguments(events, text.get(begun..).unwrap_or_default());
        Step::More
    }
}

/// The last place at or before this one where the text can be cut.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|char: char| char.is_whitespace() || "<>[]{}\"`".contains(char))
}

fn plain(head: &str) -> Option<(Option<String>, String)> {
    let name = head.trim();
    is_name(name).then(|| (None, name.to_owned()))
}

fn deepseek_v3(head: &str) -> Option<(Option<String>, String)> {
    let (kind, name) = head.split_once("<｜tool▁sep｜>")?;
    (kind.trim() == "function").then(|| plain(name.trim().trim_end_matches('`')))?
}

fn kimi(head: &str) -> Option<(Option<String>, String)> {
    let id = head.trim();
    let (name, number) = id.strip_prefix("functions.").unwrap_or(id).rsplit_once(':')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && is_name(name)).then(|| (Some(id.to_owned()), name.to_owned()))
}

fn mistral(head: &str) -> Option<(Option<String>, String)> {
    match head.split_once("[CALL_ID]") {
        Some((name, id)) => {
            let (_, name) = plain(name)?;
            Some((Some(id.trim().to_owned()).filter(|id| is_name(id)), name))
        }
        None => plain(head),
    }
}
