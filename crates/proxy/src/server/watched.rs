//! A stream whose connection is watched.
//!
//! Owns telling the pulse what passes, and the end of a connection that gets one last answer. When
//! that is due is `pulse`'s.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    half_closed::{CONTINUE, HalfClosed},
    pulse::{PeerClosed, Pulse},
};

/// How [HTTP/2 begins](https://www.rfc-editor.org/rfc/rfc9113#section-3.4), as far as it takes to tell it from every method of HTTP/1.
const HTTP2: &[u8] = b"PRI ";

/// How a refusal begins, and what it has where it is ours.
const REFUSAL: &[u8] = b"HTTP/1.1 4";
const ID: &[u8] = b"x-request-id";

/// A stream whose connection is watched.
pub(super) struct Watched<S> {
    stream: S,
    pulse: Arc<Pulse>,
    /// How much of [`HTTP2`] has come; `None` once the protocol is known.
    begun: Option<usize>,
    /// How much of the last words is said.
    said: usize,
    /// Our answer in place of one that the protocol's own code gives.
    refused: Box<dyn Fn(StatusCode) -> Bytes + Send>,
    half_closed: HalfClosed,
}

impl<S> fmt::Debug for Watched<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("pulse", &self.pulse).finish_non_exhaustive()
    }
}

impl<S> Watched<S> {
    /// Watches a stream. `refused` gives the answer to a head that the protocol's own code refuses
    /// with a status alone.
    pub(super) fn new(stream: S, pulse: Arc<Pulse>, refused: Box<dyn Fn(StatusCode) -> Bytes + Send>) -> Self {
        Self { stream, pulse, begun: Some(0), said: 0, refused, half_closed: HalfClosed::default() }
    }

    /// Whether these bytes are an answer that the protocol's own code gave to what was no request:
    /// then ours is said in its place. All of ours have an id.
    fn replaces(&mut self, bytes: &[u8]) -> bool {
        let Some(status) = bytes.strip_prefix(REFUSAL).and_then(|rest| rest.get(..2)) else { return false };
        let head = bytes.strip_suffix(b"\r\n\r\n").unwrap_or_default();
        let is_bare = !head.is_empty() && head.windows(ID.len()).all(|part| !part.eq_ignore_ascii_case(ID));
        let Some(status) = StatusCode::from_bytes(&[b"4", status].concat()).ok().filter(|_| is_bare) else {
            return false;
        };
        self.pulse.give_up_with((self.refused)(status));
        true
    }

    /// Tells the protocol by a connection's first bytes.
    fn learn(&mut self, fresh: &[u8]) {
        let Some(begun) = self.begun else { return };
        let expected = HTTP2.get(begun..).unwrap_or_default();
        if fresh.iter().zip(expected).any(|(byte, expected)| byte != expected) {
            self.begun = None;
        } else if fresh.len() >= expected.len() {
            self.begun = None;
            self.pulse.speaks_http2();
        } else {
            self.begun = Some(begun + fresh.len());
        }
    }

    fn note<T>(&self, written: &Poll<io::Result<T>>) {
        match written {
            Poll::Ready(_) => self.pulse.wrote(),
            Poll::Pending => self.pulse.blocked(),
        }
    }
}

impl<S: AsyncWrite + Unpin> Watched<S> {
    /// Says the last words, as far as they are not said.
    fn poll_say(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) =
            self.pulse.last_words().and_then(|words| words.get(self.said..)).filter(|rest| !rest.is_empty())
        {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.said += count,
            }
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Watched<S> {
    /// Says the last words, and then takes and forgets what still comes: a socket that is closed
    /// over unread bytes is reset, and the peer may lose the words with it. To the reader it
    /// looks like the end.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_say(cx))?;
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        let mut scratch = [0; 1024];
        loop {
            let mut scratch = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut scratch))?;
            if scratch.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// The peer will send nothing more. To the reader that is the end of the connection, so it is
    /// told later while an answer is due. Whoever watches the connection polls it now and then.
    fn poll_peer_closed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.pulse.peer_closed() {
            PeerClosed::Ended => Poll::Ready(Ok(())),
            PeerClosed::Unread if self.half_closed.is_over() => Poll::Ready(Ok(())),
            PeerClosed::Unread | PeerClosed::TakesAnswer => Poll::Pending,
            PeerClosed::AwaitsAnswer => {
                self.half_closed.look_for(&mut self.stream, cx)?;
                Poll::Pending
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.pulse.last_words().is_some() {
            return self.poll_end(cx);
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if let Some(fresh) = buf.filled().get(before..).filter(|fresh| !fresh.is_empty()) {
            self.pulse.read();
            self.learn(fresh);
        } else if buf.remaining() > 0 {
            return self.poll_peer_closed(cx);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.replaces(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if bytes != CONTINUE {
            self.pulse.answer_begins();
        }
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [bytes] = slices
            && self.replaces(bytes)
        {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        if !matches!(slices, [bytes] if **bytes == *CONTINUE) {
            self.pulse.answer_begins();
        }
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.poll_say(cx);
        self.note(&flushed);
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
