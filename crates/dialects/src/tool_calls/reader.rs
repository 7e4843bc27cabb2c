//! Reads the calls out of one answer, whichever form they have.

use std::sync::Arc;

use super::{
    Form, ToolCallReading,
    event::Event,
    harmony::HarmonyReader,
    marked::{MarkedReader, Marks, Syntax},
    object::Object,
};

/// The form that [`forced_schema`](super::forced_schema) describes.
static FORCED: Marks = Marks::new(&["{"], &[]);

/// Reads one answer, whole or in pieces cut anywhere.
#[derive(Debug)]
pub(crate) struct CallReader {
    reading: ToolCallReading,
    end_tokens: Arc<[String]>,
    is_whole: bool,
    form: FormReader,
    has_call: bool,
    /// The only call that may be has ended.
    has_ended: bool,
}

#[derive(Debug)]
enum FormReader {
    /// A forced answer, of which nothing but these blanks has come.
    Undecided(String),
    Marked(MarkedReader),
    Harmony(HarmonyReader),
    Text,
}

impl CallReader {
    pub(crate) fn new(reading: ToolCallReading, end_tokens: Arc<[String]>, is_whole: bool) -> Self {
        let form = FormReader::Undecided(String::new());
        let mut reader = Self { reading, end_tokens, is_whole, form, has_call: false, has_ended: false };
        if !reader.reading.is_forced {
            reader.form = reader.form_of_model();
        }
        reader
    }

    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &str, events: &mut Vec<Event>) {
        if let FormReader::Undecided(blanks) = &mut self.form {
            let first = piece.trim_start().bytes().next();
            blanks.push_str(piece);
            let text = std::mem::take(blanks);
            self.form = match first {
                None => return self.form = FormReader::Undecided(text),
                Some(b'{') => FormReader::Marked(self.marked(&FORCED, Syntax::Object(Object::BARE))),
                Some(_) => self.form_of_model(),
            };
            return self.push(&text, events);
        }
        let from = events.len();
        match &mut self.form {
            FormReader::Undecided(_) => {}
            FormReader::Marked(reader) => reader.push(piece, &self.reading, events),
            FormReader::Harmony(reader) => reader.push(piece, &self.reading, events),
            FormReader::Text => Event::push_text(events, piece),
        }
        self.limit(from, events);
    }

    /// The answer has ended.
    pub(crate) fn finish(&mut self, events: &mut Vec<Event>) {
        let from = events.len();
        match &mut self.form {
            FormReader::Undecided(blanks) => Event::push_text(events, &std::mem::take(blanks)),
            FormReader::Marked(reader) => reader.finish(events),
            FormReader::Harmony(reader) => reader.finish(events),
            FormReader::Text => {}
        }
        self.limit(from, events);
    }

    fn form_of_model(&self) -> FormReader {
        let has_tools = !self.reading.tools.is_empty();
        match self.reading.parser.map(|parser| &parser.form) {
            Some(Form::Harmony) => FormReader::Harmony(HarmonyReader::new(self.is_whole)),
            Some(Form::Marked(marks, syntax)) if has_tools => FormReader::Marked(self.marked(marks, *syntax)),
            Some(Form::Marked(..)) | None => FormReader::Text,
        }
    }

    fn marked(&self, marks: &'static Marks, syntax: Syntax) -> MarkedReader {
        MarkedReader::new(marks, syntax, Arc::clone(&self.end_tokens), self.is_whole)
    }

    /// Ends the answer before a second call, if there may be one alone.
    fn limit(&mut self, from: usize, events: &mut Vec<Event>) {
        if !self.reading.only_one {
            return;
        }
        let mut place = from;
        while let Some(event) = events.get(place).filter(|_| !self.has_ended) {
            match event {
                Event::Call { .. } if self.has_call => self.has_ended = true,
                Event::Call { .. } => {
                    self.has_call = true;
                    place += 1;
                }
                Event::Text(_) if self.has_call => self.has_ended = true,
                Event::Text(_) | Event::Thought(_) | Event::Arguments(_) => place += 1,
            }
        }
        events.truncate(place);
    }
}
