//! Texts in which calls stand between marks: where they begin, and what around them is neither call
//! nor content.

use std::fmt::Debug;

use super::{
    ToolCallReading,
    block::Block,
    event::Event,
    named::{Named, NamedSection},
    object::{Object, ObjectSection},
};

/// The most bytes of a call that are held before its name is known. A longer one is content.
const LONGEST_HELD: usize = 4 * 1024 * 1024;

/// The longest blank between a mark and its call.
const LONGEST_BLANK: usize = 1024;

/// The marks of a form. None of them begins another one.
#[derive(Debug)]
pub(super) struct Marks {
    /// Behind one of these a call begins. A brace is the first byte of the call itself.
    opens: &'static [&'static str],
    /// The same, directly behind a call alone.
    opens_behind: &'static [&'static str],
    /// What stands before the first of several calls.
    leads: &'static [&'static str],
    /// What stands behind a call, or between two of them.
    drops: &'static [&'static str],
}

impl Marks {
    pub(super) const fn new(opens: &'static [&'static str], drops: &'static [&'static str]) -> Self {
        Self { opens, opens_behind: &[], leads: &[], drops }
    }

    pub(super) const fn or_brace_behind(mut self) -> Self {
        self.opens_behind = &["{"];
        self
    }

    pub(super) const fn lead(mut self, leads: &'static [&'static str]) -> Self {
        self.leads = leads;
        self
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &'static str> {
        [self.opens, self.opens_behind, self.leads, self.drops].into_iter().flatten().copied()
    }
}

/// What a call looks like behind its mark.
#[derive(Clone, Copy, Debug)]
pub(super) enum Syntax {
    Object(Object),
    Named(Named),
    /// An object, or a list of them, or else a name.
    ObjectOrNamed(Named),
    Block(Block),
}

impl Syntax {
    fn section(self) -> Box<dyn Section> {
        match self {
            Self::Object(object) => Box::new(object.section()),
            Self::Named(named) => Box::new(named.section()),
            Self::ObjectOrNamed(named) => Box::new(ObjectOrNamed::Unknown(named)),
            Self::Block(block) => Box::new(block.section()),
        }
    }

    /// The marks within and behind calls.
    pub(super) fn marks(self) -> Vec<&'static str> {
        match self {
            Self::Object(_) => Vec::new(),
            Self::Named(named) | Self::ObjectOrNamed(named) => named.marks().collect(),
            Self::Block(block) => block.marks().collect(),
        }
    }
}

/// Reads one call, or a block of calls.
pub(super) trait Section: Debug + Send {
    /// Reads on. `text` is the call so far, of which all before `from` was read already. Once the
    /// call has been handed over in part, `text` is what is new alone.
    fn push(&mut self, text: &str, from: usize, reading: &ToolCallReading, events: &mut Vec<Event>) -> Step;
}

/// How far a call has come. Places are those of the text that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There is more of it.
    More,
    /// It has ended here.
    Done(usize),
    /// It is none, up to here.
    Failed(usize),
}

/// Mistral's calls, of which the first byte tells the kind.
#[derive(Debug)]
enum ObjectOrNamed {
    Unknown(Named),
    Object(ObjectSection),
    Named(NamedSection),
}

impl Section for ObjectOrNamed {
    fn push(&mut self, text: &str, from: usize, reading: &ToolCallReading, events: &mut Vec<Event>) -> Step {
        if let Self::Unknown(named) = self {
            match text.trim_start().bytes().next() {
                None if text.len() > LONGEST_BLANK => return Step::Failed(text.len()),
                None => return Step::More,
                Some(b'[' | b'{') => *self = Self::Object(Object::MARKED.section()),
                Some(_) => *self = Self::Named(named.section()),
            }
            return self.push(text, 0, reading, events);
        }
        match self {
            Self::Unknown(_) => Step::More,
            Self::Object(section) => section.push(text, from, reading, events),
            Self::Named(section) => section.push(text, from, reading, events),
        }
    }
}

/// Reads a text with calls in it.
#[derive(Debug)]
pub(super) struct MarkedReader {
    marks: &'static Marks,
    syntax: Syntax,
    /// What ends the model's turn: behind a call it is no content.
    end_tokens: std::sync::Arc<[String]>,
    /// Whether the text is whole: then only calls that are well-formed are told.
    is_whole: bool,
    /// The end of the text so far, which may be the beginning of a mark.
    held: String,
    around: Around,
    call: Option<OpenCall>,
}

/// Text that is content unless a call stands beside it.
#[derive(Debug, Default)]
struct Around {
    text: String,
    /// Whether the next blanks and marks belong to it.
    is_open: bool,
    is_behind_a_call: bool,
}

#[derive(Debug)]
struct OpenCall {
    section: Box<dyn Section>,
    /// The call's text with its mark, as long as nothing of it was handed over.
    raw: String,
    /// How long the mark is that is not the section's to read.
    mark: usize,
    begun: bool,
    /// What was read of a call that is told only when it is whole.
    waiting: Vec<Event>,
}

/// What is left to read when a call has ended.
enum Left {
    /// All behind this place.
    Behind(usize),
    /// All, and before it this end of what came earlier.
    Before(String),
}

/// What was found at a place of the text.
enum Found {
    Open(&'static str),
    Lead(&'static str),
    Drop(usize),
}

impl MarkedReader {
    pub(super) fn new(
        marks: &'static Marks,
        syntax: Syntax,
        end_tokens: std::sync::Arc<[String]>,
        is_whole: bool,
    ) -> Self {
        let around = Around { is_open: true, ..Around::default() };
        Self { marks, syntax, end_tokens, is_whole, held: String::new(), around, call: None }
    }

    pub(super) fn push(&mut self, piece: &str, reading: &ToolCallReading, events: &mut Vec<Event>) {
        let mut text = std::mem::take(&mut self.held) + piece;
        let mut from = 0;
        while let Some(rest) = text.get(from..) {
            match self.call.take() {
                None => match self.read_text(rest, events) {
                    Some(used) => from += used,
                    None => return,
                },
                Some(call) => match self.read_call(call, rest, reading, events) {
                    Some(Left::Behind(used)) => from += used,
                    Some(Left::Before(again)) => (text, from) = (again + rest, 0),
                    None => return,
                },
            }
        }
    }

    /// The text has ended.
    pub(super) fn finish(&mut self, events: &mut Vec<Event>) {
        let held = std::mem::take(&mut self.held);
        match self.call.take() {
            Some(call) if !call.begun => self.give_back(&call.raw, events),
            Some(_) => {}
            None => {
                let is_rest_of_a_mark = self.around.is_open && self.around.is_behind_a_call;
                if !is_rest_of_a_mark {
                    self.give(&held, events);
                }
            }
        }
        if !self.around.is_behind_a_call {
            Event::push_text(events, &std::mem::take(&mut self.around.text));
        }
    }

    /// Reads content up to the next call. Gives how much was used, or `None` if that was all.
    fn read_text(&mut self, text: &str, events: &mut Vec<Event>) -> Option<usize> {
        let mut from = 0;
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            match self.find(rest) {
                Err(true) => {
                    self.give(text.get(from..at).unwrap_or_default(), events);
                    rest.clone_into(&mut self.held);
                    return None;
                }
                Err(false) => {
                    let next = rest.chars().next().unwrap_or_default();
                    at += next.len_utf8();
                    if self.around.is_open && !next.is_whitespace() {
                        self.give(text.get(from..at).unwrap_or_default(), events);
                        from = at;
                    }
                }
                Ok(found) => {
                    self.give(text.get(from..at).unwrap_or_default(), events);
                    let length = match found {
                        Found::Open(mark) => {
                            return Some(at + self.open(mark));
                        }
                        Found::Lead(mark) => {
                            self.around.is_open = true;
                            self.around.text.push_str(mark);
                            mark.len()
                        }
                        Found::Drop(length) if self.around.is_open && self.around.is_behind_a_call => length,
                        Found::Drop(length) if self.around.is_open => {
                            self.around.text.push_str(rest.get(..length).unwrap_or_default());
                            length
                        }
                        Found::Drop(length) => {
                            Event::push_text(events, rest.get(..length).unwrap_or_default());
                            length
                        }
                    };
                    at += length;
                    from = at;
                }
            }
        }
        self.give(text.get(from..).unwrap_or_default(), events);
        None
    }

    /// The mark at the beginning of a text; otherwise, whether all of the text may be the beginning
    /// of one.
    fn find(&self, text: &str) -> Result<Found, bool> {
        let mut may_become_one = false;
        let mut is = |mark: &str| {
            may_become_one |= mark.starts_with(text);
            text.starts_with(mark)
        };
        let is_behind = self.around.is_open && self.around.is_behind_a_call;
        let opens_behind = self.marks.opens_behind.iter().filter(|_| is_behind);
        if let Some(mark) = self.marks.opens.iter().chain(opens_behind).find(|mark| is(mark)) {
            return Ok(Found::Open(mark));
        }
        if let Some(mark) = self.marks.leads.iter().find(|mark| is(mark)) {
            return Ok(Found::Lead(mark));
        }
        let end_tokens = self.end_tokens.iter().map(String::as_str);
        let mut drops = self.marks.drops.iter().copied().chain(end_tokens).filter(|_| self.around.is_open);
        if let Some(mark) = drops.find(|mark| !mark.is_empty() && is(mark)) {
            return Ok(Found::Drop(mark.len()));
        }
        Err(may_become_one)
    }

    /// Begins a call. Gives how much of its mark has been read.
    fn open(&mut self, mark: &'static str) -> usize {
        let is_own = mark == "{";
        let (raw, mark) = if is_own { (String::new(), 0) } else { (mark.to_owned(), mark.len()) };
        self.call = Some(OpenCall { section: self.syntax.section(), raw, mark, begun: false, waiting: Vec::new() });
        mark
    }

    /// Reads on in a call. Gives what is left of the text, or `None` if the call goes on.
    fn read_call(
        &mut self,
        mut call: OpenCall,
        text: &str,
        reading: &ToolCallReading,
        events: &mut Vec<Event>,
    ) -> Option<Left> {
        let before = call.raw.len();
        // What follows a mark is not copied until it is known to go on: it may be all of a long text, and
        // no call at all.
        let is_new = before == call.mark;
        if !is_new {
            call.raw.push_str(text);
        }
        let given = if is_new { text } else { call.raw.get(call.mark..).unwrap_or_default() };
        let step = call.section.push(given, before - call.mark, reading, &mut call.waiting);
        if !self.is_whole && !call.waiting.is_empty() {
            if !call.begun {
                self.begin_call();
            }
            call.begun = true;
            events.append(&mut call.waiting);
        }
        let length = before + text.len();
        let end = match step {
            Step::More if call.begun => {
                call.raw.clear();
                call.mark = 0;
                self.call = Some(call);
                return None;
            }
            Step::More if self.is_whole || length <= LONGEST_HELD => {
                if is_new {
                    call.raw.push_str(text);
                }
                self.call = Some(call);
                return None;
            }
            Step::More => length,
            Step::Done(at) | Step::Failed(at) => at + call.mark,
        };
        let is_call = matches!(step, Step::Done(_)) && (call.begun || are_well_formed(&call.waiting));
        if is_call && !call.begun {
            self.begin_call();
            events.append(&mut call.waiting);
        } else if !call.begun {
            self.give_back(call.raw.get(..end).unwrap_or(&call.raw), events);
            if is_new {
                Event::push_text(events, text.get(..end - before).unwrap_or_default());
            }
        }
        Some(match end.checked_sub(before) {
            Some(used) => Left::Behind(used),
            None => Left::Before(call.raw.get(end..before).unwrap_or_default().to_owned()),
        })
    }

    /// What stood around the call is no content.
    fn begin_call(&mut self) {
        self.around.text.clear();
        (self.around.is_open, self.around.is_behind_a_call) = (true, true);
    }

    /// Hands text over, but for blanks beside a call.
    fn give(&mut self, text: &str, events: &mut Vec<Event>) {
        if self.around.is_open && text.trim_start().is_empty() {
            self.around.text.push_str(text);
            return;
        }
        self.give_back(text, events);
    }

    /// Hands text over that is no call.
    fn give_back(&mut self, text: &str, events: &mut Vec<Event>) {
        Event::push_text(events, &std::mem::take(&mut self.around.text));
        Event::push_text(events, text);
        (self.around.is_open, self.around.is_behind_a_call) = (false, false);
    }
}

/// Whether the arguments of each call are JSON.
pub(super) fn are_well_formed(events: &[Event]) -> bool {
    let mut arguments = String::new();
    let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let mut calls = 0;
    for event in events {
        match event {
            Event::Call { .. } => {
                if calls > 0 && !is_json(&arguments) {
                    return false;
                }
                calls += 1;
                arguments.clear();
            }
            Event::Arguments(piece) => arguments.push_str(piece),
            Event::Text(_) | Event::Thought(_) => {}
        }
    }
    calls > 0 && is_json(&arguments)
}
