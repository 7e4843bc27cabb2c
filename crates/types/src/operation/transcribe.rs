//! Transcription: a recording in, its text out, in the format that the recording's form asks for.

use super::tally::{in_bytes, tokens};
use crate::AudioForm;

/// A compressed minute of speech has about half a megabyte, and Whisper reads 50 tokens a second.
const AUDIO_BYTES_PER_TOKEN: usize = 160;

/// A recording to transcribe, or to translate into English: the body of OpenAI's
/// [`POST /audio/transcriptions`](https://platform.openai.com/docs/api-reference/audio/createTranscription). It is answered by the bytes of the text, of which
/// [`content_type`](crate::ReplyMeta::content_type) is the type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TranscribeRequest {
    /// Which model: `prefix/name`, or an alias that a router or proxy knows.
    pub model: String,
    /// Whether the text shall be in English, whatever is spoken.
    pub translates: bool,
    /// The recording and the parameters, such as `language` and `response_format`.
    pub form: AudioForm,
}

impl TranscribeRequest {
    /// A recording to transcribe.
    #[must_use]
    pub fn new(model: impl Into<String>, form: AudioForm) -> Self {
        Self { model: model.into(), translates: false, form }
    }

    /// Translates it into English.
    #[must_use]
    pub fn translating(mut self) -> Self {
        self.translates = true;
        self
    }

    /// About how many tokens the request has, guessed from the length of the recording.
    #[must_use]
    pub fn estimated_tokens(&self) -> u64 {
        let prompt = self.form.field("prompt").map_or(0, |prompt| in_bytes(prompt.len()));
        AudioForm::estimated_tokens(self.form.audio().len()).saturating_add(tokens(prompt))
    }
}

impl AudioForm {
    /// About how many tokens a recording of so many bytes has.
    #[must_use]
    pub fn estimated_tokens(bytes: usize) -> u64 {
        tokens(bytes.div_ceil(AUDIO_BYTES_PER_TOKEN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioKind;

    #[test]
    fn a_recording_counts_by_its_length() {
        let form = AudioForm::new(AudioKind::of(None, None), &[0; 400], [("prompt", "12345")]).unwrap();
        assert_eq!(TranscribeRequest::new("m", form).estimated_tokens(), 3 + 2);
    }
}
