//! A streamed reply, whichever shape it comes in.
//!
//! Owns the framing, the choice of the reader by the first record, and the order at a failure: first the text so far, then one error.

use sagewire_types::{ChatChunk, Error};

use super::{
    Shape,
    generated::GenerationStream,
    openai::{OpenAiStream, Thoughts},
    shape_of_record,
};
use crate::{
    DecodeContext, StreamDecoder, failure_report as failure,
    records::{Record, RecordFramer},
    usage::Meter,
};

/// Reads the records of one shape.
pub(super) trait RecordReader: Send {
    /// Takes the next record.
    fn take(&mut self, record: Record<'_>, out: &mut Vec<ChatChunk>) -> Result<(), Error>;

    /// Hands over what was held back, for no more will come.
    fn flush(&mut self, out: &mut Vec<ChatChunk>);

    /// The records have ended: judges whether the answer was whole. What was held back has been handed over.
    fn finish(&mut self, out: &mut Vec<ChatChunk>) -> Result<(), Error>;
}

/// Reads server-sent events and JSON lines, in every shape, with or without an end mark.
pub(crate) struct ReplyStream {
    framer: RecordFramer,
    records: Records,
}

struct Records {
    context: DecodeContext,
    dialect: &'static str,
    likely: Shape,
    thoughts: Thoughts,
    reader: Option<Box<dyn RecordReader>>,
    meter: Option<Meter>,
    failed: bool,
}

impl ReplyStream {
    /// A reader for one reply. `likely` is the shape that the dialect's containers usually have.
    pub(crate) fn new(context: DecodeContext, dialect: &'static str, likely: Shape) -> Self {
        let meter = Meter::new(&context);
        let records =
            Records { context, dialect, likely, thoughts: Thoughts::Split, reader: None, meter, failed: false };
        Self { framer: RecordFramer::default(), records }
    }

    /// A reader for a reply to a raw prompt: thoughts are part of its text.
    pub(crate) fn for_completion(context: DecodeContext, dialect: &'static str) -> Self {
        let mut stream = Self::new(context, dialect, Shape::OpenAi);
        stream.records.thoughts = Thoughts::Kept;
        stream
    }
}

impl StreamDecoder for ReplyStream {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        let Self { framer, records } = self;
        let before = out.len();
        let result = framer.push(bytes, |record| records.take(record, out)).inspect_err(|_| records.fail(out));
        records.meter(out, before);
        result
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
    fn take(&mut self, record: Record<'_>, out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        match (&mut self.reader, record) {
            (Some(reader), record) => reader.take(record, out),
            // An end mark before any answer: that there was none is the error.
            (None, Record::Done) => Ok(()),
            (None, Record::Json(text)) => {
                let mut reader: Box<dyn RecordReader> = match shape_of_record(text, self.likely) {
                    Shape::Generated => Box::new(GenerationStream::new(self.context.clone(), self.dialect)),
                    Shape::OpenAi => Box::new(OpenAiStream::new(self.context.clone(), self.dialect, self.thoughts)),
                };
                let taken = reader.take(record, out);
                self.reader = Some(reader);
                taken
            }
        }
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
            None => Err(failure::no_answer()),
        }
    }

    fn meter(&mut self, out: &mut [ChatChunk], before: usize) {
        if let (Some(meter), Some(new)) = (&mut self.meter, out.get_mut(before..)) {
            meter.see(new, &self.context);
        }
    }
}
