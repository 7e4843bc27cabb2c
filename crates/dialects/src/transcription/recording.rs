//! Containers that take a recording alone: the Hugging Face inference toolkit with
//! `automatic-speech-recognition`, and JumpStart's Whisper.
//!
//! Owns the formats: SRT, VTT and verbose JSON are written from the chunks that the container gives.
//!
//! <https://huggingface.co/docs/sagemaker/reference>

use bytes::Bytes;
use sagewire_types::{Error, TranscribeRequest, json, lenient::Lenient};
use serde::Deserialize;
use serde_json::json;

use super::{
    Transcript, TranscriptionFamily, format_of, reported,
    subtitles::{self, Cue},
    unsupported,
};
use crate::{Payload, failure_report as failure};

/// Sends the recording and writes the answer's format.
#[derive(Debug)]
pub(super) struct Recording;

/// Parameters that are not the container's: what is done with them is done here.
const OF_THE_ANSWER: [&str; 2] = ["response_format", "stream"];

#[derive(Debug, Deserialize)]
struct RecordedReply {
    text: TextOrTexts,
    #[serde(default)]
    chunks: Vec<Chunk>,
    #[serde(default)]
    language: Lenient<String>,
}

/// JumpStart's Whisper gives a list.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum TextOrTexts {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct Chunk {
    text: String,
    /// The seconds from and until which it is spoken. The end of the last one may be missing.
    timestamp: (f64, Option<f64>),
}

impl TranscriptionFamily for Recording {
    fn name(&self) -> &'static str {
        "huggingface"
    }

    fn route(&self, _: bool) -> Option<&'static str> {
        None
    }

    fn streams(&self) -> bool {
        false
    }

    fn takes_parameters(&self) -> bool {
        false
    }

    fn encode(&self, request: &TranscribeRequest, drops_parameters: bool) -> Result<Payload, Error> {
        if request.translates {
            return Err(unsupported("model", "which transcribes and does not translate"));
        }
        let mut names = request.form.fields().iter().map(|(name, _)| name.as_str());
        match names.find(|name| !OF_THE_ANSWER.contains(name)) {
            Some(name) if !drops_parameters => {
                Err(unsupported(name, "which takes a recording and nothing else (`drop_params` has it left out)"))
            }
            _ => Ok(Payload {
                content_type: "audio/x-audio",
                accept: Some("application/json"),
                custom_attributes: None,
                body: request.form.audio(),
            }),
        }
    }

    fn decode(&self, reply: Bytes, _: Option<&str>, request: &TranscribeRequest) -> Result<Transcript, Error> {
        let RecordedReply { text, chunks, language } = json::from_reply(&reply).map_err(|_| {
            let hint =
                format!("Set `transcription_dialect` to the family that fits the container (now `{}`)", self.name());
            reported(&reply).unwrap_or_else(|| failure::unknown_reply(&reply, &hint))
        })?;
        let text = match text {
            TextOrTexts::One(text) => text,
            TextOrTexts::Many(texts) => texts.join(" "),
        };
        let text = text.trim();
        let (body, content_type) = match format_of(request) {
            "json" => (json!({ "text": text }).to_string(), "application/json"),
            "text" => (format!("{text}\n"), "text/plain; charset=utf-8"),
            format @ ("srt" | "vtt") => subtitles::written(format, chunks.iter().map(Chunk::cue))?,
            format if chunks.is_empty() => return Err(subtitles::no_times(format)),
            "verbose_json" => (verbose(text, &chunks, language.0.as_deref()), "application/json"),
            format => {
                let message = format!(
                    "invalid value for `response_format`: `{}` is none of json, text, srt, vtt and verbose_json",
                    failure::excerpt(format)
                );
                return Err(Error::invalid("response_format", message));
            }
        };
        Ok(Transcript { body: body.into(), content_type: content_type.to_owned() })
    }
}

impl Chunk {
    fn cue(&self) -> Cue<'_> {
        let (start, end) = self.timestamp;
        Cue { start, end: end.unwrap_or(start), text: &self.text }
    }
}

fn verbose(text: &str, chunks: &[Chunk], language: Option<&str>) -> String {
    let segments = chunks
        .iter()
        .map(Chunk::cue)
        .enumerate()
        .map(|(id, Cue { start, end, text })| json!({ "id": id, "start": start, "end": end, "text": text }));
    let segments: Vec<_> = segments.collect();
    let duration = chunks.last().map_or(0.0, |chunk| chunk.cue().end);
    let mut answer = json!({ "task": "transcribe", "duration": duration, "text": text, "segments": segments });
    if let (Some(language), Some(members)) = (language, answer.as_object_mut()) {
        members.insert("language".to_owned(), language.into());
    }
    answer.to_string()
}
