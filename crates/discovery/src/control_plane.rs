//! The client of SageMaker's control plane: requests, signatures, retries and errors.
//!
//! Owns one call; the operations are in `operations`. The protocol is
//! [AWS JSON 1.1](https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use sagewire_credentials::{
    Credentials, CredentialsError, ErrorKind as CredentialsErrorKind, ProvideCredentials, Region, ServiceError,
    SharedConfig, SharedCredentialsProvider,
    endpoint::Service,
    seam::{HttpError, HttpErrorKind, RequestOptions, World},
};
use sagewire_sigv4::{Payload, Signer, SigningParams, SigningSettings};
use sagewire_types::{Error, ErrorKind, RetryConfig, Upstream};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Semaphore;

mod operations;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");

/// How many calls are made at the same time. AWS limits `Describe*` to a few a second in an account
/// and region, which other tools share.
const CONCURRENCY: usize = 4;

/// How often a call is made at most. Throttling is the usual failure of large accounts, and it
/// passes.
const MAX_ATTEMPTS: u32 = 8;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(30);

/// A client of the control plane in one region. A clone is the same one.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    world: World,
    url: String,
    region: Region,
    credentials: SharedCredentialsProvider,
    options: RequestOptions,
    signer: Signer,
    /// Held while a call waits for its repeat, too: throttling slows all calls down.
    turns: Semaphore,
}

impl ControlPlane {
    /// A client for `region`. The URL is `endpoint`, else that of `AWS_ENDPOINT_URL_SAGEMAKER` and
    /// its like in `config`, else the region's own.
    ///
    /// # Errors
    /// `Configuration` if the settings give no URL.
    pub fn new(
        config: &SharedConfig,
        region: Region,
        endpoint: Option<&str>,
        credentials: SharedCredentialsProvider,
    ) -> Result<Self, Error> {
        let url = config.service_url(Service::SageMaker, Some(&region), endpoint).map_err(|error| {
            let message = "could not determine the URL of SageMaker's control plane from the settings";
            Error::new(ErrorKind::Configuration, message).with_source(error)
        })?;
        let inner = Inner {
            world: config.world().clone(),
            url,
            region,
            credentials,
            options: config.request_options().with_timeouts(CONNECT_TIMEOUT, TIMEOUT),
            signer: Signer::new(),
            turns: Semaphore::new(CONCURRENCY),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Its region.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.inner.region
    }

    /// Calls an operation, as often as throttling and failures of AWS make it necessary.
    async fn call<T: DeserializeOwned>(&self, operation: &str, input: &Value) -> Result<T, Error> {
        // Never closed.
        let _turn = self.inner.turns.acquire().await;
        let body = Bytes::from(input.to_string());
        let mut attempts = 0;
        loop {
            attempts += 1;
            let error = match self.inner.once(operation, &body).await {
                Ok(answer) => return read(operation, &answer),
                Err(error) => error.with_attempts(attempts),
            };
            // Credentials that have just expired are renewed by now.
            let is_renewed = error.kind() == ErrorKind::Authentication && attempts == 1;
            if is_renewed && error.upstream().is_some() {
                continue;
            }
            if !error.is_retryable() || attempts >= MAX_ATTEMPTS {
                return Err(error);
            }
            let pause = RetryConfig::AWS_STANDARD.delay(error.kind(), attempts, error.retry_after(), fastrand::f64());
            tracing::debug!(target: "sagewire::discovery", operation, attempts, kind = %error.kind(), "trying again");
            tokio::time::sleep(pause).await;
        }
    }
}

impl Inner {
    async fn once(&self, operation: &str, body: &Bytes) -> Result<Bytes, Error> {
        let credentials = self.credentials.provide_credentials().await.map_err(no_credentials)?;
        let request = self.request(operation, body, &credentials)?;
        let answer = self.world.http().send(request, &self.options).await;
        let answer = answer.map_err(|error| no_answer(operation, error))?;
        if answer.status().is_success() {
            return Ok(answer.into_body());
        }
        let mut secrets = vec![credentials.secret_access_key()];
        secrets.extend(credentials.session_token());
        let said = ServiceError::from_json(&answer, &secrets);
        let error = refused(operation, said);
        if error.kind() == ErrorKind::Authentication {
            self.credentials.invalidate(&credentials);
        }
        Err(error)
    }

    fn request(&self, operation: &str, body: &Bytes, credentials: &Credentials) -> Result<http::Request<Bytes>, Error> {
        let mut parts = http::Request::post(&self.url)
            .header(CONTENT_TYPE, JSON)
            .header(TARGET, format!("SageMaker.{operation}"))
            .body(())
            .map_err(|error| {
                let message = "cannot use the URL of SageMaker's control plane; check `AWS_ENDPOINT_URL_SAGEMAKER`";
                Error::new(ErrorKind::Configuration, message).with_source(error)
            })?
            .into_parts()
            .0;
        let params = SigningParams {
            access_key_id: credentials.access_key_id(),
            secret_access_key: credentials.secret_access_key(),
            session_token: credentials.session_token(),
            region: self.region.as_str(),
            service: "sagemaker",
            time: self.world.now(),
            settings: SigningSettings::default(),
        };
        self.signer.sign(&mut parts, Payload::Bytes(body), &params).map_err(|error| {
            Error::new(ErrorKind::Configuration, "the request cannot be signed; check the credentials")
                .with_source(error)
        })?;
        Ok(http::Request::from_parts(parts, body.clone()))
    }
}

fn read<T: DeserializeOwned>(operation: &str, answer: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(answer).map_err(|error| unreadable(operation, error))
}

fn unreadable(operation: &str, error: serde_json::Error) -> Error {
    let message = format!("the answer to `{operation}` cannot be read; is the URL that of SageMaker?");
    Error::new(ErrorKind::Decode, message).with_source(error)
}

fn no_credentials(error: CredentialsError) -> Error {
    let reason = error.message().to_owned();
    match error.kind() {
        CredentialsErrorKind::InvalidConfiguration => Error::no_credentials(ErrorKind::Configuration, reason, error),
        CredentialsErrorKind::Timeout => Error::no_credentials(ErrorKind::Timeout, reason, error),
        _ => Error::no_credentials(ErrorKind::Authentication, reason, error),
    }
}

fn no_answer(operation: &str, error: HttpError) -> Error {
    let (kind, what) = match error.kind() {
        HttpErrorKind::Configuration => (ErrorKind::Configuration, "could not be sent"),
        HttpErrorKind::TooLarge => (ErrorKind::Decode, "has an answer that is too long"),
        _ if error.is_timeout() => (ErrorKind::Timeout, "was not answered in time"),
        _ => (ErrorKind::Connection, "could not reach SageMaker; check the region and the network"),
    };
    Error::new(kind, format!("`{operation}` {what}")).with_source(error)
}

/// AWS's refusal. Its text may name the account and the caller: it is kept apart from the message.
fn refused(operation: &str, said: ServiceError) -> Error {
    let code = said.code.as_deref().unwrap_or_default();
    let (kind, message) = match (said.status, code) {
        _ if said.is_clock_skew() => (
            ErrorKind::Authentication,
            format!("AWS refused the time of `{operation}`: this machine's clock is wrong; correct it"),
        ),
        (_, code) if code.contains("Throttling") || code == "RequestLimitExceeded" || said.status == 429 => {
            (ErrorKind::Throttled, format!("AWS limits how often `{operation}` may be called; retry later"))
        }
        (_, "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" | "OptInRequired") => (
            ErrorKind::Permission,
            format!("AWS does not permit `{operation}`; allow `sagemaker:{operation}` in the caller's IAM policy"),
        ),
        (401 | 403, _) | (_, "ExpiredTokenException" | "UnrecognizedClientException" | "InvalidSignatureException") => {
            (ErrorKind::Authentication, format!("AWS refused the credentials of `{operation}`; renew them"))
        }
        (_, "ValidationException" | "ResourceNotFound") => {
            (ErrorKind::NotFound, format!("AWS does not know what `{operation}` asks for; it may have been deleted"))
        }
        (500.., _) => (ErrorKind::ServiceFailed, format!("AWS failed on `{operation}`; retry later")),
        _ => (ErrorKind::InvalidRequest, format!("AWS refused `{operation}`")),
    };
    let mut upstream = Upstream::default();
    upstream.status = Some(said.status);
    upstream.code.clone_from(&said.code);
    upstream.message.clone_from(&said.message);
    upstream.request_id.clone_from(&said.request_id);
    Error::new(kind, message).with_upstream(upstream).with_source(said)
}

#[cfg(test)]
mod tests;
