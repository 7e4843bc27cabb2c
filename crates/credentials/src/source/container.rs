//! The role of a container: Amazon ECS, and EKS Pod Identity.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use http::uri::Scheme;

use super::metadata_document::MetadataDocument;
use crate::env_vars::{
    AWS_CONTAINER_AUTHORIZATION_TOKEN, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, AWS_CONTAINER_CREDENTIALS_FULL_URI,
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI,
};
use crate::error::ReadError;
use crate::retry::{Failure, STANDARD_TRIES, retry};
use crate::seam::{RequestOptions, World};
use crate::service_error::{ServiceError, readable};
use crate::{Credentials, CredentialsError, ProvideCredentials};

const NAME: &str = "Container";
const SERVICE: &str = "The container's credentials service";

const ECS_HOST: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
const EKS_HOST: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 23);
const EKS_HOST_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
const TOKEN_LIMIT: u64 = 64 * 1024;

/// Takes the credentials of the container's role from the URL in `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` (on `http://169.254.170.2`) or
/// `AWS_CONTAINER_CREDENTIALS_FULL_URI`, with the token in the file `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`, read at each call, or in
/// `AWS_CONTAINER_AUTHORIZATION_TOKEN`.
///
/// Without TLS only this machine and the addresses of ECS and EKS are asked: anyone else on the way could read the keys. A host name counts only as
/// `localhost`; AWS's SDKs would also look up other names. See
/// [the settings](https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
#[derive(Clone, Debug)]
pub struct ContainerCredentials {
    world: World,
}

impl ContainerCredentials {
    /// Reads the variables of `world`, at each call.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self { world: world.clone() }
    }

    /// The URL that the variables give.
    ///
    /// # Errors
    /// Not configured where neither is set; invalid configuration where the URL is none, or is not to be trusted.
    pub fn url(&self) -> Result<http::Uri, CredentialsError> {
        let refuse =
            |variable: &str, what: &str| Err(CredentialsError::invalid_configuration(format!("{variable} {what}")));
        if let Some(path) = self.world.var(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI) {
            if !path.starts_with('/') {
                return refuse(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, "must begin with a slash.");
            }
            let Ok(uri) = format!("http://{ECS_HOST}{path}").parse() else {
                return refuse(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, "is not the path of a URL.");
            };
            return Ok(uri);
        }
        let Some(url) = self.world.var(AWS_CONTAINER_CREDENTIALS_FULL_URI) else {
            return Err(CredentialsError::not_configured(
                "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set",
            ));
        };
        let Ok(uri) = url.parse::<http::Uri>() else {
            return refuse(AWS_CONTAINER_CREDENTIALS_FULL_URI, "is not a URL.");
        };
        let Some(host) = uri.host().filter(|host| !host.is_empty()) else {
            return refuse(AWS_CONTAINER_CREDENTIALS_FULL_URI, "names no host: the URI did not specify a host.");
        };
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => Ok(uri),
            Some(scheme) if *scheme == Scheme::HTTP && (is_local(host) || is_agent(host)) => Ok(uri),
            _ => refuse(
                AWS_CONTAINER_CREDENTIALS_FULL_URI,
                "must be https, or http to localhost, a loopback address, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23].",
            ),
        }
    }

    async fn authorization(&self) -> Result<Option<HeaderValue>, CredentialsError> {
        let (from, token) = if let Some(path) = self.world.var(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE) {
            let content = self.world.files().read(Path::new(&path), TOKEN_LIMIT).await.map_err(|source| {
                CredentialsError::invalid_configuration(
                    "The file that AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names cannot be read: check that it is mounted.",
                )
                .with_cause(ReadError { path: path.into(), source })
            })?;
            (AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, content)
        } else if let Some(token) = self.world.var(AWS_CONTAINER_AUTHORIZATION_TOKEN) {
            (AWS_CONTAINER_AUTHORIZATION_TOKEN, token.into_bytes().into())
        } else {
            return Ok(None);
        };
        // A line end inside would let the token add headers of its own; `from_bytes` refuses it.
        match HeaderValue::from_bytes(token.trim_ascii()) {
            Ok(mut value) if !value.is_empty() => {
                value.set_sensitive(true);
                Ok(Some(value))
            }
            _ => Err(CredentialsError::invalid_configuration(format!(
                "The token from {from} is empty or has characters that a header cannot hold."
            ))),
        }
    }

    async fn fetch(&self) -> Result<Credentials, CredentialsError> {
        let url = self.url()?;
        let authorization = self.authorization().await?;
        let mut options = RequestOptions::default().with_timeouts(CONNECT_TIMEOUT, ANSWER_TIMEOUT);
        if url.scheme() == Some(&Scheme::HTTP) || url.host().is_some_and(|host| is_local(host) || is_agent(host)) {
            options = options.direct();
        }
        retry(STANDARD_TRIES, || self.try_fetch(&url, authorization.as_ref(), &options)).await
    }

    async fn try_fetch(
        &self,
        url: &http::Uri,
        authorization: Option<&HeaderValue>,
        options: &RequestOptions,
    ) -> Result<Credentials, Failure> {
        let mut request = http::Request::new(Bytes::new());
        *request.uri_mut() = url.clone();
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(authorization) = authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        let answer = self.world.http().send(request, options).await;
        let answer = answer.map_err(|error| Failure::no_answer(SERVICE, error))?;
        if answer.status().is_success() {
            return MetadataDocument::parse(SERVICE, answer.body())
                .and_then(|document| document.credentials(SERVICE))
                .map_err(Failure::temporary);
        }
        let advice = "Check the role of the task or of the pod's service account.";
        Err(Failure::refused(SERVICE, advice, refusal(&answer)))
    }
}

/// `{"code": .., "message": ..}`, as far as the answer has them.
fn refusal(answer: &http::Response<Bytes>) -> ServiceError {
    #[derive(serde::Deserialize)]
    struct Refusal {
        code: Option<String>,
        message: Option<String>,
    }
    let mut error = ServiceError::new(answer.status().as_u16());
    if let Ok(refusal) = serde_json::from_slice::<Refusal>(answer.body()) {
        error.code = refusal.code.map(|code| readable(&code, &[]));
        error.message = refusal.message.map(|message| readable(&message, &[]));
    }
    error
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_local(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || address(host).is_some_and(|address| address.is_loopback())
}

fn is_agent(host: &str) -> bool {
    address(host).is_some_and(|address| [ECS_HOST.into(), EKS_HOST.into(), IpAddr::V6(EKS_HOST_V6)].contains(&address))
}

#[async_trait]
impl ProvideCredentials for ContainerCredentials {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        let credentials = self.fetch().await.map_err(|error| error.with_provider(NAME))?;
        Ok(credentials.with_source(NAME))
    }
}

#[cfg(test)]
mod tests;
