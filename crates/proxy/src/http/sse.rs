//! Streamed answers as event streams.
//!
//! Owns when bytes are written: all pieces that are ready go out in one write, a long silence is
//! broken, and nothing follows a failure. What is written is the protocol's: OpenAI's chat streams have `data: {json}` for each piece and `data: [DONE]` at the end. <https://html.spec.whatwg.org/multipage/server-sent-events.html>

use std::{
    convert::Infallible,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use futures_core::Stream;
use http_body::Frame;
use sagewire_types::{ChatChunk, ChunkWriter, CompletionResponse, Error, ErrorKind, ReplyStream, Usage};
use tokio::time::{Instant, Sleep};

use super::{arrival::Stopping, error::ApiError, streaming::Written};

pub(crate) use self::ahead::Ahead;

mod ahead;

/// As much is gathered before it is written: further pieces wait for the next write.
const ENOUGH: usize = 16 * 1024;

/// The longest that a piece waits for its neighbours. The task that reads from the endpoint hands
/// over one piece at a time: a write for each would cost more than all the rest.
const NEIGHBOURS: Duration = Duration::from_millis(1);

/// How many turns the reading task is left in a row without a piece from it, before what is
/// gathered goes out.
const TURNS: u8 = 3;

/// A piece of a streamed answer.
pub(crate) trait Piece: Written + Send + 'static {
    /// What is kept between two pieces.
    type Writer: Default + Send + Unpin;

    fn write(&self, writer: &mut Self::Writer, out: Writer<'_>) -> Result<(), serde_json::Error>;
    fn set_model(&mut self, model: Arc<str>);
    fn usage(&mut self) -> &mut Option<Usage>;
    fn choices(&self) -> usize;
}

impl Piece for ChatChunk {
    type Writer = ChunkWriter;

    fn write(&self, writer: &mut ChunkWriter, mut out: Writer<'_>) -> Result<(), serde_json::Error> {
        writer.write(self, &mut out)
    }

    fn set_model(&mut self, model: Arc<str>) {
        self.model = model;
    }

    fn usage(&mut self) -> &mut Option<Usage> {
        &mut self.usage
    }

    fn choices(&self) -> usize {
        self.choices.len()
    }
}

impl Piece for CompletionResponse {
    type Writer = ();

    fn write(&self, (): &mut (), out: Writer<'_>) -> Result<(), serde_json::Error> {
        serde_json::to_writer(out, self)
    }

    fn set_model(&mut self, model: Arc<str>) {
        self.model = model;
    }

    fn usage(&mut self) -> &mut Option<Usage> {
        &mut self.usage
    }

    fn choices(&self) -> usize {
        self.choices.len()
    }
}

/// How a protocol writes the stream of an answer.
pub(crate) trait Events<T>: Send + Unpin + 'static {
    /// Writes what a piece becomes.
    fn piece(&mut self, piece: &T, out: Writer<'_>) -> Result<(), Error>;
    /// Writes the end of a whole answer.
    fn end(&mut self, out: Writer<'_>) -> Result<(), Error>;
    /// The event that ends a stream which failed.
    fn failure(&mut self, error: &ApiError) -> Bytes;
    /// What makes the event that ends a stream of which nothing more is known.
    fn lost(&self) -> fn(&ApiError) -> Bytes;
    /// What breaks a long silence.
    fn silence(&self) -> &'static [u8];
}

/// The events of OpenAI's chat and completions.
pub(crate) struct Chunks<T: Piece>(T::Writer);

impl<T: Piece> Default for Chunks<T> {
    fn default() -> Self {
        Self(T::Writer::default())
    }
}

impl<T: Piece> Events<T> for Chunks<T> {
    fn piece(&mut self, piece: &T, Writer(out): Writer<'_>) -> Result<(), Error> {
        out.put_slice(b"data: ");
        piece.write(&mut self.0, Writer(out)).map_err(unwritable)?;
        out.put_slice(b"\n\n");
        Ok(())
    }

    fn end(&mut self, Writer(out): Writer<'_>) -> Result<(), Error> {
        out.put_slice(b"data: [DONE]\n\n");
        Ok(())
    }

    /// No finish reason and no `[DONE]` comes with it, so that the answer is not taken for whole.
    fn failure(&mut self, error: &ApiError) -> Bytes {
        (self.lost())(error)
    }

    fn lost(&self) -> fn(&ApiError) -> Bytes {
        |error| [b"data: ", &*error.to_json(), b"\n\n"].concat().into()
    }

    fn silence(&self) -> &'static [u8] {
        b": keep-alive\n"
    }
}

/// Writes an event with a name and JSON.
pub(crate) fn write_named(name: &str, data: &impl serde::Serialize, out: &mut BytesMut) -> Result<(), Error> {
    named(name, out, |out| serde_json::to_writer(out, data))
}

/// Writes an event with a name, whose JSON is written by `data`.
pub(crate) fn named(
    name: &str,
    out: &mut BytesMut,
    data: impl FnOnce(&mut Writer<'_>) -> serde_json::Result<()>,
) -> Result<(), Error> {
    out.put_slice(b"event: ");
    out.put_slice(name.as_bytes());
    out.put_slice(b"\ndata: ");
    data(&mut Writer(out)).map_err(unwritable)?;
    out.put_slice(b"\n\n");
    Ok(())
}

/// A piece that has no JSON form.
fn unwritable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Decode, "the answer could not be written as JSON; please report it").with_source(error)
}

/// Who watches a stream: its tokens, its pace and its end. Dropped before `ended`, the caller went
/// away.
pub(crate) trait Observer: Send + Unpin + 'static {
    /// The failure as the caller may see it.
    fn failed(&mut self, error: &Error) -> ApiError;
    /// A piece came, with so many bytes of text.
    fn generated(&mut self, text_bytes: usize);
    /// So many pieces came since the last write.
    fn wrote(&mut self, pieces: usize);
    fn used(&mut self, usage: &Usage);
    fn ended(&mut self);
}

/// The body of a streamed answer.
pub(crate) struct SseBody<T: Piece, E, O> {
    stream: Option<ReplyStream<T>>,
    events: E,
    observer: O,
    model: Arc<str>,
    /// Whether the caller is told the tokens used.
    show_usage: bool,
    buffer: BytesMut,
    gathering: Gathering,
    silence: Silence,
    /// Ends when the server cuts off what is under way.
    cut_off: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Whether more may be at hand than the pieces that are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gathering {
    /// The first piece goes out at once: callers wait for it.
    First,
    /// Nothing is gathered.
    Nothing,
    /// Pieces are gathered since then; so many turns have brought no further one.
    Since(Instant, u8),
}

impl<T: Piece, E: Events<T>, O: Observer> SseBody<T, E, O> {
    pub(crate) fn new(
        stream: ReplyStream<T>,
        events: E,
        model: Arc<str>,
        show_usage: bool,
        keep_alive: Duration,
        stopping: Stopping,
        observer: O,
    ) -> Self {
        Self {
            stream: Some(stream),
            events,
            observer,
            model,
            show_usage,
            buffer: BytesMut::with_capacity(512),
            gathering: Gathering::First,
            silence: Silence::new(keep_alive),
            cut_off: Box::pin(stopping.cut_off()),
        }
    }

    /// Gathers every piece that is ready, up to [`ENOUGH`], and says how many came.
    fn gather(&mut self, cx: &mut Context<'_>) -> usize {
        let mut pieces = 0;
        while self.buffer.len() < ENOUGH {
            let Some(stream) = &mut self.stream else { break };
            match Pin::new(stream).poll_next(cx) {
                Poll::Pending => break,
                Poll::Ready(Some(Ok(piece))) => {
                    pieces += 1;
                    self.push(piece);
                }
                Poll::Ready(Some(Err(error))) => {
                    let shown = self.observer.failed(&error);
                    self.fail(&shown);
                }
                Poll::Ready(None) => match self.events.end(Writer(&mut self.buffer)) {
                    Ok(()) => {
                        self.stream = None;
                        self.observer.ended();
                    }
                    Err(error) => {
                        let shown = self.observer.failed(&error);
                        self.fail(&shown);
                    }
                },
            }
        }
        if pieces > 0 {
            self.observer.wrote(pieces);
        }
        pieces
    }

    /// Whether what is gathered waits for one more turn of the task that reads from the endpoint.
    fn waits_for_neighbours(&mut self, came: usize) -> bool {
        if self.buffer.is_empty() || self.stream.is_none() || self.buffer.len() >= ENOUGH {
            return false;
        }
        let (began, turns) = match self.gathering {
            Gathering::First => return false,
            Gathering::Nothing => (Instant::now(), 0),
            Gathering::Since(began, _) if came > 0 => (began, 0),
            Gathering::Since(began, turns) => (began, turns + 1),
        };
        self.gathering = Gathering::Since(began, turns);
        turns < TURNS && began.elapsed() < NEIGHBOURS
    }

    fn push(&mut self, mut piece: T) {
        self.observer.generated(piece.text_bytes());
        piece.set_model(Arc::clone(&self.model));
        if let Some(usage) = piece.usage() {
            self.observer.used(usage);
            if !self.show_usage {
                *piece.usage() = None;
                if piece.choices() == 0 {
                    return;
                }
            }
        }
        let start = self.buffer.len();
        if let Err(error) = self.events.piece(&piece, Writer(&mut self.buffer)) {
            self.buffer.truncate(start);
            let shown = self.observer.failed(&error);
            self.fail(&shown);
        }
    }

    /// An error event, and nothing after it.
    fn fail(&mut self, error: &ApiError) {
        let event = self.events.failure(error);
        self.buffer.put_slice(&event);
        self.stream = None;
        self.observer.ended();
    }
}

impl<T: Piece, E: Events<T>, O: Observer> http_body::Body for SseBody<T, E, O> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let came = this.gather(cx);
        if came == 0 && this.stream.is_some() && this.cut_off.as_mut().poll(cx).is_ready() {
            let shown = this.observer.failed(&Stopping::error());
            this.fail(&shown);
        }
        if this.waits_for_neighbours(came) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !this.buffer.is_empty() {
            this.gathering = Gathering::Nothing;
            this.silence.broken();
            return Poll::Ready(Some(Ok(Frame::data(this.buffer.split().freeze()))));
        }
        if this.stream.is_none() {
            return Poll::Ready(None);
        }
        std::task::ready!(this.silence.poll(cx));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(this.events.silence())))))
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_none() && self.buffer.is_empty()
    }
}

/// How long nothing was written. The timer is set only while the stream waits, and moved only when
/// it fires.
struct Silence {
    interval: Duration,
    last_write: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Silence {
    fn new(interval: Duration) -> Self {
        Self { interval, last_write: None, timer: None }
    }

    fn broken(&mut self) {
        self.last_write = Some(Instant::now());
    }

    /// Ready when the silence has lasted for the interval.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Before the first piece there is no silence to break: the head has not been sent yet.
        let (Some(last), false) = (self.last_write, self.interval.is_zero()) else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(last + self.interval)));
        loop {
            std::task::ready!(timer.as_mut().poll(cx));
            let due = last + self.interval;
            let now = Instant::now();
            if now >= due {
                self.last_write = Some(now);
                timer.as_mut().reset(now + self.interval);
                return Poll::Ready(());
            }
            timer.as_mut().reset(due);
        }
    }
}

/// Writes into the buffer without a copy in between.
pub(crate) struct Writer<'a>(pub(crate) &'a mut BytesMut);

impl io::Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
