//! One call as a series of attempts: credentials, a fresh signature, the transport, and a verdict
//! about what comes next.
//!
//! Owns that loop. Everything that leads to another attempt is a verdict of it: a transient
//! failure, expired credentials, a clock that is off, a container that refuses what we added to a
//! request, an endpoint without capacity. What a reply means is read by the caller's function,
//! inside the attempt, so that a failure until the first decoded piece can be repeated.

use std::{
    future::Future,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, header::AUTHORIZATION};
use sagewire_credentials::{
    Credentials, CredentialsError, ErrorKind as CredentialsErrorKind, ProvideCredentials, Region, seam::Clock,
};
use sagewire_sigv4::{Payload, Signer, SigningParams, SigningSettings};
use sagewire_types::{Error, ErrorKind, Retries, RetryConfig};
use tokio::time::{Instant, sleep_until, timeout};

use crate::{
    call::{
        capacity::{self, Wait, Waiting},
        clock::Clocks,
        limits::Limits,
        retry::{DEFAULT_MAX_ATTEMPTS, TokenBucket},
    },
    reply::{
        failure::{self, MAX_ERROR_BODY},
        secrets::Secrets,
    },
    request::{
        UnsignedRequest,
        bearer::{self, Tokens},
        door::{Authentication, Door},
    },
    settings::Settings,
    transport::{Body, ConnectTimeout, Transport, TransportError, TransportErrorKind},
};

/// How many headers a signature may add.
const SIGNATURE_HEADERS: usize = 4;

/// How long the body of an error is waited for: what has come by then is enough.
const ERROR_BODY_TIME: Duration = Duration::from_secs(2);

/// What all calls of a provider share.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) transport: std::sync::Arc<dyn Transport>,
    pub(crate) clock: std::sync::Arc<dyn Clock>,
    pub(crate) signer: Signer,
    pub(crate) tokens: Tokens,
    pub(crate) bucket: TokenBucket,
    pub(crate) clocks: Clocks,
}

/// The attempts of one request.
pub(crate) struct Attempts<'a> {
    pub(crate) sender: &'a Sender,
    pub(crate) waiting: &'a Waiting,
    pub(crate) credentials: &'a dyn ProvideCredentials,
    pub(crate) door: &'static Door,
    pub(crate) region: &'a Region,
    pub(crate) endpoint: &'a str,
    pub(crate) settings: &'a Settings,
    pub(crate) limits: &'a Limits,
    pub(crate) retries: Retries,
}

/// What is sent in place of a request if the container refuses what we added to it.
pub(crate) struct Instead<'a> {
    /// Whether a failure is this refusal.
    pub(crate) is_refusal: fn(&Error) -> bool,
    /// Makes the other request; nothing if it would be the same.
    pub(crate) request: &'a mut (dyn FnMut() -> Option<Result<UnsignedRequest, Error>> + Send),
}

/// What follows a failed attempt.
enum Verdict {
    /// Nothing: its error is the call's.
    Final,
    /// The same request with a fresh signature, at once.
    Resign,
    /// The other request, at once.
    Instead,
    /// The same request once the endpoint may have capacity.
    AwaitCapacity,
    /// The same request after a wait, paid for with this many tokens.
    Repeat(Duration, u32),
}

/// What the loop remembers.
#[derive(Default)]
struct Progressed {
    attempts: u32,
    /// Attempts beside the count that the settings allow.
    free: u32,
    resigned: bool,
    /// What the latest retry cost.
    paid: Option<u32>,
    wait: Option<Wait>,
}

impl Progressed {
    /// The endpoint has capacity: those that wait behind this call go on.
    fn end_wait(self) {
        if let Some(wait) = self.wait {
            wait.found();
        }
    }
}

impl Attempts<'_> {
    /// Sends the request, signed anew for each attempt, and has `read` take its reply, with the
    /// number of attempts so far and their secrets.
    ///
    /// # Errors
    /// That of the last attempt.
    pub(crate) async fn run<T, F, Fut>(
        &self,
        mut request: UnsignedRequest,
        mut instead: Option<Instead<'_>>,
        read: F,
    ) -> Result<T, Error>
    where
        F: Fn(http::Response<Body>, u32, Secrets) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let mut so_far = Progressed::default();
        loop {
            so_far.attempts += 1;
            self.limits.count_attempt();
            let error = match self.once(&request, &read, so_far.attempts).await {
                Ok(value) => {
                    self.sender.bucket.succeeded(so_far.paid);
                    so_far.end_wait();
                    return Ok(value);
                }
                Err(error) => error.with_attempts(so_far.attempts),
            };
            match self.verdict(&error, &so_far, instead.as_ref()) {
                Verdict::Final => {
                    if !capacity::is_lacking(&error) {
                        so_far.end_wait();
                    }
                    return Err(error);
                }
                Verdict::Resign => {
                    so_far.resigned = true;
                    so_far.free += 1;
                }
                Verdict::Instead => {
                    let Some(other) = instead.take().and_then(|instead| (instead.request)()) else { return Err(error) };
                    request = other?;
                    so_far.free += 1;
                }
                Verdict::AwaitCapacity => {
                    let wait = so_far.wait.get_or_insert_with(|| self.wait_for_capacity());
                    if !wait.next().await {
                        return Err(error);
                    }
                    so_far.free += 1;
                }
                Verdict::Repeat(wait, tokens) => {
                    let then = Instant::now() + wait;
                    if self.limits.are_over_at(then) {
                        return Err(error);
                    }
                    tracing::debug!(target: "sagewire::retry", attempts = so_far.attempts, kind = %error.kind(), wait_ms = wait.as_millis() as u64, "trying again");
                    so_far.paid = Some(tokens);
                    sleep_until(then).await;
                }
            }
        }
    }

    fn verdict(&self, error: &Error, so_far: &Progressed, instead: Option<&Instead<'_>>) -> Verdict {
        if failure::expired_credentials(error) || failure::clock_skew(error) {
            return if so_far.resigned { Verdict::Final } else { Verdict::Resign };
        }
        if instead.is_some_and(|instead| (instead.is_refusal)(error)) {
            return Verdict::Instead;
        }
        if self.settings.wait_for_capacity.is_some() && capacity::is_lacking(error) {
            return Verdict::AwaitCapacity;
        }
        let limit = match self.retries {
            Retries::Caller => 1,
            _ => self.settings.max_attempts.unwrap_or(DEFAULT_MAX_ATTEMPTS),
        };
        if so_far.attempts >= limit.saturating_add(so_far.free) || !error.is_retryable() {
            return Verdict::Final;
        }
        let failures = so_far.attempts.saturating_sub(so_far.free);
        let delay = || RetryConfig::AWS_STANDARD.delay(error.kind(), failures, error.retry_after(), fastrand::f64());
        self.sender.bucket.pay(error).map_or(Verdict::Final, |tokens| Verdict::Repeat(delay(), tokens))
    }

    fn wait_for_capacity(&self) -> Wait {
        let component = self.settings.headers.inference_component.as_deref().unwrap_or_default();
        let granted = Instant::now() + self.settings.wait_for_capacity.unwrap_or_default();
        let end = self.limits.end().map_or(granted, |end| end.min(granted));
        Wait::new(self.waiting, format!("{}/{component}", self.endpoint), end)
    }

    async fn once<T, F, Fut>(&self, request: &UnsignedRequest, read: &F, attempts: u32) -> Result<T, Error>
    where
        F: Fn(http::Response<Body>, u32, Secrets) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let credentials = self.credentials.provide_credentials().await.map_err(no_credentials)?;
        let wire = self.settings.wire();
        wire.request(request, self.door, self.region.as_str(), credentials.session_token().is_some());
        let mut signed = self.sign(request, &credentials)?;
        let secrets = Secrets::of(&credentials, signed.headers());
        self.limits.keep_secrets(secrets.clone());
        if let Some(limit) = self.settings.timeouts.connect {
            signed.extensions_mut().insert(ConnectTimeout(limit));
        }
        let first_byte = self.settings.timeouts.first_byte.unwrap_or(self.door.first_byte);
        let response = timeout(first_byte, self.sender.transport.send(signed))
            .await
            .map_err(|_| {
                Error::new(
                    ErrorKind::Timeout,
                    format!(
                        "no answer began within {} seconds: raise the time limit, or stream the answer",
                        first_byte.as_secs_f32()
                    ),
                )
            })?
            .map_err(|error| transport_error(error, Progress::Nothing))?;
        wire.reply(response.status(), response.headers(), &secrets);
        if response.status().is_success() {
            return read(response, attempts, secrets).await;
        }
        let (head, body) = response.into_parts();
        let body = body.read_beginning(MAX_ERROR_BODY, ERROR_BODY_TIME.min(self.settings.timeouts.idle())).await;
        wire.body(&body, &secrets);
        let error = failure::error(head.status, &head.headers, body, self.door.errors);
        let mut error = error.with_texts(|text| secrets.hide(text));
        if self.door.not_repeated.contains(&head.status.as_u16()) {
            error = error.with_retryable(false);
        }
        if failure::expired_credentials(&error) {
            self.credentials.invalidate(&credentials);
        }
        if failure::clock_skew(&error) {
            self.sender.clocks.correct(request.uri.authority(), &head.headers, self.sender.clock.now());
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
        if self.door.authentication == Authentication::Bearer {
            let token = self.sender.tokens.of(credentials, self.region, self.time_at(request))?;
            parts.headers.insert(AUTHORIZATION, bearer::authorization(&token)?);
            return Ok(http::Request::from_parts(parts, request.body.clone()));
        }
        let params = SigningParams {
            access_key_id: credentials.access_key_id(),
            secret_access_key: credentials.secret_access_key(),
            session_token: credentials.session_token(),
            region: self.region.as_str(),
            service: "sagemaker",
            time: self.time_at(request),
            settings: SigningSettings::default(),
        };
        self.sender.signer.sign(&mut parts, Payload::Bytes(&request.body), &params).map_err(|error| {
            Error::new(ErrorKind::Configuration, format!("the request cannot be signed: {error}")).with_source(error)
        })?;
        Ok(http::Request::from_parts(parts, request.body.clone()))
    }

    /// The time by the clock of the host that is asked, as far as it told us.
    fn time_at(&self, request: &UnsignedRequest) -> SystemTime {
        self.sender.clocks.at(request.uri.authority(), self.sender.clock.now())
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
    Error::no_credentials(kind, error.message().to_owned(), error)
}
