//! The one way out: sends a signed request and gives its reply's body as it comes.
//!
//! Owns the trait and the implementation over reqwest. It knows no signature, no retry and no
//! container; time limits beyond the connection's are set by its caller.

use std::{
    fmt,
    future::{Future, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, Stream, StreamExt, stream::BoxStream};

use self::{clients::Clients, urls::Urls};

mod clients;
mod urls;

/// Sends requests as they are: what is signed is what is sent. Tests and embedders bring their own.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends the request and resolves with status and headers; the body follows piece by piece.
    /// Redirects are not followed. A [`ConnectTimeout`] among its extensions is honoured.
    ///
    /// # Errors
    /// [`TransportError`] where no reply came.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError>;
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn send<'a, 'call>(
        &'a self,
        request: http::Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<http::Response<Body>, TransportError>> + Send + 'call>>
    where
        'a: 'call,
        Self: 'call,
    {
        (**self).send(request)
    }
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

    /// As much of the body as comes in this time, cut at `limit`, however it ends: what an error
    /// shows of a reply.
    pub(crate) async fn read_beginning(mut self, limit: usize, time: Duration) -> Bytes {
        let end = tokio::time::Instant::now() + time;
        let mut all = BytesMut::new();
        while let Ok(Some(Ok(piece))) = tokio::time::timeout_at(end, self.next()).await {
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

/// The network, by reqwest with rustls and ring. Connections are kept, and shared by the calls of a
/// runtime.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    source: Source,
    urls: Arc<Urls>,
}

#[derive(Clone, Debug)]
enum Source {
    /// Clients of our making.
    Ours(Arc<Clients>),
    /// The program's own.
    Given(reqwest::Client),
}

impl ReqwestTransport {
    /// A transport that gives up connecting after `connect_timeout`. Proxies are those of the
    /// environment and the system.
    ///
    /// # Errors
    /// `Configuration` where TLS cannot be set up.
    pub fn new(connect_timeout: Duration) -> Result<Self, TransportError> {
        Self::trusting(connect_timeout, &[])
    }

    /// The same, trusting only the certificates of this PEM text, as `AWS_CA_BUNDLE` asks for; the
    /// system's where it is empty.
    ///
    /// # Errors
    /// `Configuration` if the text is not PEM or TLS cannot be set up.
    pub fn trusting(connect_timeout: Duration, pem: &[u8]) -> Result<Self, TransportError> {
        let certificates: Box<[_]> = if pem.is_empty() {
            Box::default()
        } else {
            let parsed =
                reqwest::Certificate::from_pem_bundle(pem).ok().filter(|certificates| !certificates.is_empty());
            parsed.map(Into::into).ok_or_else(|| {
                TransportError::new(TransportErrorKind::Configuration, "the CA bundle contains no PEM certificate")
            })?
        };
        Clients::new(connect_timeout, certificates).map(|clients| Self::from(Source::Ours(clients)))
    }

    /// A transport over the program's own client, with its proxies, certificates and limits.
    #[must_use]
    pub fn with_client(client: reqwest::Client) -> Self {
        Self::from(Source::Given(client))
    }

    fn from(source: Source) -> Self {
        Self { source, urls: Arc::default() }
    }
}

impl ReqwestTransport {
    /// Sends the request. What waits is reqwest's own future alone, which is small.
    fn begin(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<impl Future<Output = reqwest::Result<reqwest::Response>> + use<>, TransportError> {
        let client = match &self.source {
            Source::Ours(clients) => clients.of(request.extensions().get().map(|ConnectTimeout(limit)| *limit))?,
            Source::Given(client) => client.clone(),
        };
        let (head, body) = request.into_parts();
        let mut request = reqwest::Request::new(head.method, self.urls.of(&head.uri)?);
        *request.headers_mut() = head.headers;
        *request.version_mut() = head.version;
        *request.body_mut() = Some(body.into());
        Ok(client.execute(request))
    }
}

impl Transport for ReqwestTransport {
    fn send<'a, 'call>(
        &'a self,
        request: http::Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<http::Response<Body>, TransportError>> + Send + 'call>>
    where
        'a: 'call,
        Self: 'call,
    {
        // As `async fn` the future would hold the request, too, and be one of the blocks for which threads
        // wait at their allocator.
        match self.begin(request) {
            Ok(response) => Box::pin(response.map(|response| response.map(with_pieces).map_err(classify))),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}

fn with_pieces(response: reqwest::Response) -> http::Response<Body> {
    let (head, body) = http::Response::from(response).into_parts();
    let pieces = http_body_util::BodyDataStream::new(body).map(|piece| piece.map_err(classify));
    http::Response::from_parts(head, Body::new(pieces))
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
