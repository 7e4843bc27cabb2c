//! What the emulator has been asked, for tests to assert on.
//!
//! Owns the log of requests. It keeps refused ones too.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName};

#[cfg(feature = "faults")]
use crate::fault::Fault;
use crate::{aws_error::AwsError, operation::Operation};

/// One request as it arrived.
#[derive(Clone)]
#[non_exhaustive]
pub struct Received {
    /// When it came, by the emulator's clock.
    pub at: SystemTime,
    /// `POST`, and so on.
    pub method: String,
    /// The path, still percent-encoded.
    pub path: String,
    /// What follows the `?`, still percent-encoded.
    pub query: Option<String>,
    /// Every header, `host` included (from `:authority` under HTTP/2).
    pub headers: HeaderMap,
    /// The body. Of a body over the limit, as much as the limit allows.
    pub body: Bytes,
    /// The operation that method and path name.
    pub operation: Operation,
    /// The endpoint named in the path, decoded.
    pub endpoint: Option<String>,
    /// Was the signature fine, or none needed? `false` for an unknown operation and for a body that
    /// is too large.
    pub accepted: bool,
    /// Why the request was refused before anything else was looked at.
    pub refused: Option<AwsError>,
    /// The key that signed an accepted request, where it is one that must be signed.
    pub access_key_id: Option<String>,
    /// The region that it was signed for.
    pub region: Option<String>,
    /// What was made to go wrong with the answer.
    #[cfg(feature = "faults")]
    pub fault: Option<Fault>,
    /// The request id in the answer.
    pub request_id: String,
}

impl Received {
    /// A header's value as text, where it came and is ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// If the body is not JSON.
    pub fn json(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

/// Headers that hold a secret: their values are never printed.
const SECRET_HEADERS: [&str; 7] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-amz-security-token",
    "x-amz-sso_bearer_token",
    "x-api-key",
    "x-aws-ec2-metadata-token",
];

/// Whether a header holds a secret.
pub(crate) fn is_secret_header(name: &HeaderName) -> bool {
    SECRET_HEADERS.contains(&name.as_str())
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Headers<'a>(&'a HeaderMap);
        impl fmt::Debug for Headers<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let shown = self.0.iter().map(|(name, value)| {
                    let secret = is_secret_header(name);
                    (name.as_str(), if secret { "(redacted)" } else { value.to_str().unwrap_or("(not ASCII)") })
                });
                f.debug_map().entries(shown).finish()
            }
        }
        // A presigned query holds a signature and perhaps a token; a body holds a prompt.
        let mut shown = f.debug_struct("Received");
        #[cfg(feature = "faults")]
        shown.field("fault", &self.fault);
        shown
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query_bytes", &self.query.as_ref().map(String::len))
            .field("headers", &Headers(&self.headers))
            .field("body_bytes", &self.body.len())
            .field("operation", &self.operation)
            .field("endpoint", &self.endpoint)
            .field("accepted", &self.accepted)
            .field("refused", &self.refused.as_ref().map(AwsError::code))
            .field("access_key_id", &self.access_key_id)
            .field("region", &self.region)
            .field("request_id", &self.request_id)
            .finish()
    }
}

/// The bytes of all bodies that are kept.
const MOST_BODY_BYTES: usize = 64 * 1024 * 1024;

/// The requests so far, oldest first, as many as are kept.
pub(crate) struct Log {
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    entries: VecDeque<Received>,
    /// The bytes of the bodies of `entries`.
    bytes: usize,
    counts: HashMap<Operation, usize>,
}

impl Log {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, kept: Mutex::default() }
    }

    pub(crate) fn push(&self, received: Received) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept.counts.entry(received.operation).or_default() += 1;
        kept.bytes += received.body.len();
        kept.entries.push_back(received);
        // The last one stays, however long its body is.
        while kept.entries.len() > self.most || (kept.bytes > MOST_BODY_BYTES && kept.entries.len() > 1) {
            let forgotten = kept.entries.pop_front();
            kept.bytes -= forgotten.map_or(0, |forgotten| forgotten.body.len());
        }
    }

    pub(crate) fn entries(&self) -> Vec<Received> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).entries.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Kept::default();
    }

    /// How many there were, kept or not.
    pub(crate) fn count(&self, operation: Operation) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).counts.get(&operation).copied().unwrap_or_default()
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests = self.kept.lock().unwrap_or_else(PoisonError::into_inner).entries.len();
        f.debug_struct("Log").field("requests", &requests).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received() -> Received {
        let mut headers = HeaderMap::new();
        for name in SECRET_HEADERS {
            headers.insert(name, "hush-hush".parse().unwrap());
        }
        headers.insert("content-type", "application/json".parse().unwrap());
        Received {
            at: SystemTime::UNIX_EPOCH,
            method: "POST".into(),
            path: "/endpoints/tgi/invocations".into(),
            query: Some("X-Amz-Signature=hush-hush".into()),
            headers,
            body: Bytes::from_static(b"{\"inputs\": \"hush-hush\"}"),
            operation: Operation::InvokeEndpoint,
            endpoint: Some("tgi".into()),
            accepted: true,
            refused: None,
            access_key_id: Some("AKIDEXAMPLE".into()),
            region: Some("us-east-1".into()),
            #[cfg(feature = "faults")]
            fault: None,
            request_id: "1".into(),
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let received = received();
        for text in [format!("{received:?}"), format!("{received:#?}")] {
            assert!(!text.contains("hush-hush"), "{text}");
            assert!(text.contains("application/json") && text.contains("AKIDEXAMPLE"), "{text}");
        }
        assert_eq!(received.json().unwrap()["inputs"], "hush-hush");
    }

    #[test]
    fn bodies_are_kept_up_to_a_sum() {
        let log = Log::new(100);
        let body = Bytes::from(vec![b' '; MOST_BODY_BYTES / 2]);
        for path in ["/1", "/2", "/3"] {
            log.push(Received { path: path.to_owned(), body: body.clone(), ..received() });
        }
        assert_eq!(log.entries().iter().map(|received| received.path.as_str()).collect::<Vec<_>>(), ["/2", "/3"]);
    }

    #[test]
    fn the_oldest_are_forgotten_but_counted() {
        let log = Log::new(2);
        for path in ["/1", "/2", "/3"] {
            log.push(Received { path: path.to_owned(), ..received() });
        }
        assert_eq!(log.entries().iter().map(|received| received.path.as_str()).collect::<Vec<_>>(), ["/2", "/3"]);
        assert_eq!((log.count(Operation::InvokeEndpoint), log.count(Operation::AssumeRole)), (3, 0));
        log.clear();
        assert_eq!((log.entries().len(), log.count(Operation::InvokeEndpoint)), (0, 0));
    }
}
