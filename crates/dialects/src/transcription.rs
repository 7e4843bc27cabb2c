//! What servers of transcription speak, behind one small trait.
//!
//! Owns the trait and the table of all families. OpenAI's form is passed on whole, and so is the
//! answer; a container that takes a recording alone is sent nothing else, and its answer is written
//! in the format that was asked for.

use std::fmt;

use bytes::Bytes;
use sagewire_types::{Error, ErrorKind, TranscribeRequest};

use crate::{Payload, failure_report::FailureReport, named::named};

pub use self::events::{TranscriptDecoder, events_of};
use self::{form::FormFamily, recording::Recording};

mod events;
mod form;
mod recording;
mod subtitles;

/// How one family of containers is asked and understood.
pub trait TranscriptionFamily: fmt::Debug + Send + Sync {
    /// The name that the setting `transcription_dialect` selects it by.
    fn name(&self) -> &'static str;

    /// The container's own route, which is named to a container that can be asked at several.
    fn route(&self, translates: bool) -> Option<&'static str>;

    /// Whether the container answers in pieces.
    fn streams(&self) -> bool;

    /// Whether parameters are sent beside the recording.
    fn takes_parameters(&self) -> bool;

    /// The body of a request: these bytes are signed and sent. `drops_parameters` leaves out what
    /// the container cannot be told instead of refusing it.
    ///
    /// # Errors
    /// A parameter that this family cannot carry.
    fn encode(&self, request: &TranscribeRequest, drops_parameters: bool) -> Result<Payload, Error>;

    /// The text of a whole reply, in the format that the request asks for.
    ///
    /// # Errors
    /// `Decode` if the shape is not known, `ModelFailed` if the reply is the container's own report
    /// of a failure.
    fn decode(
        &self,
        reply: Bytes,
        content_type: Option<&str>,
        request: &TranscribeRequest,
    ) -> Result<Transcript, Error>;
}

/// A text in the format that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transcript {
    /// The text, or the JSON around it.
    pub body: Bytes,
    /// The type of the body.
    pub content_type: String,
}

named! {
    /// A family of servers of transcription.
    TranscriptionDialect: TranscriptionFamily, set by "transcription_dialect" {
        /// vLLM with a model such as Whisper.
        Vllm => FormFamily::VLLM,
        /// AWS's image of WhisperX.
        WhisperX => FormFamily::WHISPERX,
        /// Hugging Face's inference toolkit, and JumpStart's Whisper.
        HuggingFace => Recording,
    }
}

impl TranscriptionDialect {
    /// The family that an endpoint's name stands for if no setting says otherwise, and why. Upper
    /// and lower case are the same.
    #[must_use]
    pub fn of_endpoint(name: &str) -> (Self, &'static str) {
        let name = name.to_ascii_lowercase();
        if name.contains("whisperx") {
            (Self::WhisperX, "the endpoint's name contains `whisperx`")
        } else if name.contains("vllm") {
            (Self::Vllm, "the endpoint's name contains `vllm`")
        } else {
            (Self::HuggingFace, "no rule fits the endpoint's name")
        }
    }
}

/// The format of the answer.
fn format_of(request: &TranscribeRequest) -> &str {
    request.form.field("response_format").unwrap_or("json")
}

/// A reply that is a report of a failure.
fn reported(reply: &[u8]) -> Option<Error> {
    FailureReport::read(reply).map(FailureReport::into_error)
}

fn unsupported(parameter: &str, why: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("`{parameter}` cannot be sent to this container, {why}: leave it out"))
        .with_param(parameter)
}

#[cfg(test)]
mod tests;
