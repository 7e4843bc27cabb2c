//! The one way out: sends a signed request and gives its reply's body as it comes.
//!
//! Owns the trait and the implementation over reqwest. It knows no signature, no retry and no container; time limits beyond the
//! connection's are set by whoever calls it.

use std::{
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream::BoxStream};

/// Sends requests as they are: what is signed is what is sent. Tests and embedders bring their own.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends the request and resolves with status and headers; the body follows piece by piece. Redirects are not followed. A
    /// [`ConnectTimeout`] among its extensions is honoured.
    ///
    /// # Errors
    /// [`TransportError`] where no reply came.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError>;
}

/// In a request's extensions: how long connecting may take, where a call sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectTimeout(pub Duration);

/// The body of a reply, piece by piece. Dropping it closes the connection, unless all was read.
pub struct Body(BoxStream<'static, Result<Bytes, TransportError>>);

impl Body {
    /// A body of these pieces.
    #[must_use]
    pub fn new(pieces: impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static) -> Self {
        Self(pieces.boxed())
    }

    /// The next piece; `None` at the body's end.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, TransportError>> {
        self.0.next().await
    }

    /// The body's beginning, cut at `limit`, however it ends: what an error shows of a reply.
    pub(crate) async fn read_beginning(mut self, limit: usize) -> Bytes {
        let mut all = BytesMut::new();
        while let Some(Ok(piece)) = self.next().await {
            all.extend_from_slice(&piece);
            if all.len() >= limit {
                all.truncate(limit);
                break;
            }
        }
        all.freeze()
    }
}

/// A transport around another one can look at what passes, or hold something until the body ends.
impl Stream for Body {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

/// Why no reply, or no more of it, came. Its text holds no URL and no header.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    kind: TransportErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What failed on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The client could not be set up.
    Configuration,
    /// No connection was made.
    Connect,
    /// No connection was made in time.
    ConnectTimeout,
    /// The connection broke.
    Broken,
    /// The reply is larger than it may be.
    TooLarge,
}

impl TransportError {
    /// An error of this kind.
    #[must_use]
    pub fn new(kind: TransportErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What failed.
    #[must_use]
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }
}

/// The network, by reqwest with rustls and ring. Connections are kept and shared.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    /// The certificates to trust in place of the system's.
    certificates: Arc<[reqwest::Certificate]>,
    /// reqwest fixes the time for connecting per client: one more for each time that calls set, up to a few.
    by_connect_timeout: Arc<Mutex<HashMap<Duration, reqwest::Client>>>,
}

/// How many connections to an endpoint are kept for the next calls: a burst's, so that the next burst makes none anew. They close by themselves
/// after 90 s.
const MAX_IDLE: usize = 1024;

/// How many clients calls can bring into being by their times for connecting; above it they share the first.
const MAX_CLIENTS: usize = 8;

impl ReqwestTransport {
    /// A transport that gives up connecting after `connect_timeout`. Proxies are those of the environment and the system.
    ///
    /// # Errors
    /// `Configuration` where TLS cannot be set up.
    pub fn new(connect_timeout: Duration) -> Result<Self, TransportError> {
        Self::trusting(connect_timeout, &[])
    }

    /// The same, trusting only the certificates of this PEM text, as `AWS_CA_BUNDLE` asks for; the system's where it is empty.
    ///
    /// # Errors
    /// `Configuration` where the text is no PEM or TLS cannot be set up.
    pub fn trusting(connect_timeout: Duration, pem: &[u8]) -> Result<Self, TransportError> {
        let certificates: Arc<[_]> = if pem.is_empty() {
            Arc::default()
        } else {
            let parsed =
                reqwest::Certificate::from_pem_bundle(pem).ok().filter(|certificates| !certificates.is_empty());
            parsed.map(Into::into).ok_or_else(|| {
                TransportError::new(TransportErrorKind::Configuration, "the CA bundle holds no PEM certificate")
            })?
        };
        Ok(Self { client: client(connect_timeout, &certificates)?, certificates, by_connect_timeout: Arc::default() })
    }

    /// A transport over the program's own client, with its proxies, certificates and limits.
    #[must_use]
    pub fn with_client(client: reqwest::Client) -> Self {
        Self { client, certificates: Arc::default(), by_connect_timeout: Arc::default() }
    }

    fn client_for(&self, request: &http::Request<Bytes>) -> Result<reqwest::Client, TransportError> {
        let Some(ConnectTimeout(limit)) = request.extensions().get().copied() else { return Ok(self.client.clone()) };
        let mut clients = self.by_connect_timeout.lock().unwrap_or_else(PoisonError::into_inner);
        match clients.get(&limit) {
            Some(client) => Ok(client.clone()),
            None if clients.len() < MAX_CLIENTS => {
                Ok(clients.entry(limit).or_insert(client(limit, &self.certificates)?).clone())
            }
            None => Ok(self.client.clone()),
        }
    }
}

fn client(connect_timeout: Duration, certificates: &[reqwest::Certificate]) -> Result<reqwest::Client, TransportError> {
    // An error means that the program has chosen a provider, which is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder();
    if !certificates.is_empty() {
        builder = builder.tls_certs_only(certificates.iter().cloned());
    }
    builder
        .connect_timeout(connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        // Whoever calls tries again, with a fresh signature: no second budget below it, and no copy of each request in case.
        .retry(reqwest::retry::never().max_retries_per_request(0))
        .tcp_nodelay(true)
        .pool_max_idle_per_host(MAX_IDLE)
        .build()
        .map_err(|error| {
            let message = "the HTTP client could not be set up: check the system's certificates";
            TransportError::new(TransportErrorKind::Configuration, message).with_source(error)
        })
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError> {
        let client = self.client_for(&request)?;
        let request = reqwest::Request::try_from(request).map_err(classify)?;
        let response = client.execute(request).await.map_err(classify)?;
        let response: http::Response<reqwest::Body> = response.into();
        let (head, body) = response.into_parts();
        let pieces = http_body_util::BodyDataStream::new(body).map(|piece| piece.map_err(classify));
        Ok(http::Response::from_parts(head, Body::new(pieces)))
    }
}

/// reqwest's own texts quote the URL: only what failed, and the cause below it, are kept.
fn classify(error: reqwest::Error) -> TransportError {
    let (kind, message) = match (error.is_connect(), error.is_timeout()) {
        (true, true) => (TransportErrorKind::ConnectTimeout, "no connection was made in time"),
        (true, false) => (TransportErrorKind::Connect, "no connection could be made"),
        _ if error.is_builder() => (TransportErrorKind::Configuration, "the request could not be sent"),
        _ => (TransportErrorKind::Broken, "the connection broke"),
    };
    TransportError::new(kind, message).with_source(error.without_url())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_without_a_certificate_is_refused() {
        for pem in ["no PEM", "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"] {
            let error = ReqwestTransport::trusting(Duration::from_secs(1), pem.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), TransportErrorKind::Configuration, "{pem}");
        }
        assert!(ReqwestTransport::trusting(Duration::from_secs(1), b"").is_ok());
    }
}
