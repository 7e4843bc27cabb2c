//! One call as a series of tries: credentials, a fresh signature, the transport, and whether to try again.
//!
//! Owns that loop and its time limits. What a reply means is read by whoever calls it, inside the try, so that a failure until the
//! first decoded piece can be tried again.

use std::{
    future::Future,
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::HeaderMap;
use sagewire_credentials::{
    Credentials, CredentialsError, ErrorKind as CredentialsErrorKind, ProvideCredentials, seam::Clock,
};
use sagewire_sigv4::{Payload, Signer, SigningParams, SigningSettings};
use sagewire_types::{CallContext, Error, ErrorKind, Retries};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::{
    meta,
    request::UnsignedRequest,
    response::{self, MAX_ERROR_BODY},
    retry::{DEFAULT_MAX_ATTEMPTS, TokenBucket, delay},
    settings::Settings,
    transport::{Body, ConnectTimeout, Transport, TransportError, TransportErrorKind},
};

/// How many headers a signature may add.
const SIGNATURE_HEADERS: usize = 4;

/// What all calls of a provider share.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) transport: std::sync::Arc<dyn Transport>,
    pub(crate) clock: std::sync::Arc<dyn Clock>,
    pub(crate) signer: Signer,
    pub(crate) bucket: TokenBucket,
    /// By how many milliseconds AWS's clock is ahead of ours, as far as it told us.
    pub(crate) clock_offset: AtomicI64,
}

/// One call's share of it.
pub(crate) struct Call<'a> {
    pub(crate) sender: &'a Sender,
    pub(crate) credentials: &'a dyn ProvideCredentials,
    pub(crate) region: &'a str,
    pub(crate) settings: &'a Settings,
    pub(crate) deadline: Option<Instant>,
    pub(crate) retries: Retries,
}

/// When a call must have ended: its context's deadline or its total time limit, whichever comes first.
pub(crate) fn deadline(context: &CallContext, settings: &Settings) -> Option<Instant> {
    let total = settings.timeouts.total.map(|total| Instant::now() + total);
    let given = context.deadline.map(Instant::from_std);
    [total, given].into_iter().flatten().min()
}

/// The error of a call whose time is over.
pub(crate) fn out_of_time() -> Error {
    Error::new(ErrorKind::Timeout, "the time for the whole call is over: raise `timeout`, or ask for less")
        .with_retryable(false)
}

/// What the next try needs.
enum Next {
    /// A wait, paid for with this many tokens.
    After(Duration, u32),
    /// Only a fresh signature.
    Resign,
}

impl Call<'_> {
    /// Sends the request, signed anew for each try, and has `read` take its reply, with the number of tries so far.
    ///
    /// # Errors
    /// That of the last try.
    pub(crate) async fn run<T, F, Fut>(&self, request: &UnsignedRequest, read: F) -> Result<T, Error>
    where
        F: Fn(http::Response<Body>, u32) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let mut attempts = 0;
        let mut paid = None;
        let mut resigned = false;
        loop {
            attempts += 1;
            let error = match self.deadline {
                Some(deadline) => timeout_at(deadline, self.once(request, &read, attempts))
                    .await
                    .unwrap_or_else(|_| Err(out_of_time())),
                None => self.once(request, &read, attempts).await,
            };
            let error = match error {
                Ok(value) => {
                    self.sender.bucket.succeeded(paid);
                    return Ok(value);
                }
                Err(error) => error.with_attempts(attempts),
            };
            match self.next(&error, attempts, resigned) {
                Some(Next::Resign) => resigned = true,
                Some(Next::After(wait, tokens)) => {
                    let end = Instant::now() + wait;
                    if self.deadline.is_some_and(|deadline| end >= deadline) {
                        return Err(error);
                    }
                    tracing::debug!(target: "sagewire::retry", attempts, kind = %error.kind(), wait_ms = wait.as_millis() as u64, "trying again");
                    paid = Some(tokens);
                    sleep_until(end).await;
                }
                None => return Err(error),
            }
        }
    }

    async fn once<T, F, Fut>(&self, request: &UnsignedRequest, read: &F, attempts: u32) -> Result<T, Error>
    where
        F: Fn(http::Response<Body>, u32) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let credentials = self.credentials.provide_credentials().await.map_err(no_credentials)?;
        let wire = self.settings.wire();
        wire.request(request, self.region, credentials.session_token().is_some());
        let mut signed = self.sign(request, &credentials)?;
        if let Some(limit) = self.settings.timeouts.connect {
            signed.extensions_mut().insert(ConnectTimeout(limit));
        }
        let first_byte = self.settings.timeouts.first_byte();
        let response = timeout(first_byte, self.sender.transport.send(signed))
            .await
            .map_err(|_| {
                Error::new(
                    ErrorKind::Timeout,
                    format!("no answer began within {} seconds: raise the time limit, or stream, where tokens come as they are made", first_byte.as_secs_f32()),
                )
            })?
            .map_err(|error| transport_error(error, Progress::Nothing))?;
        wire.reply(response.status(), response.headers());
        if response.status().is_success() {
            return read(response, attempts).await;
        }
        let (head, body) = response.into_parts();
        let body =
            timeout(self.settings.timeouts.idle(), body.read_beginning(MAX_ERROR_BODY)).await.unwrap_or_default();
        wire.body(&body);
        let error = response::error(head.status, &head.headers, body);
        if response::expired_credentials(&error) {
            self.credentials.invalidate(&credentials);
        }
        if response::clock_skew(&error) {
            self.correct_clock(&head.headers);
        }
        Err(error)
    }

    fn sign(&self, request: &UnsignedRequest, credentials: &Credentials) -> Result<http::Request<Bytes>, Error> {
        let mut parts = http::Request::new(()).into_parts().0;
        parts.method = request.method.clone();
        parts.uri = request.uri.clone();
        // A clone would have no room for what the signature adds.
        parts.headers = HeaderMap::try_with_capacity(request.headers.len() + SIGNATURE_HEADERS).unwrap_or_default();
        parts.headers.extend(request.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        let params = SigningParams {
            access_key_id: credentials.access_key_id(),
            secret_access_key: credentials.secret_access_key(),
            session_token: credentials.session_token(),
            region: self.region,
            service: "sagemaker",
            time: self.now(),
            settings: SigningSettings::default(),
        };
        self.sender.signer.sign(&mut parts, Payload::Bytes(&request.body), &params).map_err(|error| {
            Error::new(ErrorKind::Configuration, format!("the request cannot be signed: {error}")).with_source(error)
        })?;
        Ok(http::Request::from_parts(parts, request.body.clone()))
    }

    fn next(&self, error: &Error, attempts: u32, resigned: bool) -> Option<Next> {
        if !resigned && (response::expired_credentials(error) || response::clock_skew(error)) {
            return Some(Next::Resign);
        }
        let limit = match self.retries {
            Retries::Caller => 1,
            _ => self.settings.max_attempts.unwrap_or(DEFAULT_MAX_ATTEMPTS) + u32::from(resigned),
        };
        if attempts >= limit || !error.is_retryable() {
            return None;
        }
        let tokens = self.sender.bucket.pay(error)?;
        Some(Next::After(delay(error, attempts, fastrand::f64()), tokens))
    }

    /// The time by AWS's clock, as far as it told us.
    fn now(&self) -> SystemTime {
        let offset = self.sender.clock_offset.load(Ordering::Relaxed);
        let now = self.sender.clock.now();
        let distance = Duration::from_millis(offset.unsigned_abs());
        let corrected = if offset < 0 { now.checked_sub(distance) } else { now.checked_add(distance) };
        corrected.unwrap_or(now)
    }

    fn correct_clock(&self, headers: &HeaderMap) {
        let Some(theirs) = meta::text(headers, "date").and_then(|date| httpdate::parse_http_date(&date).ok()) else {
            return;
        };
        let ours = self.sender.clock.now();
        let millis = |distance: Duration| i64::try_from(distance.as_millis()).unwrap_or(i64::MAX);
        let offset = match theirs.duration_since(ours) {
            Ok(ahead) => millis(ahead),
            Err(behind) => -millis(behind.duration()),
        };
        tracing::warn!(target: "sagewire::clock", offset_ms = offset, "this machine's clock is off: signing by AWS's");
        self.sender.clock_offset.store(offset, Ordering::Relaxed);
    }
}

/// How far a reply had come when the connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing that a caller has seen: it may be tried again.
    Nothing,
    /// The caller has seen a part.
    Begun,
}

/// The error for a failure of the transport.
pub(crate) fn transport_error(error: TransportError, progress: Progress) -> Error {
    let (kind, message) = match (error.kind(), progress) {
        (TransportErrorKind::Configuration, _) => (
            ErrorKind::Configuration,
            "the request could not be sent: check the endpoint URL and the system's certificates",
        ),
        (TransportErrorKind::Connect | TransportErrorKind::ConnectTimeout, _) => (
            ErrorKind::Connection,
            "no connection to the endpoint could be made: check the region, the endpoint URL, the network, HTTPS_PROXY and NO_PROXY",
        ),
        (TransportErrorKind::TooLarge, _) => {
            (ErrorKind::Decode, "the reply is larger than this client takes: ask for less at once")
        }
        (TransportErrorKind::Broken, Progress::Nothing) => {
            (ErrorKind::Connection, "the connection broke before the answer was whole: ask again")
        }
        (TransportErrorKind::Broken, Progress::Begun) => (
            ErrorKind::StreamBroken,
            "the connection broke in the middle of the answer: what came so far is not whole. Ask again",
        ),
    };
    Error::new(kind, message).with_source(error)
}

fn no_credentials(error: CredentialsError) -> Error {
    let kind = match error.kind() {
        CredentialsErrorKind::InvalidConfiguration => ErrorKind::Configuration,
        CredentialsErrorKind::Timeout => ErrorKind::Timeout,
        _ => ErrorKind::Authentication,
    };
    Error::new(kind, format!("no AWS credentials: {}", error.message())).with_retryable(false).with_source(error)
}
