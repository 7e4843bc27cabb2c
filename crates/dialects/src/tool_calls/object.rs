//! A call as one JSON object: `{"name": "f", "arguments": {...}}`, as Hermes, Qwen, Llama 3 and
//! Mistral write it.
//!
//! The arguments are the model's own text. They may come before the name, or as a string that holds
//! JSON.

use std::ops::Range;

use super::{
    ToolCallReading,
    event::Event,
    json_value::{JsonValue, Kind, Place, is_blank},
    marked::{Section, Step},
};

/// The names of a call's arguments.
const ARGUMENTS: [&str; 2] = ["arguments", "parameters"];

/// What is taken for a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object {
    /// Without a mark before it, an object may be any JSON. It is a call only if it names a tool
    /// that is offered, and arguments.
    is_bare: bool,
}

impl Object {
    pub(super) const MARKED: Self = Self { is_bare: false };
    pub(super) const BARE: Self = Self { is_bare: true };

    pub(super) fn section(self) -> ObjectSection {
        ObjectSection { object: self, state: ObjectState::Start { list: false }, name: None, id: None, arguments: None }
    }
}

/// Reads one object.
#[derive(Debug)]
pub(super) struct ObjectSection {
    object: Object,
    state: ObjectState,
    name: Option<String>,
    id: Option<String>,
    /// Where the arguments are, if they came before the name.
    arguments: Option<Range<usize>>,
}

#[derive(Debug)]
enum ObjectState {
    /// Before the object, perhaps behind the bracket that opens a list of them.
    Start {
        list: bool,
    },
    BeforeKey {
        first: bool,
    },
    Key {
        from: usize,
        value: JsonValue,
    },
    Colon {
        key: Key,
    },
    BeforeValue {
        key: Key,
    },
    Value {
        key: Key,
        from: usize,
        value: JsonValue,
    },
    AfterValue,
    /// Within arguments that are handed over as they come.
    Streaming {
        value: JsonValue,
    },
    /// Behind arguments that were handed over, until the object's end.
    Rest {
        value: JsonValue,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Name,
    Id,
    Arguments,
    Other,
}

impl Section for ObjectSection {
    fn push(&mut self, text: &str, from: usize, reading: &ToolCallReading, events: &mut Vec<Event>) -> Step {
        // Where the arguments of this piece begin.
        let mut unsent = from;
        for (at, byte) in text.bytes().enumerate().skip(from) {
            match &mut self.state {
                ObjectState::Start { .. } if is_blank(byte) => {}
                ObjectState::Start { list } => match byte {
                    b'[' if !*list => *list = true,
                    b'{' => self.state = ObjectState::BeforeKey { first: true },
                    _ => return Step::Failed(at),
                },
                ObjectState::BeforeKey { .. }
                | ObjectState::Colon { .. }
                | ObjectState::BeforeValue { .. }
                | ObjectState::AfterValue
                    if is_blank(byte) => {}
                ObjectState::BeforeKey { first } => match byte {
                    b'"' => match JsonValue::begin(byte) {
                        Some(value) => self.state = ObjectState::Key { from: at, value },
                        None => return Step::Failed(at),
                    },
                    b'}' if *first => return Step::Failed(at + 1),
                    _ => return Step::Failed(at),
                },
                ObjectState::Key { from, value } => {
                    if value.read(byte) == Place::Last {
                        let Some(key) = key(text, *from..at + 1, self.object) else { return Step::Failed(at + 1) };
                        self.state = ObjectState::Colon { key };
                    }
                }
                ObjectState::Colon { key } if byte == b':' => self.state = ObjectState::BeforeValue { key: *key },
                ObjectState::Colon { .. } => return Step::Failed(at),
                ObjectState::BeforeValue { key } => {
                    let key = *key;
                    let Some(value) = JsonValue::begin(byte) else { return Step::Failed(at) };
                    let streams = key == Key::Arguments && value.kind() == Kind::Container && self.arguments.is_none();
                    self.state = match self.name.take_if(|_| streams) {
                        Some(name) => {
                            if !self.is_call(&name, reading) {
                                return Step::Failed(at);
                            }
                            events.push(Event::Call { id: self.id.take(), name });
                            unsent = at;
                            ObjectState::Streaming { value }
                        }
                        None => ObjectState::Value { key, from: at, value },
                    };
                }
                ObjectState::Value { key, from, value } => {
                    let (key, from) = (*key, *from);
                    let end = match value.read(byte) {
                        Place::Within => continue,
                        Place::Last => at + 1,
                        Place::Behind => at,
                        Place::Broken => return Step::Failed(at),
                    };
                    self.state = ObjectState::AfterValue;
                    if !self.take_value(key, from..end, text) {
                        return Step::Failed(end);
                    }
                    if end == at {
                        match self.after_value(byte) {
                            Some(true) => return self.finish_call(text, at + 1, reading, events),
                            Some(false) => {}
                            None => return Step::Failed(at),
                        }
                    }
                }
                ObjectState::AfterValue => match self.after_value(byte) {
                    Some(true) => return self.finish_call(text, at + 1, reading, events),
                    Some(false) => {}
                    None => return Step::Failed(at),
                },
                ObjectState::Streaming { value } => match value.read(byte) {
                    Place::Within => {}
                    Place::Last => {
                        Event::push_arguments(events, text.get(unsent..=at).unwrap_or_default());
                        // The object around them is open.
                        let Some(value) = JsonValue::begin(b'{') else { return Step::Failed(at) };
                        self.state = ObjectState::Rest { value };
                    }
                    Place::Behind | Place::Broken => {
                        Event::push_arguments(events, text.get(unsent..at).unwrap_or_default());
                        return Step::Failed(at);
                    }
                },
                ObjectState::Rest { value } => match value.read(byte) {
                    Place::Within => {}
                    Place::Last => return Step::Done(at + 1),
                    Place::Behind | Place::Broken => return Step::Failed(at),
                },
            }
        }
        if matches!(self.state, ObjectState::Streaming { .. }) {
            Event::push_arguments(events, text.get(unsent..).unwrap_or_default());
        }
        Step::More
    }
}

impl ObjectSection {
    /// What follows a member: whether the object has ended, or `None` if it is broken.
    fn after_value(&mut self, byte: u8) -> Option<bool> {
        match byte {
            b',' => self.state = ObjectState::BeforeKey { first: false },
            b'}' => return Some(true),
            byte if is_blank(byte) => {}
            _ => return None,
        }
        Some(false)
    }

    /// Keeps what a call needs. Says whether it may still be one.
    fn take_value(&mut self, key: Key, at: Range<usize>, text: &str) -> bool {
        let string = || serde_json::from_str(text.get(at.clone()).unwrap_or_default()).ok();
        match key {
            Key::Name => {
                self.name = string().filter(|name: &String| !name.is_empty());
                return self.name.is_some();
            }
            Key::Id => self.id = string(),
            Key::Arguments => self.arguments = Some(at),
            Key::Other => {}
        }
        true
    }

    fn is_call(&self, name: &str, reading: &ToolCallReading) -> bool {
        !self.object.is_bare || reading.offers(name)
    }

    /// The object has ended, and its arguments were not handed over yet.
    fn finish_call(&self, text: &str, end: usize, reading: &ToolCallReading, events: &mut Vec<Event>) -> Step {
        let Some(name) = self.name.as_deref().filter(|name| self.is_call(name, reading)) else {
            return Step::Failed(end);
        };
        let arguments = match self.arguments.clone() {
            Some(at) => decoded(text.get(at).unwrap_or_default()),
            None if self.object.is_bare => return Step::Failed(end),
            None => "{}".to_owned(),
        };
        Event::push_call(events, self.id.clone(), name, &arguments);
        Step::Done(end)
    }
}

/// Arguments that are a string of JSON are what the string holds; null is none.
fn decoded(value: &str) -> String {
    if value == "null" {
        return "{}".to_owned();
    }
    let text = value.starts_with('"').then(|| serde_json::from_str::<String>(value).ok()).flatten();
    let is_object = |text: &String| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok();
    text.filter(is_object).unwrap_or_else(|| value.to_owned())
}

/// The key at this place. In bare JSON, a first key that no call has means that it is none.
fn key(text: &str, at: Range<usize>, object: Object) -> Option<Key> {
    let name: String = serde_json::from_str(text.get(at)?).ok()?;
    Some(match name.as_str() {
        "name" => Key::Name,
        "id" => Key::Id,
        name if ARGUMENTS.contains(&name) => Key::Arguments,
        "type" => Key::Other,
        _ if object.is_bare => return None,
        _ => Key::Other,
    })
}
