//! The reader of AWS's frames.

use bytes::Bytes;
use sagewire_types::Error;

use crate::stream::frames::FrameReader;

/// A frame as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFrame {
    /// Each header's name, its value's type as a number, and the value's bytes.
    pub headers: Vec<(String, u8, Vec<u8>)>,
    /// The payload.
    pub payload: Bytes,
}

/// The reader that streamed replies go through, frame by frame.
#[derive(Debug, Default)]
pub struct Frames(FrameReader);

impl Frames {
    /// Adds the next bytes. Call [`next`](Self::next) until it gives nothing before adding more.
    pub fn push(&mut self, bytes: Bytes) {
        self.0.push(bytes);
    }

    /// The next frame, whatever it carries; `None` where more bytes are needed.
    ///
    /// # Errors
    /// `StreamBroken` for a frame that is damaged.
    #[expect(clippy::should_implement_trait, reason = "a frame that needs more bytes is no end")]
    pub fn next(&mut self) -> Result<Option<ReadFrame>, Error> {
        let Some(frame) = self.0.take_frame()? else { return Ok(None) };
        let payload = frame.payload()?;
        let headers = frame.headers()?;
        let headers =
            headers.iter().map(|header| (header.name.to_owned(), header.kind, header.value.to_vec())).collect();
        Ok(Some(ReadFrame { headers, payload }))
    }

    /// The next payload part, as a reply's reader takes it; `None` where more bytes are needed.
    ///
    /// # Errors
    /// `StreamBroken` for a frame that is damaged; what the service reports in an error frame.
    pub fn next_payload(&mut self) -> Result<Option<Bytes>, Error> {
        self.0.next()
    }

    /// The bytes have ended.
    ///
    /// # Errors
    /// `StreamBroken` inside a frame.
    pub fn finish(&self) -> Result<(), Error> {
        self.0.finish()
    }
}
