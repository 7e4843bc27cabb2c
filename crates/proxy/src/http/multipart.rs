//! Uploads: bodies of the type [`multipart/form-data`](https://www.rfc-editor.org/rfc/rfc7578), read part by part.
//!
//! Owns the limits of an upload's form: its length, how many parts it has, and how much may stand
//! before a part. A part is read in the pieces in which it comes, so that a file need not be held.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::StreamExt as _;
use http::{HeaderMap, StatusCode, header};
use http_body::Body as _;
use tokio::time::Instant;

use super::{
    body::{self, too_slow},
    error::ApiError,
    response::Body,
};

/// The most parts of a form: no API has as many parameters.
const MAX_PARTS: usize = 64;

/// The longest field that is not a file, in bytes.
const LONGEST_FIELD: usize = 64 * 1024;

/// The most bytes before the content of a part (its boundary and its headers), and behind the last
/// one.
const LONGEST_HEAD: u64 = 16 * 1024;

/// The form of an upload.
pub(super) struct Form {
    parts: multer::Multipart<'static>,
    pieces: Shared,
    gate: Arc<Gate>,
    seen: usize,
    deadline: Instant,
    timeout: Duration,
    advice: &'static str,
}

/// How much of an upload may be read.
#[derive(Debug)]
struct Gate {
    /// The most bytes of the whole body, and the limit that its caller is told.
    most: AtomicU64,
    told: AtomicU64,
    read: AtomicU64,
    /// Whether the head of a part is being read, and how many bytes of one were.
    is_in_head: AtomicBool,
    head: AtomicU64,
}

/// Why no more is read.
#[derive(Debug)]
enum Stopped {
    TooLarge,
    HeadTooLong,
    Broken,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Stopped {}

impl Form {
    /// Begins to read the form of a body of at most `most` bytes. `advice` says what the caller of a
    /// larger one can do.
    pub(super) fn open(
        headers: &HeaderMap,
        body: Body,
        most: u64,
        advice: &'static str,
        timeout: Duration,
    ) -> Result<Self, ApiError> {
        body::check_encoding(headers)?;
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary = content_type.and_then(|content_type| multer::parse_boundary(content_type).ok());
        // <https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1>
        let boundary = boundary.filter(|boundary| (1..=70).contains(&boundary.len())).ok_or_else(|| {
            ApiError::refused(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "the body must be an upload: send it as `multipart/form-data` with a boundary",
            )
        })?;
        if body.size_hint().lower() > most {
            return Err(too_large(most, advice));
        }
        let gate = Arc::new(Gate {
            most: AtomicU64::new(most),
            told: AtomicU64::new(most),
            read: AtomicU64::new(0),
            is_in_head: AtomicBool::new(true),
            head: AtomicU64::new(0),
        });
        let pieces = Pieces { body, gate: Arc::clone(&gate), is_turn_over: false };
        let pieces = Shared(Arc::new(Mutex::new(pieces)));
        let parts = multer::Multipart::new(pieces.clone(), boundary);
        Ok(Self { parts, pieces, gate, seen: 0, deadline: Instant::now() + timeout, timeout, advice })
    }

    /// Lowers the limit, once more is known of what the body is for: `around` is what the form may
    /// have beside what the limit is about.
    pub(super) fn limit(&self, most: u64, around: u64) -> Result<(), ApiError> {
        let of_all = most.saturating_add(around);
        self.gate.most.fetch_min(of_all, Relaxed);
        self.gate.told.fetch_min(most, Relaxed);
        if self.gate.read.load(Relaxed) > of_all { Err(too_large(most, self.advice)) } else { Ok(()) }
    }

    /// The next part, if there is one. The content of the one before must have been read. A form has
    /// ended when its body has: one that is cut behind the last boundary is not whole.
    pub(super) async fn next(&mut self) -> Result<Option<Part<'_>>, ApiError> {
        self.gate.head.store(0, Relaxed);
        self.gate.is_in_head.store(true, Relaxed);
        let next = tokio::time::timeout_at(self.deadline, self.parts.next_field()).await;
        let field = next.map_err(|_| too_slow(self.timeout))?.map_err(|error| self.failed(&error))?;
        let Some(field) = field else {
            self.read_to_end().await?;
            return Ok(None);
        };
        self.gate.is_in_head.store(false, Relaxed);
        self.seen += 1;
        if self.seen > MAX_PARTS {
            return Err(ApiError::invalid(None, format!("the upload has more than {MAX_PARTS} parts: send fewer")));
        }
        let Some(name) = field.name().filter(|name| is_plain(name)).map(str::to_owned) else {
            return Err(ApiError::invalid(
                None,
                "a part of the upload has no name that a parameter can have: name each part",
            ));
        };
        Ok(Some(Part { name, field, form: self }))
    }

    /// Reads what stands behind the last boundary, which means nothing.
    async fn read_to_end(&mut self) -> Result<(), ApiError> {
        while let Some(piece) =
            tokio::time::timeout_at(self.deadline, self.pieces.next()).await.map_err(|_| too_slow(self.timeout))?
        {
            piece.map_err(|stopped| self.stopped(&stopped))?;
        }
        Ok(())
    }

    fn stopped(&self, stopped: &Stopped) -> ApiError {
        match stopped {
            Stopped::TooLarge => too_large(self.gate.told.load(Relaxed), self.advice),
            Stopped::HeadTooLong => ApiError::invalid(
                None,
                format!(
                    "the upload has more than {LONGEST_HEAD} bytes before the content of a part, or behind the last one: send less there"
                ),
            ),
            Stopped::Broken => body::incomplete(),
        }
    }

    fn failed(&self, error: &multer::Error) -> ApiError {
        let stopped = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<Stopped>());
        match stopped {
            Some(stopped) => self.stopped(stopped),
            None => ApiError::invalid(
                None,
                "the upload is not a form: send `multipart/form-data`, each part with a name, and the last boundary at the end",
            ),
        }
    }
}

/// A part of a form.
pub(super) struct Part<'f> {
    name: String,
    field: multer::Field<'static>,
    form: &'f Form,
}

impl Part<'_> {
    /// The parameter's name, which is plain text.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a file.
    pub(super) fn is_file(&self) -> bool {
        self.field.file_name().is_some()
    }

    /// What the caller calls the file: not for logs and headers.
    pub(super) fn file_name(&self) -> Option<&str> {
        self.field.file_name()
    }

    /// The type that the caller gives it.
    pub(super) fn content_type(&self) -> Option<String> {
        self.field.content_type().map(ToString::to_string)
    }

    /// The next piece of its content; `None` at its end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        let piece = tokio::time::timeout_at(self.form.deadline, self.field.chunk()).await;
        piece.map_err(|_| too_slow(self.form.timeout))?.map_err(|error| self.form.failed(&error))
    }

    /// The whole content of a part that is not a file.
    pub(super) async fn text(mut self) -> Result<String, ApiError> {
        let mut text = BytesMut::new();
        while let Some(piece) = self.chunk().await? {
            if text.len() + piece.len() > LONGEST_FIELD {
                let message = format!("`{}` has more than {LONGEST_FIELD} bytes: send a shorter text", self.name);
                return Err(ApiError::invalid(Some(&self.name), message));
            }
            text.extend_from_slice(&piece);
        }
        String::from_utf8(text.into()).map_err(|_| {
            ApiError::invalid(Some(&self.name), format!("invalid value for `{}`: expected text in UTF-8", self.name))
        })
    }
}

impl fmt::Debug for Part<'_> {
    /// Without the name of the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("name", &self.name).field("is_file", &self.is_file()).finish_non_exhaustive()
    }
}

/// Whether a name is one that a parameter can have, so that it can be written into headers and
/// messages.
fn is_plain(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']'))
}

/// The refusal of a parameter that was sent more than once.
pub(super) fn duplicate(name: &str) -> ApiError {
    ApiError::invalid(Some(name), format!("duplicate parameter `{name}`: send it once"))
}

pub(super) fn too_large(most: u64, advice: &str) -> ApiError {
    ApiError::refused(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("the upload is larger than the limit of {most} bytes: {advice}"),
    )
}

/// The pieces, as the form and its reader both see them.
#[derive(Clone)]
struct Shared(Arc<Mutex<Pieces>>);

impl Stream for Shared {
    type Item = Result<Bytes, Stopped>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).poll_next(cx)
    }
}

/// The pieces of a body, one at a time: the reader of forms gathers all that it is given at once.
struct Pieces {
    body: Body,
    gate: Arc<Gate>,
    is_turn_over: bool,
}

impl Stream for Pieces {
    type Item = Result<Bytes, Stopped>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.is_turn_over) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let gate = Arc::clone(&self.gate);
        if gate.is_in_head.load(Relaxed) && gate.head.load(Relaxed) > LONGEST_HEAD {
            return Poll::Ready(Some(Err(Stopped::HeadTooLong)));
        }
        loop {
            let piece = match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Some(Err(Stopped::Broken))),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(piece) if !piece.is_empty() => piece,
                    _ => continue,
                },
            };
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            let read = gate.read.fetch_add(length, Relaxed).saturating_add(length);
            if read > gate.most.load(Relaxed) {
                return Poll::Ready(Some(Err(Stopped::TooLarge)));
            }
            gate.head.fetch_add(length, Relaxed);
            self.is_turn_over = true;
            return Poll::Ready(Some(Ok(piece)));
        }
    }
}

#[cfg(test)]
mod tests;
