//! A recording in the form that servers of transcription take: `multipart/form-data`, the file
//! first.
//!
//! Owns the form and that it is written once: a recording is held in one buffer, from which
//! containers are sent either the whole form or the recording alone.
//!
//! <https://www.rfc-editor.org/rfc/rfc7578>, <https://platform.openai.com/docs/api-reference/audio/createTranscription>

use std::{fmt, ops::Range};

use bytes::Bytes;
use memchr::memmem;

use crate::Error;

/// What stands between two parts. A recording or a text that has it is refused.
const DELIMITER: &str = "\r\n--sagewire-c3f1a9d27b5e4860";

/// The kinds of recordings: the ending of a file's name, and the types that it is known by.
const KINDS: [(&str, &[&str]); 9] = [
    ("wav", &["audio/wav", "audio/wave", "audio/x-wav", "audio/vnd.wave"]),
    ("mp3", &["audio/mpeg", "audio/mp3"]),
    ("flac", &["audio/flac", "audio/x-flac"]),
    ("ogg", &["audio/ogg"]),
    ("m4a", &["audio/mp4", "audio/m4a", "audio/x-m4a"]),
    ("mp4", &["video/mp4"]),
    ("mpeg", &["video/mpeg"]),
    ("webm", &["audio/webm", "video/webm"]),
    ("mpga", &["audio/mpga"]),
];

/// The kind of a recording. A container is told it by the ending of a name that is always the same:
/// what a caller calls its file is passed on to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioKind(Option<(&'static str, &'static str)>);

impl AudioKind {
    /// The kind of a file with this type, else with this name.
    #[must_use]
    pub fn of(content_type: Option<&str>, file_name: Option<&str>) -> Self {
        let ending = file_name.and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending.to_ascii_lowercase());
        let by_name = KINDS.iter().find(|(known, _)| ending.as_deref() == Some(*known));
        let essence = content_type.and_then(|kind| kind.split(';').next()).map(|kind| kind.trim().to_ascii_lowercase());
        let by_type =
            KINDS.iter().find(|(_, types)| essence.as_deref().is_some_and(|essence| types.contains(&essence)));
        Self(by_name.or(by_type).and_then(|(ending, types)| Some((*ending, *types.first()?))))
    }

    fn head(self) -> String {
        let (name, content_type) = match self.0 {
            Some((ending, content_type)) => (format!("audio.{ending}"), content_type),
            None => ("audio".to_owned(), "application/octet-stream"),
        };
        format!(
            "{}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {content_type}\r\n\r\n",
            delimiter_at_start()
        )
    }
}

/// The delimiter without the line break before it.
fn delimiter_at_start() -> &'static str {
    DELIMITER.trim_start()
}

/// A recording and the parameters beside it.
#[derive(Clone, PartialEq, Eq)]
pub struct AudioForm {
    form: Bytes,
    audio: Range<usize>,
    fields: Vec<(String, String)>,
}

/// Writes an [`AudioForm`] as the recording comes.
pub struct AudioFormWriter {
    buffer: Vec<u8>,
    start: usize,
}

impl AudioForm {
    /// The type of the whole form.
    pub const CONTENT_TYPE: &'static str = "multipart/form-data; boundary=sagewire-c3f1a9d27b5e4860";

    /// A recording with these parameters, copied once.
    ///
    /// # Errors
    /// As for [`AudioFormWriter::finish`].
    pub fn new<N: Into<String>, V: Into<String>>(
        kind: AudioKind,
        audio: &[u8],
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, Error> {
        let mut writer = Self::begin(kind, audio.len());
        writer.push(audio);
        writer.finish(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// A tenth of a second of silence, for a probe.
    ///
    /// # Errors
    /// As for [`AudioFormWriter::finish`].
    pub fn silence() -> Result<Self, Error> {
        /// 16-bit samples, 16,000 a second. <http://soundfile.sapp.org/doc/WaveFormat/>
        const SAMPLES: [u8; 3200] = [0; 3200];
        const HEAD: &[u8] =
            b"RIFF\xa4\x0c\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\x80\x0c\0\0";
        let mut writer = Self::begin(AudioKind::of(Some("audio/wav"), None), HEAD.len() + SAMPLES.len());
        writer.push(HEAD);
        writer.push(&SAMPLES);
        writer.finish(Vec::new())
    }

    /// Begins a form with a recording of about this many bytes.
    #[must_use]
    pub fn begin(kind: AudioKind, length: usize) -> AudioFormWriter {
        /// What the form has beside the recording, as a rule.
        const AROUND: usize = 1024;
        let mut buffer = Vec::with_capacity(length.saturating_add(AROUND));
        buffer.extend_from_slice(kind.head().as_bytes());
        AudioFormWriter { start: buffer.len(), buffer }
    }

    /// The whole form.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.form
    }

    /// The recording.
    #[must_use]
    pub fn audio(&self) -> Bytes {
        self.form.slice(self.audio.clone())
    }

    /// The parameters, in their order.
    #[must_use]
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// A parameter.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The form with these parameters, in place of those of the same names. It is a copy if there are
    /// any.
    ///
    /// # Errors
    /// As for [`AudioFormWriter::finish`].
    pub fn with(self, more: Vec<(String, String)>) -> Result<Self, Error> {
        if more.is_empty() {
            return Ok(self);
        }
        let beginning = self.form.get(..self.audio.end).unwrap_or_default();
        let tail: usize = more.iter().chain(&self.fields).map(|(name, value)| name.len() + value.len() + 128).sum();
        let mut buffer = Vec::with_capacity(beginning.len().saturating_add(tail));
        buffer.extend_from_slice(beginning);
        let kept = self.fields.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        let mut fields: Vec<_> = kept.collect();
        fields.extend(more);
        AudioFormWriter { buffer, start: self.audio.start }.write(fields)
    }
}

impl AudioFormWriter {
    /// Adds a piece of the recording.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// The form with these parameters.
    ///
    /// # Errors
    /// `InvalidRequest` for a recording without a byte, for a name that a form cannot carry, and
    /// for a content that would end its part early.
    pub fn finish(self, fields: Vec<(String, String)>) -> Result<AudioForm, Error> {
        let audio = self.buffer.get(self.start..).unwrap_or_default();
        if audio.is_empty() {
            return Err(Error::invalid("file", "`file` is empty: send a recording"));
        }
        if memmem::find(audio, DELIMITER.as_bytes()).is_some() {
            return Err(Error::invalid("file", "`file` is not a recording: it has the end of a form in it"));
        }
        self.write(fields)
    }

    fn write(mut self, fields: Vec<(String, String)>) -> Result<AudioForm, Error> {
        let audio = self.start..self.buffer.len();
        for (name, value) in &fields {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']');
            if name.is_empty() || !name.bytes().all(is_plain) {
                return Err(Error::invalid(
                    "file",
                    "a parameter's name cannot be sent in a form: use letters and digits",
                ));
            }
            // The first line may begin with what ends a part.
            if value.contains(DELIMITER) || value.starts_with(delimiter_at_start()) {
                return Err(Error::invalid(name, format!("`{name}` has the end of a form in it: leave it out")));
            }
            let head = format!("{DELIMITER}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            self.buffer.extend_from_slice(head.as_bytes());
            self.buffer.extend_from_slice(value.as_bytes());
        }
        self.buffer.extend_from_slice(DELIMITER.as_bytes());
        self.buffer.extend_from_slice(b"--\r\n");
        Ok(AudioForm { form: self.buffer.into(), audio, fields })
    }
}

impl fmt::Debug for AudioForm {
    /// Counts the recording, and names the parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.fields.iter().map(|(name, _)| name).collect();
        f.debug_struct("AudioForm").field("audio_bytes", &self.audio.len()).field("fields", &names).finish()
    }
}

impl fmt::Debug for AudioFormWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AudioFormWriter").field("bytes", &self.buffer.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_as_servers_read_it_and_the_recording_is_a_part_of_it() {
        let form = AudioForm::new(AudioKind::of(None, Some("Meeting.WAV")), b"RIFF", [("language", "de")]).unwrap();
        let text = std::str::from_utf8(form.bytes()).unwrap();
        let expected = "--sagewire-c3f1a9d27b5e4860\r\nContent-Disposition: form-data; name=\"file\"; filename=\"audio.wav\"\r\n\
             Content-Type: audio/wav\r\n\r\nRIFF\r\n--sagewire-c3f1a9d27b5e4860\r\nContent-Disposition: form-data; name=\"language\"\r\n\r\nde\r\n\
             --sagewire-c3f1a9d27b5e4860--\r\n";
        assert_eq!(text, expected);
        assert_eq!((&*form.audio(), form.field("language"), form.field("prompt")), (&b"RIFF"[..], Some("de"), None));
        let more = form.clone().with(vec![("model".to_owned(), "m".to_owned())]).unwrap();
        assert_eq!((more.field("language"), more.field("model"), more.audio()), (Some("de"), Some("m"), form.audio()));
        let other = more.with(vec![("language".to_owned(), "fr".to_owned())]).unwrap();
        assert_eq!(other.fields(), [("model".to_owned(), "m".to_owned()), ("language".to_owned(), "fr".to_owned())]);
        assert!(!std::str::from_utf8(other.bytes()).unwrap().contains("\r\n\r\nde\r\n"));
        assert!(!text.contains("Meeting") && !format!("{form:?}").contains("RIFF"));
    }

    #[test]
    fn a_kind_is_known_by_name_or_type_and_unknown_otherwise() {
        for (content_type, name, head) in [
            (Some("audio/mpeg"), Some("a"), "audio.mp3"),
            (Some("audio/x-wav; rate=1"), None, "audio.wav"),
            (Some("text/plain"), Some("a.flac"), "audio.flac"),
            (None, Some("a.wav\"\r\nx: y"), "\"audio\""),
            (None, None, "\"audio\""),
        ] {
            assert!(AudioKind::of(content_type, name).head().contains(head), "{content_type:?} {name:?}");
        }
    }

    #[test]
    fn nothing_ends_its_part_early() {
        let kind = AudioKind::of(None, None);
        let none: [(&str, &str); 0] = [];
        assert_eq!(AudioForm::new(kind, b"", none).unwrap_err().param(), Some("file"));
        let forged = format!("x{DELIMITER}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nother");
        assert_eq!(AudioForm::new(kind, forged.as_bytes(), none).unwrap_err().param(), Some("file"));
        for value in [forged.as_str(), forged.trim_start_matches('x').trim_start()] {
            assert_eq!(AudioForm::new(kind, b"a", [("prompt", value)]).unwrap_err().param(), Some("prompt"));
        }
        for name in ["", "a\"b", "a\r\nb", "ä"] {
            assert!(AudioForm::new(kind, b"a", [(name, "x")]).is_err(), "{name:?}");
        }
    }
}
