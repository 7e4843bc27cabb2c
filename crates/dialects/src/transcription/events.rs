//! Streams of transcription: OpenAI's events, made of what the container streams.
//!
//! Owns the events `transcript.text.delta` and `transcript.text.done`. vLLM streams chunks like
//! those of chat, which no client of OpenAI's API reads as a transcription.
//!
//! <https://platform.openai.com/docs/api-reference/audio/transcript-text-delta-event>

use std::mem;

use bytes::Bytes;
use sagewire_types::{Error, ErrorKind, Forwarded, json, lenient::Lenient};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    StreamDecoder,
    dialect::Ending,
    failure_report::FailureReport,
    records::{Record, RecordFramer},
};

/// The event that ends a stream.
const DONE: &str = "transcript.text.done";

/// Reads the stream of a transcription. Its pieces are the JSON of OpenAI's events. A stream without
/// its end is an error.
#[derive(Debug, Default)]
pub struct TranscriptDecoder {
    framer: RecordFramer,
    transcript: TranscriptSoFar,
}

#[derive(Debug, Default)]
struct TranscriptSoFar {
    text: String,
    usage: Option<Value>,
    /// Whether the last piece of a part of the recording came. A long recording has several.
    is_finished: bool,
    is_done: bool,
}

#[derive(Deserialize)]
struct Piece {
    #[serde(rename = "type", default)]
    kind: Lenient<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    #[serde(default)]
    finish_reason: Lenient<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Lenient<String>,
}

/// The events of a text that came as a whole.
#[must_use]
pub fn events_of(text: &str) -> [Bytes; 2] {
    [delta(text), done(text, None)]
}

fn delta(text: &str) -> Bytes {
    json!({ "type": "transcript.text.delta", "delta": text }).to_string().into()
}

fn done(text: &str, usage: Option<&Value>) -> Bytes {
    let mut event = json!({ "type": DONE, "text": text });
    if let (Some(usage), Some(members)) = (usage, event.as_object_mut()) {
        members.insert("usage".to_owned(), usage.clone());
    }
    event.to_string().into()
}

impl TranscriptSoFar {
    fn take(&mut self, record: Record<'_>, out: &mut Vec<Forwarded>) -> Result<(), Error> {
        match record {
            Record::Json(text) => self.piece(text, out),
            Record::Failure(text) => Err(FailureReport::in_error_event(text).into_error()),
            Record::Done => {
                self.end(out);
                Ok(())
            }
        }
    }

    fn piece(&mut self, text: &[u8], out: &mut Vec<Forwarded>) -> Result<(), Error> {
        if self.is_done {
            return Ok(());
        }
        if let Some(report) = FailureReport::read(text) {
            return Err(report.into_error());
        }
        let piece: Piece = json::from_reply(text).map_err(|error| {
            Error::new(
                ErrorKind::Decode,
                "the container sent a piece of a transcription in an unknown form; retry the request",
            )
            .with_source(error)
        })?;
        if let Some(kind) = piece.kind.0 {
            // The container's events are OpenAI's already.
            self.is_done = kind == DONE;
            out.push(Bytes::copy_from_slice(text).into());
            return Ok(());
        }
        self.usage = piece.usage.filter(|usage| !usage.is_null()).or(self.usage.take());
        for Choice { delta: Delta { content }, finish_reason } in piece.choices {
            if let Some(text) = content.0.filter(|text| !text.is_empty()) {
                out.push(delta(&text).into());
                self.text.push_str(&text);
            }
            self.is_finished |= finish_reason.0.is_some();
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<Forwarded>) {
        if self.is_finished && !mem::replace(&mut self.is_done, true) {
            out.push(done(&self.text, self.usage.as_ref()).into());
        }
    }
}

impl StreamDecoder<Forwarded> for TranscriptDecoder {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Forwarded>) -> Result<(), Error> {
        let transcript = &mut self.transcript;
        self.framer.push(bytes, |record| transcript.take(record, out))
    }

    fn ending(&self) -> Ending {
        if self.transcript.is_done { Ending::Marked } else { Ending::Open }
    }

    fn finish(&mut self, out: &mut Vec<Forwarded>) -> Result<(), Error> {
        let transcript = &mut self.transcript;
        self.framer.finish(|record| transcript.take(record, out))?;
        if transcript.is_done {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::StreamBroken,
            "the container ended the transcription before its end; retry the request",
        ))
    }
}
