//! A transport that remembers what goes through it, and which bodies are still held.
//!
//! Owns what is remembered of an attempt: which request it was for, and its signature.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Request, Response};
use sagewire_sagemaker::{Body, Transport, TransportError};

/// One attempt as it left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The request's number, from the mark in its body.
    pub number: Option<u64>,
    /// The time it was signed for.
    pub date: String,
    /// `Authorization` as a whole.
    pub authorization: String,
}

/// What has gone through an [`ObservedTransport`].
#[derive(Debug, Default)]
pub struct Observations {
    attempts: Mutex<Vec<Attempt>>,
    /// Replies whose bodies are neither read to the end nor dropped.
    held: Arc<AtomicUsize>,
}

impl Observations {
    /// Every attempt, in order.
    ///
    /// # Panics
    /// After another thread has panicked.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().unwrap().clone()
    }

    /// How many attempts this request has made so far.
    ///
    /// # Panics
    /// After another thread has panicked.
    #[must_use]
    pub fn attempts_of(&self, number: u64) -> usize {
        self.attempts.lock().unwrap().iter().filter(|attempt| attempt.number == Some(number)).count()
    }

    /// How many replies are still being held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

/// Remembers what goes through on the way to another transport.
#[derive(Debug)]
pub struct ObservedTransport {
    inner: Arc<dyn Transport>,
    seen: Arc<Observations>,
}

impl ObservedTransport {
    /// Tells `seen` of everything on the way to `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, seen: Arc<Observations>) -> Arc<Self> {
        Arc::new(Self { inner, seen })
    }
}

#[async_trait]
impl Transport for ObservedTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let header = |name: &str| {
            let value = request.headers().get(name);
            value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
        };
        let attempt = Attempt {
            number: number_in(request.body()),
            date: header("x-amz-date"),
            authorization: header("authorization"),
        };
        self.seen.attempts.lock().unwrap().push(attempt);
        let response = self.inner.send(request).await?;
        let held = Held::new(&self.seen.held);
        Ok(response.map(|body| {
            Body::new(body.inspect(move |_| {
                let _ = &held;
            }))
        }))
    }
}

/// Counts while it lives.
struct Held(Arc<AtomicUsize>);

impl Held {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The text that marks a request of this number.
#[must_use]
pub fn mark(number: u64) -> String {
    format!("#{number}#")
}

/// The number of the first mark in a body.
#[must_use]
pub fn number_in(body: &[u8]) -> Option<u64> {
    let mut digits = None::<u64>;
    let mut inside = false;
    for byte in body {
        match byte {
            b'#' if digits.is_some() => return digits,
            b'#' => inside = true,
            b'0'..=b'9' if inside => {
                digits = Some(digits.unwrap_or_default().checked_mul(10)?.checked_add(u64::from(byte - b'0'))?);
            }
            _ => (digits, inside) = (None, false),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_among_other_signs() {
        assert_eq!(number_in(format!("## #x 12 {} #3#", mark(70)).as_bytes()), Some(70));
        assert_eq!(number_in(b"#12 and 3#"), None);
    }
}
