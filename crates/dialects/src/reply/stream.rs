//! A streamed reply, whichever shape it comes in.
//!
//! Owns the framing, the choice of the reader by the first record that holds an answer, what is
//! done with records that hold none, and the order at a failure: first the text so far, then one
//! error.

use sagewire_types::lenient::{Lenient, Object};
use sagewire_types::{ChatChunk, Error};
use serde::{Deserialize, de::IgnoredAny};

use super::{Shape, Unread, generated::GenerationStream, openai::OpenAiStream, shape_of_record, unknown};
use crate::{
    DecodeContext, Ending, StreamDecoder,
    failure_report::{self as failure, FailureReport},
    records::{Record, RecordFramer},
    usage::Meter,
};

/// Reads the records of one shape.
pub(super) trait RecordReader: Send {
    /// Takes the next record's JSON. `Unread::Shape` is for a record of which nothing was read.
    fn take(&mut self, record: &[u8], out: &mut Vec<ChatChunk>) -> Result<(), Unread>;

    /// OpenAI's end mark came.
    fn mark(&mut self, out: &mut Vec<ChatChunk>);

    /// How much of the answer has come.
    fn ending(&self) -> Ending;

    /// Hands over what was held back, for no more will come.
    fn flush(&mut self, out: &mut Vec<ChatChunk>);

    /// The records have ended: judges whether the answer was whole. What was held back has been
    /// handed over.
    fn finish(&mut self, out: &mut Vec<ChatChunk>) -> Result<(), Error>;
}

/// Reads server-sent events and JSON lines, in every shape, with or without an end mark.
pub(crate) struct ReplyDecoder {
    framer: RecordFramer,
    records: Records,
}

struct Records {
    context: DecodeContext,
    dialect: &'static str,
    reader: Option<Box<dyn RecordReader>>,
    meter: Option<Meter>,
    /// What is wrong with the first record that holds no answer: the error, if none follows.
    odd: Option<Error>,
    failed: bool,
}

impl ReplyDecoder {
    /// A reader for one reply; `dialect` is the name that errors mention.
    pub(crate) fn new(context: DecodeContext, dialect: &'static str) -> Self {
        let meter = Meter::new(&context);
        let records = Records { context, dialect, reader: None, meter, odd: None, failed: false };
        Self { framer: RecordFramer::default(), records }
    }
}

impl StreamDecoder for ReplyDecoder {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        let Self { framer, records } = self;
        let before = out.len();
        let result = framer.push(bytes, |record| records.take(record, out)).inspect_err(|_| records.fail(out));
        records.meter(out, before);
        result
    }

    fn ending(&self) -> Ending {
        self.records.ending()
    }

    fn flush(&mut self, out: &mut Vec<ChatChunk>) {
        self.records.fail(out);
    }

    fn finish(&mut self, out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        let Self { framer, records } = self;
        let before = out.len();
        framer.finish(|record| records.take(record, out)).inspect_err(|_| records.fail(out))?;
        records.finish(out)?;
        records.meter(out, before);
        out.extend(records.meter.as_ref().and_then(|meter| meter.missing(&records.context)));
        Ok(())
    }
}

impl Records {
    fn ending(&self) -> Ending {
        self.reader.as_ref().map_or(Ending::Open, |reader| reader.ending())
    }

    fn take(&mut self, record: Record<'_>, out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        match (self.ending(), record) {
            // Nothing passes after the end mark.
            (Ending::Marked, _) => Ok(()),
            // An end mark before any answer: that there was none is the error.
            (_, Record::Done) => {
                if let Some(reader) = &mut self.reader {
                    reader.mark(out);
                }
                Ok(())
            }
            // The answer is whole: what fails behind it does not concern it.
            (Ending::Answered, Record::Failure(_)) => Ok(()),
            (Ending::Open, Record::Failure(text)) => Err(reported(text)),
            (ending, Record::Json(text)) => match self.read(text, out) {
                Err(_) if ending == Ending::Answered => Ok(()),
                result => result,
            },
        }
    }

    fn read(&mut self, text: &[u8], out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        if self.reader.is_none() {
            self.reader = match shape_of_record(text) {
                Some(shape) => Some(self.reader_of(shape)),
                None => return self.take_odd(text),
            };
        }
        match self.reader.as_mut().map(|reader| reader.take(text, out)) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(Unread::Failed(error))) => Err(error),
            Some(Err(Unread::Shape)) => self.take_odd(text),
        }
    }

    fn reader_of(&self, shape: Shape) -> Box<dyn RecordReader> {
        match shape {
            Shape::Generated => Box::new(GenerationStream::new(self.context.clone())),
            Shape::OpenAi => Box::new(OpenAiStream::new(self.context.clone())),
        }
    }

    /// A record that no reader knows: a failure, an answer of an unknown shape, or nothing that
    /// concerns the answer.
    fn take_odd(&mut self, text: &[u8]) -> Result<(), Error> {
        if let Err(error) = serde_json::from_slice::<IgnoredAny>(text) {
            if error.is_eof() {
                return Err(failure::cut_record(&error));
            }
        }
        if FailureReport::read(text).is_none() {
            if has_failed_without_a_reason(text) {
                return Err(failure::failed_generation());
            }
            if holds_no_answer(text) {
                self.odd.get_or_insert_with(|| unknown(text, self.dialect));
                return Ok(());
            }
        }
        Err(unknown(text, self.dialect))
    }

    fn fail(&mut self, out: &mut Vec<ChatChunk>) {
        self.failed = true;
        if let Some(reader) = &mut self.reader {
            reader.flush(out);
        }
    }

    fn finish(&mut self, out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        match &mut self.reader {
            Some(reader) if !self.failed => {
                reader.flush(out);
                reader.finish(out)
            }
            Some(_) => Err(failure::unfinished()),
            None => Err(self.odd.take().unwrap_or_else(failure::no_answer)),
        }
    }

    fn meter(&mut self, out: &mut [ChatChunk], before: usize) {
        if let (Some(meter), Some(new)) = (&mut self.meter, out.get_mut(before..)) {
            meter.see(new, &self.context);
        }
    }
}

/// The error of an event that is named one.
fn reported(text: &[u8]) -> Error {
    FailureReport::in_error_event(text).into_error()
}

/// DJL ends a failed answer so.
fn has_failed_without_a_reason(text: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct FinalDetails {
        finish_reason: Option<Lenient<String>>,
    }
    #[derive(Deserialize)]
    struct WithDetails {
        details: Option<Object<FinalDetails>>,
    }
    let details = serde_json::from_slice(text).ok().and_then(|WithDetails { details }| details?.0);
    details.and_then(|details| Lenient::of(details.finish_reason)).is_some_and(|reason| reason == "error")
}

/// Whether a record is one that keeps a connection alive, reports progress or the like.
fn holds_no_answer(text: &[u8]) -> bool {
    // Of damaged text nothing can be said. (The parser below does not look into strings.)
    if std::str::from_utf8(text).is_err() {
        return false;
    }
    match text.first() {
        Some(b'{') => shape_of_record(text).is_none() && serde_json::from_slice::<IgnoredAny>(text).is_ok(),
        Some(b'"' | b'[') => text == b"\"\"" || text == b"[]",
        _ => serde_json::from_slice::<IgnoredAny>(text).is_ok(),
    }
}
