//! The HTTP seam: one small request and its answer. The callers retry, sign and read formats.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

/// How one request is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestOptions {
    /// The longest wait for a connection, TLS included. Default: 3 seconds.
    pub connect_timeout: Duration,
    /// The longest wait from the start to the last byte of the answer. Default: 10 seconds.
    pub timeout: Duration,
    /// Whether a proxy may be used.
    pub route: Route,
    /// A file of PEM certificates to trust instead of the system's (`AWS_CA_BUNDLE`).
    pub ca_bundle: Option<Arc<Path>>,
    /// The longest answer that is accepted, in bytes. Default: one mebibyte.
    pub max_response: u64,
}

impl Default for RequestOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(10),
            route: Route::Proxied,
            ca_bundle: None,
            max_response: 1024 * 1024,
        }
    }
}

impl RequestOptions {
    /// The same options with other time limits: for the connection, and for the whole exchange.
    #[must_use]
    pub fn with_timeouts(mut self, connect: Duration, total: Duration) -> Self {
        (self.connect_timeout, self.timeout) = (connect, total);
        self
    }

    /// The same options for a host on this machine or link: never through a proxy.
    #[must_use]
    pub fn direct(mut self) -> Self {
        self.route = Route::Direct;
        self
    }

    /// The same options, trusting the certificates in the file `ca_bundle` instead of the system's.
    #[must_use]
    pub fn with_ca_bundle(mut self, ca_bundle: Option<Arc<Path>>) -> Self {
        self.ca_bundle = ca_bundle;
        self
    }
}

/// Whether a request may go through a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// As `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` configure.
    Proxied,
    /// Never. A metadata service answers for the machine that asks, which must not be the proxy.
    Direct,
}

/// The kind of an error of a request without a whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpErrorKind {
    /// No connection within [`RequestOptions::connect_timeout`].
    ConnectTimeout,
    /// The connection was refused, the host is unknown, or TLS failed.
    Connect,
    /// No whole answer within [`RequestOptions::timeout`].
    Timeout,
    /// The connection broke, or the answer was not HTTP.
    Broken,
    /// The answer is longer than [`RequestOptions::max_response`].
    TooLarge,
    /// The client could not be set up: a proxy or certificate setting is wrong.
    Configuration,
}

/// The error of a request without a whole answer. An answer with an error status is an answer.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct HttpError {
    kind: HttpErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl HttpError {
    /// An error of `kind`. The message is printed, so it must contain no header, body or query.
    #[must_use]
    pub fn new(kind: HttpErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The same error with its cause, which must not contain the URL's query.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The error's kind.
    #[must_use]
    pub fn kind(&self) -> HttpErrorKind {
        self.kind
    }

    /// Whether the exchange ran out of time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, HttpErrorKind::ConnectTimeout | HttpErrorKind::Timeout)
    }
}

/// Sends small HTTP requests.
///
/// An implementation must not follow redirects (a metadata service's answer must come from it) and
/// must never log or keep headers or bodies, which contain tokens and keys.
#[async_trait]
pub trait HttpClient: Send + Sync + std::fmt::Debug {
    /// Sends `request`, whose URI is absolute, and returns the whole answer, whatever its status.
    ///
    /// # Errors
    /// If there is no whole answer within the limits of `options`.
    async fn send(
        &self,
        request: http::Request<Bytes>,
        options: &RequestOptions,
    ) -> Result<http::Response<Bytes>, HttpError>;
}

/// An HTTP client that refuses every request, for a world without a network.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHttp;

#[async_trait]
impl HttpClient for NoHttp {
    async fn send(&self, _: http::Request<Bytes>, _: &RequestOptions) -> Result<http::Response<Bytes>, HttpError> {
        Err(HttpError::new(
            HttpErrorKind::Configuration,
            "this program was given no HTTP client: enable the feature `system` or inject one",
        ))
    }
}

/// An HTTP client that answers by calling a function, for tests.
///
/// ```
/// use sagewire_credentials::seam::HttpFn;
///
/// let client = HttpFn::new(|request, _options| {
///     assert_eq!(request.uri().path(), "/latest/api/token");
///     Ok(http::Response::new("token".into()))
/// });
/// ```
pub struct HttpFn<F>(F);

impl<F> HttpFn<F>
where
    F: Fn(http::Request<Bytes>, &RequestOptions) -> Result<http::Response<Bytes>, HttpError> + Send + Sync,
{
    /// A client that answers with what `answer` returns.
    pub fn new(answer: F) -> Self {
        Self(answer)
    }
}

impl<F> std::fmt::Debug for HttpFn<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpFn")
    }
}

#[async_trait]
impl<F> HttpClient for HttpFn<F>
where
    F: Fn(http::Request<Bytes>, &RequestOptions) -> Result<http::Response<Bytes>, HttpError> + Send + Sync,
{
    async fn send(
        &self,
        request: http::Request<Bytes>,
        options: &RequestOptions,
    ) -> Result<http::Response<Bytes>, HttpError> {
        (self.0)(request, options)
    }
}
