//! A transport whose connections to an emulator go through memory: no port, no waiting for the
//! operating system.
//!
//! Owns the connections: one that is free is used again, as a pool does, over HTTP/1.1; over HTTP/2
//! all calls share one.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Request, Response, Uri, header::HOST};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sagewire_emulator::Emulator;
use sagewire_sagemaker::{Body, Transport, TransportError, TransportErrorKind};

/// The way to one emulator, through memory.
#[derive(Debug)]
pub struct MemoryTransport {
    emulator: Arc<Emulator>,
    version: Version,
}

#[derive(Debug)]
enum Version {
    Http1(Arc<Mutex<Vec<http1::SendRequest<Full<Bytes>>>>>),
    Http2(Mutex<Option<http2::SendRequest<Full<Bytes>>>>),
}

impl MemoryTransport {
    /// Over HTTP/1.1.
    #[must_use]
    pub fn http1(emulator: Arc<Emulator>) -> Arc<Self> {
        Arc::new(Self { emulator, version: Version::Http1(Arc::default()) })
    }

    /// Over HTTP/2.
    #[must_use]
    pub fn http2(emulator: Arc<Emulator>) -> Arc<Self> {
        Arc::new(Self { emulator, version: Version::Http2(Mutex::default()) })
    }

    async fn connect(&self) -> Result<TokioIo<sagewire_emulator::Connection>, TransportError> {
        let connection = self.emulator.connect().await;
        connection.map(TokioIo::new).map_err(|error| {
            TransportError::new(TransportErrorKind::Connect, "the emulator refuses the connection").with_source(error)
        })
    }

    async fn over_http1(
        &self,
        idle: &Arc<Mutex<Vec<http1::SendRequest<Full<Bytes>>>>>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Body>, TransportError> {
        let mut sender = loop {
            let kept = idle.lock().unwrap().pop();
            let Some(mut kept) = kept else {
                let (sender, connection) = http1::handshake(self.connect().await?).await.map_err(broken)?;
                // It ends with the sender and the body.
                tokio::spawn(connection);
                break sender;
            };
            if kept.ready().await.is_ok() {
                break kept;
            }
        };
        let response = sender.send_request(request).await.map_err(broken)?;
        Ok(response.map(|body| read(body, Some((Arc::clone(idle), sender)))))
    }

    async fn over_http2(
        &self,
        shared: &Mutex<Option<http2::SendRequest<Full<Bytes>>>>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Body>, TransportError> {
        let mut kept = shared.lock().unwrap().clone();
        if let Some(sender) = &mut kept
            && sender.ready().await.is_err()
        {
            kept = None;
        }
        let mut sender = match kept {
            Some(sender) => sender,
            None => {
                let io = self.connect().await?;
                let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.map_err(broken)?;
                tokio::spawn(connection);
                *shared.lock().unwrap() = Some(sender.clone());
                sender
            }
        };
        let response = sender.send_request(request).await.map_err(broken)?;
        Ok(response.map(|body| read(body, None)))
    }
}

#[async_trait]
impl Transport for MemoryTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let (mut parts, body) = request.into_parts();
        match &self.version {
            Version::Http1(idle) => {
                let authority = parts.uri.authority().map(ToString::to_string).unwrap_or_default();
                parts.headers.entry(HOST).or_insert(HeaderValue::from_str(&authority).unwrap());
                parts.uri = Uri::from(parts.uri.path_and_query().unwrap().clone());
                self.over_http1(idle, Request::from_parts(parts, Full::new(body))).await
            }
            Version::Http2(shared) => {
                parts.headers.remove(HOST);
                self.over_http2(shared, Request::from_parts(parts, Full::new(body))).await
            }
        }
    }
}

type Kept = Option<(Arc<Mutex<Vec<http1::SendRequest<Full<Bytes>>>>>, http1::SendRequest<Full<Bytes>>)>;

/// The body; at its proper end the connection is free again.
fn read(body: Incoming, kept: Kept) -> Body {
    Body::new(stream::unfold((body, kept), |(mut body, mut kept)| async move {
        loop {
            match body.frame().await {
                None => {
                    if let Some((idle, sender)) = kept.take() {
                        idle.lock().unwrap().push(sender);
                    }
                    return None;
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Some((Ok(data), (body, kept)));
                    }
                }
                Some(Err(error)) => return Some((Err(broken(error)), (body, None))),
            }
        }
    }))
}

fn broken(error: hyper::Error) -> TransportError {
    TransportError::new(TransportErrorKind::Broken, "the connection broke").with_source(error)
}
