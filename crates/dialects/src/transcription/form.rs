//! Containers that take OpenAI's form: vLLM and WhisperX.
//!
//! Owns what vLLM lacks: it answers `text` in JSON and refuses subtitles, which are written from
//! the segments of its `verbose_json`.
//!
//! <https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#transcriptions-api>,
//! <https://github.com/aws/deep-learning-containers/tree/main/scripts/docker/whisperx>

use bytes::Bytes;
use sagewire_types::{AudioForm, Error, TranscribeRequest, json};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    Transcript, TranscriptionFamily, format_of, reported,
    subtitles::{self, Cue},
    unsupported,
};
use crate::{Payload, failure_report as failure};

/// Passes the form and the answer on.
#[derive(Debug)]
pub(super) struct FormFamily {
    name: &'static str,
    /// The routes of transcription and of translation.
    routes: Option<(&'static str, &'static str)>,
}

impl FormFamily {
    /// vLLM, which AWS's image leads to its routes.
    pub(super) const VLLM: Self =
        Self { name: "vllm", routes: Some(("/v1/audio/transcriptions", "/v1/audio/translations")) };

    /// WhisperX, which takes the form at `/invocations`, transcribes only and does not stream.
    pub(super) const WHISPERX: Self = Self { name: "whisperx", routes: None };
}

impl TranscriptionFamily for FormFamily {
    fn name(&self) -> &'static str {
        self.name
    }

    fn route(&self, translates: bool) -> Option<&'static str> {
        self.routes.map(|(transcription, translation)| if translates { translation } else { transcription })
    }

    fn streams(&self) -> bool {
        self.routes.is_some()
    }

    fn takes_parameters(&self) -> bool {
        true
    }

    fn encode(&self, request: &TranscribeRequest, _: bool) -> Result<Payload, Error> {
        if request.translates && self.routes.is_none() {
            return Err(unsupported("model", "which transcribes and does not translate"));
        }
        let format = format_of(request);
        if self.streams() && request.form.field("stream") == Some("true") && !matches!(format, "json" | "text") {
            return Err(unsupported("response_format", "which streams `json` and `text` only"));
        }
        let body = if self.lacks_subtitles() && is_subtitles(format) {
            let verbose = ("response_format".to_owned(), "verbose_json".to_owned());
            request.form.clone().with(vec![verbose])?.bytes().clone()
        } else {
            request.form.bytes().clone()
        };
        Ok(Payload { content_type: AudioForm::CONTENT_TYPE, accept: None, custom_attributes: None, body })
    }

    fn decode(
        &self,
        reply: Bytes,
        content_type: Option<&str>,
        request: &TranscribeRequest,
    ) -> Result<Transcript, Error> {
        let format = format_of(request);
        if self.lacks_subtitles() && is_subtitles(format) {
            let Verbose { segments } = self.read(&reply)?;
            let cues = segments.iter().flatten().map(Segment::cue);
            let (body, content_type) = subtitles::written(format, cues)?;
            return Ok(Transcript { body: body.into(), content_type: content_type.to_owned() });
        }
        // Any other type is not for a caller's browser to act on.
        let known = ["application/json", "text/plain", "text/vtt", "application/x-subrip"];
        let own = content_type.filter(|own| known.iter().any(|known| own.starts_with(known)));
        let is_json = own.is_some_and(|own| own.starts_with("application/json"));
        if format == "text" && is_json {
            let Whole { text } = self.read(&reply)?;
            let body = format!("{}\n", text.trim()).into();
            return Ok(Transcript { body, content_type: "text/plain; charset=utf-8".to_owned() });
        }
        if format.ends_with("json") {
            if let Some(error) = reported(&reply) {
                return Err(error);
            }
            self.read::<Whole>(&reply)?;
        }
        let of_format = match format {
            "text" | "srt" => "text/plain; charset=utf-8",
            "vtt" => "text/vtt; charset=utf-8",
            _ => "application/json",
        };
        Ok(Transcript { body: reply, content_type: own.unwrap_or(of_format).to_owned() })
    }
}

impl FormFamily {
    /// Whether it is vLLM.
    fn lacks_subtitles(&self) -> bool {
        self.routes.is_some()
    }

    /// Reads a reply in JSON.
    fn read<T: DeserializeOwned>(&self, reply: &[u8]) -> Result<T, Error> {
        json::from_reply(reply).map_err(|_| {
            let hint =
                format!("Set `transcription_dialect` to the family that fits the container (now `{}`)", self.name);
            reported(reply).unwrap_or_else(|| failure::unknown_reply(reply, &hint))
        })
    }
}

fn is_subtitles(format: &str) -> bool {
    matches!(format, "srt" | "vtt")
}

/// What every answer in JSON has.
#[derive(Debug, Deserialize)]
struct Whole {
    text: String,
}

#[derive(Debug, Deserialize)]
struct Verbose {
    segments: Option<Vec<Segment>>,
}

#[derive(Debug, Deserialize)]
struct Segment {
    start: f64,
    end: f64,
    text: String,
}

impl Segment {
    fn cue(&self) -> Cue<'_> {
        Cue { start: self.start, end: self.end, text: &self.text }
    }
}
