//! Transports for tests: one that follows a script without any network, and one that counts on the
//! way to another.
//!
//! Owns no meaning of what is sent. Waits follow tokio's clock, so that a test with a paused one
//! waits for nothing.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use sagewire_emulator::Frame;
use sagewire_sagemaker::{Body, Transport, TransportError, TransportErrorKind};
use tokio::time::Instant;

/// What happens next in a body.
#[derive(Clone, Debug)]
pub enum Piece {
    /// These bytes come.
    Bytes(Bytes),
    /// Nothing comes for so long.
    Wait(Duration),
    /// The connection breaks.
    Break,
}

/// What a request is answered with.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A reply.
    Reply(u16, Vec<(&'static str, String)>, Vec<Piece>),
    /// No reply: the connection fails in this way.
    Fail(TransportErrorKind),
    /// No reply, ever.
    Silence,
    /// So long nothing, then this.
    After(Duration, Box<Self>),
}

impl Answer {
    /// A whole reply in JSON.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type", "application/json".to_owned()), ("x-amzn-requestid", "r-1".to_owned())];
        Self::Reply(status, headers, vec![Piece::Bytes(body.into())])
    }

    /// An error of AWS's.
    #[must_use]
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, serde_json::json!({ "message": message }).to_string()).with_header("x-amzn-errortype", code)
    }

    /// An event stream in these pieces.
    #[must_use]
    pub fn stream(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let headers = vec![
            ("content-type", "application/vnd.amazon.eventstream".to_owned()),
            ("x-amzn-requestid", "r-1".to_owned()),
        ];
        Self::Reply(200, headers, pieces.into_iter().collect())
    }

    /// The same reply with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Reply(_, headers, _) = &mut self {
            headers.push((name, value.into()));
        }
        self
    }
}

/// A payload part as a piece of a body.
pub fn part(payload: impl Into<Bytes>) -> Piece {
    Piece::Bytes(Frame::payload_part(payload).encode())
}

/// A request that was sent, and when.
#[derive(Debug)]
pub struct Sent {
    /// By tokio's clock.
    pub at: Instant,
    /// As it was signed.
    pub request: http::Request<Bytes>,
}

/// Answers each request with the next answer of its script, and with the last one again when the
/// script is over.
#[derive(Debug)]
pub struct ScriptedTransport {
    script: Mutex<VecDeque<Answer>>,
    sent: Mutex<Vec<Sent>>,
}

impl ScriptedTransport {
    /// A transport with this script.
    #[must_use]
    pub fn new(script: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self { script: Mutex::new(script.into_iter().collect()), sent: Mutex::default() })
    }

    /// How many requests were sent.
    ///
    /// # Panics
    /// After another thread has panicked.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    /// What `look` finds in each request, in order.
    ///
    /// # Panics
    /// After another thread has panicked.
    pub fn each<T>(&self, look: impl Fn(&Sent) -> T) -> Vec<T> {
        self.sent.lock().unwrap().iter().map(look).collect()
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError> {
        self.sent.lock().unwrap().push(Sent { at: Instant::now(), request });
        let mut answer = {
            let mut script = self.script.lock().unwrap();
            let next = if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
            next.expect("a script has at least one answer")
        };
        while let Answer::After(wait, then) = answer {
            tokio::time::sleep(wait).await;
            answer = *then;
        }
        match answer {
            Answer::Fail(kind) => Err(TransportError::new(kind, "as the script says")),
            Answer::Reply(status, headers, pieces) => {
                let mut response = http::Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                Ok(response.body(body(pieces)).unwrap())
            }
            Answer::Silence | Answer::After(..) => std::future::pending().await,
        }
    }
}

fn body(pieces: Vec<Piece>) -> Body {
    Body::new(stream::iter(pieces).filter_map(|piece| async move {
        match piece {
            Piece::Bytes(bytes) => Some(Ok(bytes)),
            Piece::Break => Some(Err(TransportError::new(TransportErrorKind::Broken, "as the script says"))),
            Piece::Wait(time) => {
                tokio::time::sleep(time).await;
                None
            }
        }
    }))
}

/// Counts what goes through it.
#[derive(Debug)]
pub struct CountingTransport {
    inner: Arc<dyn Transport>,
    count: AtomicUsize,
}

impl CountingTransport {
    /// Counts on the way to `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>) -> Arc<Self> {
        Arc::new(Self { inner, count: AtomicUsize::new(0) })
    }

    /// How many requests went through.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Transport for CountingTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.inner.send(request).await
    }
}
