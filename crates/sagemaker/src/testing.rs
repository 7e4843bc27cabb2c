//! What the workspace's conformance tests reach into, behind the feature `testing`. No part of the public interface: it may change
//! with any version.

use aws_smithy_types::event_stream::Message;
use bytes::Bytes;
use sagewire_types::Error;

use crate::frames::FrameReader;

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
    pub fn next(&mut self) -> Result<Option<Message>, Error> {
        self.0.next_message()
    }

    /// The next payload part, as streamed replies are read; `None` where more bytes are needed.
    ///
    /// # Errors
    /// `StreamBroken` for a frame that is damaged, and what the service reports.
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
