//! A stand-in for SageMaker Runtime that answers at once, with the same bytes each time.
//!
//! Owns which path is answered with which of the fixed bodies. `/endpoints/chat/invocations` gives
//! a whole answer, `/endpoints/chat/invocations-response-stream` the frames of one, one HTTP chunk
//! for each; `/endpoints/generate/...` the same as text generation containers write it, `trained-chat`
//! and `trained-generate` what the guided build counts,
//! `/endpoints/embedding/...` vectors, and `/endpoints/held/...` a first token and then nothing
//! more. `/v1/chat/completions` is the same container without SageMaker around it, with `/health` and
//! `/v1/models` for those who ask before they call it. `GET /count` says how many were answered. A message that says so is answered
//! some milliseconds later.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header::CONTENT_TYPE};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::bodies::{self, Text};

/// What the container without SageMaker serves.
const MODELS: &[u8] =
    br#"{"object":"list","data":[{"id":"chat","object":"model","created":1795428042,"owned_by":"vllm"}]}"#;

static COUNT: AtomicU64 = AtomicU64::new(0);
static EMBEDDING: LazyLock<Bytes> = LazyLock::new(bodies::embedding_reply);
static MEASURED: LazyLock<Answers> = LazyLock::new(|| Answers::new(Text::MEASURED));
static TRAINED: LazyLock<Answers> = LazyLock::new(|| Answers::new(Text::TRAINED));

/// One text as each container writes it.
struct Answers {
    chat: Bytes,
    frames: Vec<Bytes>,
    events: Vec<Bytes>,
    generation: Bytes,
    generation_frames: Vec<Bytes>,
}

impl Answers {
    fn new(text: Text) -> Self {
        Self {
            chat: bodies::chat_reply(text),
            frames: bodies::frames(text),
            events: bodies::events(text),
            generation: bodies::generation_reply(text),
            generation_frames: bodies::generation_frames(text),
        }
    }
}

enum Reply {
    Whole(Option<Bytes>),
    Pieces(std::slice::Iter<'static, Bytes>),
    /// One piece, and then the connection stays open.
    Held(Option<Bytes>),
}

impl http_body::Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match &mut *self {
            Self::Whole(bytes) => bytes.take(),
            Self::Pieces(pieces) => pieces.next().cloned(),
            Self::Held(bytes) => match bytes.take() {
                None => return Poll::Pending,
                first => first,
            },
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            _ => SizeHint::default(),
        }
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Reply>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    if path == "/count" {
        let count = COUNT.load(Ordering::Relaxed).to_string();
        return Ok(Response::new(Reply::Whole(Some(count.into()))));
    }
    if path == "/health" || path == "/v1/models" {
        return Ok(Response::new(Reply::Whole(Some(Bytes::from_static(MODELS)))));
    }
    COUNT.fetch_add(1, Ordering::Relaxed);
    if let Some(wait) = bodies::wait_of(&body) {
        tokio::time::sleep(wait).await;
    }
    let streams = path.ends_with("-response-stream");
    let answers: &'static Answers = if path.contains("/trained-") { &TRAINED } else { &MEASURED };
    let generates = path.starts_with("/endpoints/generate/") || path.starts_with("/endpoints/trained-generate/");
    let (reply, kind) = if path.starts_with("/endpoints/held/") {
        (Reply::Held(answers.frames.get(1).cloned()), "application/vnd.amazon.eventstream")
    } else if streams {
        let frames = if generates { &answers.generation_frames } else { &answers.frames };
        (Reply::Pieces(frames.iter()), "application/vnd.amazon.eventstream")
    } else if generates {
        (Reply::Whole(Some(answers.generation.clone())), "application/json")
    } else if path.starts_with("/endpoints/embedding/") {
        (Reply::Whole(Some(EMBEDDING.clone())), "application/json")
    } else if !path.starts_with("/endpoints/") && body.windows(13).any(|bytes| bytes == b"\"stream\":true") {
        (Reply::Pieces(answers.events.iter()), "text/event-stream")
    } else {
        (Reply::Whole(Some(answers.chat.clone())), "application/json")
    };
    let mut response = Response::new(reply);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert("x-amzn-requestid", HeaderValue::from_static("8b1f6e3a-6f0e-4d6f-9a4e-2f7a53a1c0de"));
    headers.insert("x-amzn-invoked-production-variant", HeaderValue::from_static("AllTraffic"));
    Ok(response)
}

/// Answers the requests of one connection until it ends.
///
/// # Errors
/// Those of the connection.
pub async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<(), hyper::Error> {
    http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await
}
