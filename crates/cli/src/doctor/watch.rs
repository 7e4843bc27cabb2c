//! Seeing what is sent and what comes back, at the two places where the network is touched.
//!
//! Owns the record and what is left out of it: keys, tokens and signatures never get into it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use sagewire::{
    Body, Transport, TransportError, TransportErrorKind,
    credentials::seam::{Clock, HttpClient, HttpError, RequestOptions, World},
};

/// A request that was, or would have been, sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) method: String,
    /// Without a query, which may hold a key.
    pub(super) url: String,
    /// Name and value, the secret ones replaced.
    pub(super) headers: Vec<(String, String)>,
}

/// What has been seen. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    sent: Vec<Sent>,
    /// The `Date` of each answer, and when it came.
    dates: Vec<(SystemTime, SystemTime)>,
    /// Whether a web page came in place of the endpoint's answer.
    page: bool,
}

impl Log {
    fn with<T>(&self, read: impl FnOnce(&mut Seen) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The first request to the endpoint.
    pub(super) fn first_sent(&self) -> Option<Sent> {
        self.with(|seen| seen.sent.first().cloned())
    }

    /// AWS's time and ours, as of the first answer that told.
    pub(super) fn first_date(&self) -> Option<(SystemTime, SystemTime)> {
        self.with(|seen| seen.dates.first().copied())
    }

    /// Whether the endpoint's answer was a web page: then it was none of AWS's.
    pub(super) fn has_page(&self) -> bool {
        self.with(|seen| seen.page)
    }

    fn answer(&self, headers: &HeaderMap, now: SystemTime) {
        let date = headers.get(header::DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        if let Some(date) = date {
            self.with(|seen| seen.dates.push((date, now)));
        }
    }
}

/// The world, with the calls to STS written down. Those to metadata services are not: their clocks
/// are not AWS's.
pub(super) fn world(world: &World, log: &Log) -> World {
    let watched = WatchedHttp { inner: Arc::clone(world.http()), clock: Arc::clone(world.clock()), log: log.clone() };
    world.to_builder().with_http(watched).build()
}

#[derive(Debug)]
struct WatchedHttp {
    inner: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
    log: Log,
}

#[async_trait]
impl HttpClient for WatchedHttp {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        options: &RequestOptions,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let is_sts = request
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        let response = self.inner.send(request, options).await?;
        if is_sts {
            self.log.answer(response.headers(), self.clock.now());
        }
        Ok(response)
    }
}

/// A transport that writes down what passes it, and holds it back where nothing is to be sent.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) inner: Option<Arc<dyn Transport>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) log: Log,
}

#[async_trait]
impl Transport for Watched {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError> {
        let url = request.uri().to_string();
        let sent = Sent {
            method: request.method().to_string(),
            url: url.split('?').next().unwrap_or_default().to_owned(),
            headers: request
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), shown(name.as_str(), value)))
                .collect(),
        };
        self.log.with(|seen| seen.sent.push(sent));
        let Some(inner) = &self.inner else {
            return Err(TransportError::new(TransportErrorKind::Configuration, "the request was held back"));
        };
        let response = inner.send(request).await?;
        self.log.answer(response.headers(), self.clock.now());
        let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        if kind.get(..9).is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/html")) {
            self.log.with(|seen| seen.page = true);
        }
        Ok(response)
    }
}

/// A header's value, as far as it is known to be no secret: a gateway's own header may hold one
/// whatever it is called.
fn shown(name: &str, value: &HeaderValue) -> String {
    const SHOWN: [&str; 8] = [
        "accept",
        "accept-encoding",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "x-amz-content-sha256",
        "x-amz-date",
    ];
    let text = String::from_utf8_lossy(value.as_bytes());
    match name {
        // It is marked as sensitive; what it shows of itself is none of it.
        "authorization" => shown_authorization(&text).unwrap_or_else(|| HIDDEN.to_owned()),
        _ if value.is_sensitive() => HIDDEN.to_owned(),
        "x-amzn-sagemaker-custom-attributes" => shown_attributes(&text),
        name if SHOWN.contains(&name) || name.starts_with("x-amzn-") => text.into_owned(),
        _ => HIDDEN.to_owned(),
    }
}

const HIDDEN: &str = "[hidden]";

/// SageMaker's custom attributes, which may hold anything: of them only the licence that JumpStart
/// wants accepted is known.
fn shown_attributes(value: &str) -> String {
    const KNOWN: [&str; 2] = ["accept_eula=true", "accept_eula=false"];
    let shown = value.split(',').map(|attribute| if KNOWN.contains(&attribute) { attribute } else { HIDDEN });
    shown.collect::<Vec<_>>().join(",")
}

/// A signature's scope and headers; of the access key id only the end, and nothing of the
/// signature.
fn shown_authorization(value: &str) -> Option<String> {
    let rest = value.strip_prefix("AWS4-HMAC-SHA256 Credential=")?;
    let (id, rest) = rest.split_once('/')?;
    let (rest, _) = rest.split_once("Signature=")?;
    let hint: String = match id.char_indices().rev().nth(3) {
        Some((place, _)) if id.len() >= 16 => id.get(place..).unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    Some(format!("AWS4-HMAC-SHA256 Credential=..{hint}/{rest}Signature=[hidden]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_written_down() {
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261124/us-east-1/sagemaker/aws4_request, SignedHeaders=host;x-amz-date, Signature=abc123";
        let value = HeaderValue::from_static(authorization);
        assert_eq!(
            shown("authorization", &value),
            "AWS4-HMAC-SHA256 Credential=..MPLE/20261124/us-east-1/sagemaker/aws4_request, SignedHeaders=host;x-amz-date, Signature=[hidden]"
        );
        assert_eq!(shown("authorization", &HeaderValue::from_static("Bearer s3cret")), "[hidden]");
        for name in ["x-amz-security-token", "cookie", "x-gateway", "x-custom"] {
            assert_eq!(shown(name, &HeaderValue::from_static("s3cret")), "[hidden]");
        }
        let mut sensitive = HeaderValue::from_static("s3cret");
        sensitive.set_sensitive(true);
        assert_eq!(shown("content-type", &sensitive), "[hidden]");
        assert_eq!(shown("content-type", &HeaderValue::from_static("application/json")), "application/json");
        assert_eq!(shown("x-amzn-sagemaker-inference-component", &HeaderValue::from_static("llama")), "llama");
        for (attributes, expected) in [
            ("accept_eula=true", "accept_eula=true"),
            ("accept_eula=true,trace=s3cret", "accept_eula=true,[hidden]"),
            ("accept_eula=true s3cret", "[hidden]"),
            ("s3cret", "[hidden]"),
        ] {
            assert_eq!(shown("x-amzn-sagemaker-custom-attributes", &HeaderValue::from_static(attributes)), expected);
        }
    }
}
