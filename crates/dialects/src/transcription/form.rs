//! Containers that take OpenAI's form: vLLM and WhisperX.
//!
//! <https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#transcriptions-api>,
//! <https://github.com/aws/deep-learning-containers/tree/main/scripts/docker/whisperx>

use bytes::Bytes;
use sagewire_types::{AudioForm, Error, TranscribeRequest};

use super::{Transcript, TranscriptionFamily, format_of, reported, unsupported};
use crate::Payload;

/// Passes the form and the answer on.
#[derive(Debug)]
pub(super) struct Form {
    name: &'static str,
    /// The routes of transcription and of translation.
    routes: Option<(&'static str, &'static str)>,
}

impl Form {
    /// vLLM, which AWS's image leads to its routes.
    pub(super) const VLLM: Self =
        Self { name: "vllm", routes: Some(("/v1/audio/transcriptions", "/v1/audio/translations")) };

    /// WhisperX, which takes the form at `/invocations`, transcribes only and does not stream.
    pub(super) const WHISPERX: Self = Self { name: "whisperx", routes: None };
}

impl TranscriptionFamily for Form {
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
        Ok(Payload {
            content_type: AudioForm::CONTENT_TYPE,
            accept: None,
            custom_attributes: None,
            body: request.form.bytes().clone(),
        })
    }

    fn decode(
        &self,
        reply: Bytes,
        content_type: Option<&str>,
        request: &TranscribeRequest,
    ) -> Result<Transcript, Error> {
        let format = format_of(request);
        if format.ends_with("json")
            && let Some(error) = reported(&reply)
        {
            return Err(error);
        }
        let of_format = match format {
            "text" | "srt" => "text/plain; charset=utf-8",
            "vtt" => "text/vtt; charset=utf-8",
            _ => "application/json",
        };
        // Any other type is not for a caller's browser to act on.
        let known = ["application/json", "text/plain", "text/vtt", "application/x-subrip"];
        let own = content_type.filter(|own| known.iter().any(|known| own.starts_with(known)));
        Ok(Transcript { body: reply, content_type: own.unwrap_or(of_format).to_owned() })
    }
}
