//! A stream whose connection is watched.
//!
//! Owns telling the pulse what passes, and the end of a connection that gets one last answer. When that is due is `pulse`'s.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::pulse::Pulse;

/// How [HTTP/2 begins](https://www.rfc-editor.org/rfc/rfc9113#section-3.4), as far as it takes to tell it from every method of HTTP/1.
const HTTP2: &[u8] = b"PRI ";

/// A stream whose connection is watched.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    pulse: Arc<Pulse>,
    /// How much of [`HTTP2`] has come; `None` once the protocol is known.
    begun: Option<usize>,
    /// How much of the last words is said.
    said: usize,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse, begun: Some(0), said: 0 }
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

impl<S: AsyncRead + AsyncWrite + Unpin> Watched<S> {
    /// Says the last words, and then takes and forgets what still comes: a socket that is closed over unread bytes is reset,
    /// and the peer may lose the words with it. To the reader it looks like the end.
    fn poll_end(&mut self, words: &Bytes, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = words.get(self.said..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.said += count,
            }
        }
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
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
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(words) = self.pulse.last_words().cloned() {
            return self.poll_end(&words, cx);
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Some(fresh) = buf.filled().get(before..).filter(|fresh| !fresh.is_empty()) {
            self.pulse.read();
            self.learn(fresh);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.note(&flushed);
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
