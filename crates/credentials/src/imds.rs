//! The instance metadata service, version 2: a session token first, then paths. This file has its
//! address, its time limits and its errors; the callers read the documents. See [how it
//! works](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{HeaderName, StatusCode};
use tokio::sync::Mutex;

use crate::CredentialsError;
use crate::config::SharedConfig;
use crate::env_vars::{
    AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT, AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE,
};
use crate::retry::{Failure, RetryConfig, retry};
use crate::seam::{HttpErrorKind, RequestOptions, World};
use crate::service_error::ServiceError;

const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
const TOKEN_TTL_HEADER: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
/// The longest life of a session token, in seconds.
const TOKEN_TTL: HeaderValue = HeaderValue::from_static("21600");
const TOKEN_PATH: &str = "/latest/api/token";

/// Outside EC2 there is no answer, and a program must not wait long to learn that.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// The time limit of all attempts for a path and its token.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// A client of this machine's service.
#[derive(Clone, Debug)]
pub(crate) struct Imds {
    world: World,
    /// Without a trailing slash.
    endpoint: String,
    options: RequestOptions,
    /// The session token, which serves for several paths.
    token: Arc<Mutex<Option<HeaderValue>>>,
}

impl Imds {
    /// A client of the service that the environment and the profile configure.
    ///
    /// # Errors
    /// Not configured if the service is turned off; invalid configuration if its URL or mode is
    /// invalid.
    pub(crate) fn new(config: &SharedConfig) -> Result<Self, CredentialsError> {
        let disabled = config.world().var(AWS_EC2_METADATA_DISABLED);
        if disabled.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Err(CredentialsError::not_configured("`AWS_EC2_METADATA_DISABLED` is true"));
        }
        Ok(Self {
            world: config.world().clone(),
            endpoint: endpoint(config)?,
            options: RequestOptions::default().with_timeouts(CONNECT_TIMEOUT, ANSWER_TIMEOUT).direct(),
            token: Arc::default(),
        })
    }

    /// The document at `path`.
    ///
    /// # Errors
    /// Not configured if there is no service or no document; otherwise the service's error.
    pub(crate) async fn get(&self, path: &str) -> Result<String, CredentialsError> {
        let fetched =
            tokio::time::timeout(TOTAL_TIMEOUT, retry(RetryConfig::INSTANCE_METADATA, || self.try_get(path))).await;
        fetched.unwrap_or_else(|_| {
            Err(CredentialsError::timeout("no usable answer from the instance metadata service within 30 seconds"))
        })
    }

    async fn try_get(&self, path: &str) -> Result<String, Failure> {
        let mut kept = self.token.lock().await;
        let token = match &*kept {
            Some(token) => token.clone(),
            None => kept.insert(self.fetch_token().await?).clone(),
        };
        let answer = self.send(http::Method::GET, path, (TOKEN_HEADER, token)).await?;
        match answer.status() {
            StatusCode::OK => String::from_utf8(answer.into_body().to_vec()).map_err(|_| {
                Failure::temporary(CredentialsError::provider(
                    "the answer of the instance metadata service is not text",
                ))
            }),
            StatusCode::NOT_FOUND => Err(Failure::final_(CredentialsError::not_configured(format!(
                "the instance metadata service has no document at {path}"
            )))),
            StatusCode::UNAUTHORIZED => {
                // The token has expired: the next attempt gets another one.
                *kept = None;
                Err(Failure { retryable: true, ..refused(StatusCode::UNAUTHORIZED) })
            }
            status => Err(refused(status)),
        }
    }

    async fn fetch_token(&self) -> Result<HeaderValue, Failure> {
        let answer = self.send(http::Method::PUT, TOKEN_PATH, (TOKEN_TTL_HEADER, TOKEN_TTL)).await?;
        match answer.status() {
            StatusCode::OK => {
                let mut token = HeaderValue::from_maybe_shared(answer.into_body()).map_err(|_| {
                    Failure::temporary(CredentialsError::provider("the instance metadata service gave no usable token"))
                })?;
                token.set_sensitive(true);
                Ok(token)
            }
            StatusCode::FORBIDDEN => Err(Failure::final_(CredentialsError::provider(
                "request forbidden: IMDS is disabled for the instance, or its hop limit is too low; enable it, and in a \
                 container raise the hop limit to 2",
            ))),
            status => Err(refused(status)),
        }
    }

    async fn send(
        &self,
        method: http::Method,
        path: &str,
        (name, value): (HeaderName, HeaderValue),
    ) -> Result<http::Response<Bytes>, Failure> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint))
            .header(name, value)
            .body(Bytes::new())
            .map_err(|error| {
                let message = "cannot use the URL of the instance metadata service";
                Failure::final_(CredentialsError::invalid_configuration(message).with_cause(error))
            })?;
        self.world.http().send(request, &self.options).await.map_err(|error| match error.kind() {
            HttpErrorKind::ConnectTimeout | HttpErrorKind::Connect => Failure::final_(
                CredentialsError::not_configured(format!("no instance metadata service at {}", self.endpoint))
                    .with_cause(error),
            ),
            _ => Failure::no_answer("the instance metadata service", error),
        })
    }
}

fn refused(status: StatusCode) -> Failure {
    let advice = "set `AWS_EC2_METADATA_DISABLED=true` on machines outside EC2";
    Failure::refused("the instance metadata service", advice, ServiceError::new(status.as_u16()))
}

fn endpoint(config: &SharedConfig) -> Result<String, CredentialsError> {
    if let Some(url) = config.setting(AWS_EC2_METADATA_SERVICE_ENDPOINT, "ec2_metadata_service_endpoint") {
        let usable = url.parse::<http::Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
        });
        return if usable {
            Ok(url.trim_end_matches('/').to_owned())
        } else {
            Err(CredentialsError::invalid_configuration(
                "invalid `AWS_EC2_METADATA_SERVICE_ENDPOINT` (or `ec2_metadata_service_endpoint`): expected a URL that begins \
                 with http://",
            ))
        };
    }
    let mode = config.setting(AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE, "ec2_metadata_service_endpoint_mode");
    match mode {
        None => Ok("http://169.254.169.254".to_owned()),
        Some(mode) if mode.eq_ignore_ascii_case("ipv4") => Ok("http://169.254.169.254".to_owned()),
        Some(mode) if mode.eq_ignore_ascii_case("ipv6") => Ok("http://[fd00:ec2::254]".to_owned()),
        Some(_) => Err(CredentialsError::invalid_configuration(
            "invalid `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE` (or `ec2_metadata_service_endpoint_mode`): expected IPv4 or \
             IPv6",
        )),
    }
}

#[cfg(test)]
mod tests;
