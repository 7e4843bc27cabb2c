//! A streamed reply: bytes to frames to payload to chunks.
//!
//! Owns the order of these stages, the time limits between pieces, and the promise that an answer
//! which broke off ends with one error after all that was decoded.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, header::CONTENT_TYPE};
use sagewire_dialects::{Ending, StreamDecoder};
use sagewire_types::{Error, ErrorKind};
use tokio::time::Instant;

use crate::{
    call::{attempt::Progress, caller::Choice},
    curl::Wire,
    reply::secrets::Secrets,
    stream::{frames::FrameReader, pieces::Pieces},
    transport::Body,
};

/// How the payload lies in the body.
pub(crate) enum Framing {
    /// In AWS's event-stream frames.
    EventStream(FrameReader),
    /// As it is: the reply of a container behind a URL of its own.
    Plain,
}

impl Framing {
    /// The framing that the reply's `Content-Type` names.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let is_event_stream = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_none_or(|kind| {
            let media_type = kind.split(';').next().unwrap_or_default().trim_ascii_end();
            media_type.eq_ignore_ascii_case("application/vnd.amazon.eventstream")
        });
        if is_event_stream { Self::EventStream(FrameReader::default()) } else { Self::Plain }
    }
}

/// How long is waited for what may follow a whole answer: its usage, the end mark, or the end of
/// the connection, which is used again then.
const AFTER_THE_ANSWER: Duration = Duration::from_secs(2);

/// At most so many bytes of a payload are decoded at once. Pieces take more memory than their
/// records, and a payload may hold a million of them.
const DECODED_AT_ONCE: usize = 64 * 1024;

/// What limits a stream.
#[derive(Clone, Debug)]
pub(crate) struct StreamLimits {
    pub(crate) idle: Duration,
    pub(crate) deadline: Option<Instant>,
    pub(crate) wire: Wire,
    /// What the caller chose, which may be why the stream breaks.
    pub(crate) choice: Choice,
}

/// A streamed reply that is being read.
pub(crate) struct Reading<T> {
    pieces: Option<Pieces>,
    framing: Framing,
    /// What is left of the last frame's payload.
    payload: Bytes,
    decoder: Box<dyn StreamDecoder<T>>,
    limits: StreamLimits,
    request_id: Option<String>,
    secrets: Secrets,
    /// What has been decoded and not given yet, the next one last. Most frames hold one piece: room
    /// for more is made when it is needed.
    decoded: Vec<T>,
    failed: Option<Error>,
    progress: Progress,
}

impl<T: Send + 'static> Reading<T> {
    pub(crate) fn new(
        body: Body,
        framing: Framing,
        decoder: Box<dyn StreamDecoder<T>>,
        limits: StreamLimits,
        request_id: Option<String>,
        secrets: Secrets,
    ) -> Self {
        Self {
            pieces: Some(Pieces::new(body, limits.idle, limits.deadline)),
            framing,
            payload: Bytes::new(),
            decoder,
            limits,
            request_id,
            secrets,
            decoded: Vec::with_capacity(1),
            failed: None,
            progress: Progress::Nothing,
        }
    }

    /// Reads until the first piece has been decoded, and gives the stream that begins with it.
    ///
    /// # Errors
    /// Whatever happened before the first piece.
    pub(crate) async fn begin(mut self) -> Result<Self, Error> {
        match self.next().await {
            Some(Ok(first)) => self.decoded.push(first),
            Some(Err(error)) => return Err(error),
            None => {
                return Err(self.described(Error::new(
                    ErrorKind::StreamBroken,
                    "the stream ended before an answer began: see the endpoint's log",
                )));
            }
        }
        self.progress = Progress::Begun;
        Ok(self)
    }

    /// Frames are decoded one by one as their pieces are asked for; what is not framed, as it
    /// comes.
    fn take(&mut self, bytes: Bytes) -> Result<(), Error> {
        match &mut self.framing {
            Framing::Plain => {
                self.limits.wire.body(&bytes, &self.secrets);
                self.decoder.push(&bytes, &mut self.decoded)
            }
            Framing::EventStream(frames) => {
                frames.push(bytes);
                Ok(())
            }
        }
    }

    fn finish(&mut self) -> Result<(), Error> {
        if let Framing::EventStream(frames) = &self.framing {
            frames.finish()?;
        }
        self.decoder.finish(&mut self.decoded)
    }

    /// Decodes the next frame that is there, or a part of a long one; whether there was one.
    fn decode_frame(&mut self) -> Result<bool, Error> {
        let Framing::EventStream(frames) = &mut self.framing else { return Ok(false) };
        let mut payload = std::mem::take(&mut self.payload);
        if payload.is_empty() {
            let Some(next) = frames.next()? else { return Ok(false) };
            self.limits.wire.body(&next, &self.secrets);
            payload = next;
        }
        if payload.len() > DECODED_AT_ONCE {
            self.payload = payload.split_off(DECODED_AT_ONCE);
        }
        self.decoder.push(&payload, &mut self.decoded)?;
        Ok(true)
    }

    /// Reads on, until a piece has been decoded or the reading has failed. `None` at the end.
    fn poll_decoded(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        let ending = self.decoder.ending();
        let Some(pieces) = &mut self.pieces else { return Poll::Ready(None) };
        if ending != Ending::Open {
            pieces.shorten_wait(AFTER_THE_ANSWER);
        }
        let mut result = match self.decode_frame() {
            Ok(true) => Ok(()),
            Ok(false) => {
                let Some(pieces) = &mut self.pieces else { return Poll::Ready(None) };
                match ready!(pieces.poll_next(cx, self.progress)) {
                    Ok(Some(bytes)) => self.take(bytes),
                    Ok(None) => {
                        self.pieces = None;
                        self.finish()
                    }
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        };
        // The answer was whole before: what becomes of the connection does not concern it.
        if result.is_err() && ending != Ending::Open {
            self.pieces = None;
            result = self.decoder.finish(&mut self.decoded);
        }
        if result.is_err() && self.pieces.is_some() {
            // Text may be held back that could have become a stop text: it belongs to what came before the
            // error.
            self.decoder.flush(&mut self.decoded);
        }
        self.decoded.reverse();
        self.failed = result.err();
        Poll::Ready(Some(()))
    }

    fn described(&self, error: Error) -> Error {
        let error = self.limits.choice.attribute(error.with_texts(|text| self.secrets.hide(text)));
        match &self.request_id {
            Some(request_id) => error.with_request_id(request_id),
            None => error,
        }
    }
}

/// Nothing in it is ever pinned.
impl<T> Unpin for Reading<T> {}

/// Pieces of the answer. After an error nothing follows.
impl<T: Send + 'static> Stream for Reading<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(piece) = self.decoded.pop() {
                return Poll::Ready(Some(Ok(piece)));
            }
            if let Some(error) = self.failed.take() {
                self.pieces = None;
                return Poll::Ready(Some(Err(self.described(error))));
            }
            if ready!(self.poll_decoded(cx)).is_none() {
                return Poll::Ready(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_eventstream::frame::write_message_to;
    use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
    use futures_util::stream;
    use sagewire_dialects::{ChatDialect, DecodeContext};
    use sagewire_types::{ChatChunk, ChatRequest};

    use super::*;
    use crate::transport::{TransportError, TransportErrorKind};

    #[tokio::test]
    async fn text_that_was_held_back_comes_before_the_error_and_nothing_says_stop() {
        let request = ChatRequest::new("m", []).with_stop("END");
        let context = DecodeContext::new("id", "m", 0).with_request(&request);
        let pieces = [
            Ok(Bytes::from_static(b"{\"outputs\": [\"say\"]}\n{\"outputs\": [\" EN\"]}\n")),
            Err(TransportError::new(TransportErrorKind::Broken, "reset")),
        ];
        let limits =
            StreamLimits { idle: Duration::from_secs(1), deadline: None, wire: Wire::Off, choice: Choice::default() };
        let reading = Reading::new(
            Body::new(stream::iter(pieces)),
            Framing::Plain,
            ChatDialect::Lmi.implementation().stream_decoder(context),
            limits,
            Some("request-1".to_owned()),
            Secrets::default(),
        );
        let items: Vec<Result<ChatChunk, Error>> = reading.begin().await.unwrap().collect().await;
        let (chunks, errors): (Vec<_>, Vec<_>) = items.into_iter().partition(Result::is_ok);
        let chunks: Vec<_> = chunks.into_iter().map(Result::unwrap).collect();
        assert_eq!(chunks.iter().map(ChatChunk::content).collect::<String>(), "say EN");
        assert!(chunks.iter().flat_map(|chunk| &chunk.choices).all(|choice| choice.finish_reason.is_none()));
        let error = errors.into_iter().next().unwrap().unwrap_err();
        assert_eq!((error.kind(), error.request_id()), (ErrorKind::StreamBroken, Some("request-1")));
    }

    /// Gives the length of what it is told to decode.
    struct Lengths;

    impl StreamDecoder<usize> for Lengths {
        fn push(&mut self, bytes: &[u8], out: &mut Vec<usize>) -> Result<(), Error> {
            out.push(bytes.len());
            Ok(())
        }

        fn finish(&mut self, _: &mut Vec<usize>) -> Result<(), Error> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_long_payload_is_decoded_in_parts() {
        let mut bytes = Vec::new();
        for length in [10, 3 * DECODED_AT_ONCE + 1, DECODED_AT_ONCE] {
            let message = [(":event-type", "PayloadPart"), (":message-type", "event")]
                .into_iter()
                .map(|(name, value)| Header::new(name, HeaderValue::String(value.into())))
                .fold(Message::new(vec![b'a'; length]), Message::add_header);
            write_message_to(&message, &mut bytes).unwrap();
        }
        let limits =
            StreamLimits { idle: Duration::from_secs(1), deadline: None, wire: Wire::Off, choice: Choice::default() };
        let body = Body::new(stream::iter([Ok(Bytes::from(bytes))]));
        let framing = Framing::EventStream(FrameReader::default());
        let reading = Reading::new(body, framing, Box::new(Lengths), limits, None, Secrets::default());
        let lengths: Vec<usize> = reading.begin().await.unwrap().map(Result::unwrap).collect().await;
        assert_eq!(lengths, [10, DECODED_AT_ONCE, DECODED_AT_ONCE, DECODED_AT_ONCE, 1, DECODED_AT_ONCE]);
    }
}
