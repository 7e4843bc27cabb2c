//! gpt-oss: a text of messages in channels, of which one holds thoughts, one calls and one the
//! answer.
//!
//! A message is a header and a body: `<|start|>assistant<|channel|>commentary to=functions.name
//! <|constrain|>json<|message|>{...}<|call|>`. The prompt ends behind the first
//! `<|start|>assistant`. What has no channel is content.
//!
//! <https://cookbook.openai.com/articles/openai-harmony>

use super::{ToolCallReading, event::Event, marked::are_well_formed};

/// The special texts of the form.
pub(super) const MARKS: [&str; 7] = [START, CHANNEL, CONSTRAIN, MESSAGE, "<|end|>", "<|return|>", "<|call|>"];

const START: &str = "<|start|>";
const CHANNEL: &str = "<|channel|>";
const CONSTRAIN: &str = "<|constrain|>";
const MESSAGE: &str = "<|message|>";

/// A longer header is content.
const LONGEST_HEADER: usize = 4096;

/// Reads such a text.
#[derive(Debug)]
pub(super) struct HarmonyReader {
    /// Whether the text is whole: then only calls that are well-formed are told.
    is_whole: bool,
    /// The end of the text so far, which may be the beginning of a mark.
    held: String,
    place: HarmonyPlace,
    /// The header, and in a whole text the call behind it.
    raw: String,
    /// A call that is told only when it is whole.
    waiting: Vec<Event>,
    has_thoughts: bool,
    has_text: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HarmonyPlace {
    Outside,
    Header,
    Body {
        kind: HarmonyKind,
        /// Nothing but blanks has come.
        is_empty: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HarmonyKind {
    Thought,
    Text,
    Call,
}

impl HarmonyReader {
    pub(super) fn new(is_whole: bool) -> Self {
        Self {
            is_whole,
            held: String::new(),
            place: HarmonyPlace::Outside,
            raw: String::new(),
            waiting: Vec::new(),
            has_thoughts: false,
            has_text: false,
        }
    }

    pub(super) fn push(&mut self, piece: &str, reading: &ToolCallReading, events: &mut Vec<Event>) {
        let text = std::mem::take(&mut self.held) + piece;
        let (mut from, mut at) = (0, 0);
        while let Some(found) = text.get(at..).and_then(|rest| rest.find('<')) {
            at += found;
            let rest = text.get(at..).unwrap_or_default();
            match MARKS.iter().find(|mark| rest.starts_with(**mark)) {
                Some(mark) => {
                    self.say(text.get(from..at).unwrap_or_default(), events);
                    self.mark(mark, reading, events);
                    at += mark.len();
                    from = at;
                }
                None if MARKS.iter().any(|mark| mark.starts_with(rest)) => {
                    self.say(text.get(from..at).unwrap_or_default(), events);
                    rest.clone_into(&mut self.held);
                    return;
                }
                None => at += 1,
            }
        }
        self.say(text.get(from..).unwrap_or_default(), events);
    }

    /// The text has ended, perhaps in the middle of a message.
    pub(super) fn finish(&mut self, events: &mut Vec<Event>) {
        let held = std::mem::take(&mut self.held);
        self.say(&held, events);
        match self.place {
            HarmonyPlace::Outside => {}
            // A header without a body says nothing.
            HarmonyPlace::Header => self.raw.clear(),
            HarmonyPlace::Body { .. } => self.end_body(events),
        }
        self.place = HarmonyPlace::Outside;
    }

    fn say(&mut self, text: &str, events: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        match &mut self.place {
            HarmonyPlace::Outside => Event::push_text(events, text),
            HarmonyPlace::Header => {
                self.raw.push_str(text);
                if self.raw.len() > LONGEST_HEADER {
                    self.give_back(events);
                }
            }
            HarmonyPlace::Body { kind: HarmonyKind::Call, is_empty } => {
                if self.is_whole {
                    self.raw.push_str(text);
                }
                let text = if *is_empty { text.trim_start() } else { text };
                *is_empty &= text.is_empty();
                let events = if self.is_whole { &mut self.waiting } else { events };
                Event::push_arguments(events, text);
            }
            HarmonyPlace::Body { kind, is_empty } => {
                let is_first = std::mem::take(is_empty);
                let (is_thought, has_more) = match kind {
                    HarmonyKind::Thought => (true, &mut self.has_thoughts),
                    HarmonyKind::Text | HarmonyKind::Call => (false, &mut self.has_text),
                };
                // Each message is a paragraph.
                let text = if is_first && std::mem::replace(has_more, true) { &format!("\n{text}") } else { text };
                match events.last_mut() {
                    Some(Event::Thought(last)) if is_thought => last.push_str(text),
                    _ if is_thought => events.push(Event::Thought(text.to_owned())),
                    _ => Event::push_text(events, text),
                }
            }
        }
    }

    fn mark(&mut self, mark: &str, reading: &ToolCallReading, events: &mut Vec<Event>) {
        match (self.place, mark) {
            (HarmonyPlace::Header, MESSAGE) => self.begin_body(reading, events),
            (HarmonyPlace::Header, START | CHANNEL | CONSTRAIN) => self.raw.push_str(mark),
            (HarmonyPlace::Header, _) => {
                self.raw.push_str(mark);
                self.give_back(events);
            }
            (HarmonyPlace::Body { .. } | HarmonyPlace::Outside, START | CHANNEL) => {
                self.end_body(events);
                self.raw.push_str(mark);
                self.place = HarmonyPlace::Header;
            }
            (HarmonyPlace::Body { .. } | HarmonyPlace::Outside, MESSAGE | CONSTRAIN) | (HarmonyPlace::Outside, _) => {
                self.say(mark, events);
            }
            (HarmonyPlace::Body { .. }, _) => self.end_body(events),
        }
    }

    fn begin_body(&mut self, reading: &ToolCallReading, events: &mut Vec<Event>) {
        let recipient = word_behind(&self.raw, "to=");
        let name = recipient.map(|recipient| recipient.strip_prefix("functions.").unwrap_or(recipient));
        let is_call = |name: &str| reading.offers(name) || (recipient != Some(name) && !reading.tools.is_empty());
        let kind = match name {
            Some(name) if is_call(name) => {
                let call = Event::Call { id: None, name: name.to_owned() };
                if self.is_whole { &mut self.waiting } else { &mut *events }.push(call);
                self.raw.push_str(MESSAGE);
                HarmonyKind::Call
            }
            // A message to something that nobody offers is shown with its header.
            Some(_) => {
                self.raw.push_str(MESSAGE);
                self.give_back(events);
                HarmonyKind::Text
            }
            None if word_behind(&self.raw, CHANNEL) == Some("analysis") => HarmonyKind::Thought,
            None => HarmonyKind::Text,
        };
        if kind != HarmonyKind::Call || !self.is_whole {
            self.raw.clear();
        }
        self.place = HarmonyPlace::Body { kind, is_empty: true };
    }

    fn end_body(&mut self, events: &mut Vec<Event>) {
        if let HarmonyPlace::Body { kind: HarmonyKind::Call, is_empty } = self.place {
            let target = if self.is_whole { &mut self.waiting } else { &mut *events };
            if is_empty {
                Event::push_arguments(target, "{}");
            }
            if self.is_whole {
                if are_well_formed(&self.waiting) {
                    events.append(&mut self.waiting);
                } else {
                    Event::push_text(events, &self.raw);
                }
                self.waiting.clear();
                self.raw.clear();
            }
        }
        self.place = HarmonyPlace::Outside;
    }

    /// What was taken for a header is content.
    fn give_back(&mut self, events: &mut Vec<Event>) {
        Event::push_text(events, &std::mem::take(&mut self.raw));
        self.place = HarmonyPlace::Outside;
    }
}

/// The word behind these characters.
fn word_behind<'a>(header: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(before)?;
    let end = rest.find(|char: char| char.is_whitespace() || char == '<').unwrap_or(rest.len());
    rest.get(..end).filter(|word| !word.is_empty())
}
