//! The role of a container: Amazon ECS, and EKS Pod Identity.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use http::uri::Scheme;

use super::metadata_document::{MetadataDocument, not_json};
use crate::env_vars::{
    AWS_CONTAINER_AUTHORIZATION_TOKEN, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, AWS_CONTAINER_CREDENTIALS_FULL_URI,
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI,
};
use crate::error::ReadError;
use crate::retry::{Failure, RetryConfig, retry};
use crate::seam::{RequestOptions, World};
use crate::service_error::{Reported, ServiceError};
use crate::{Credentials, CredentialsError, ProvideCredentials};

const NAME: &str = "Container";
const SERVICE: &str = "the container's credentials service";

const ECS_HOST: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
const EKS_HOST: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 23);
const EKS_HOST_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
const TOKEN_LIMIT: u64 = 64 * 1024;

/// Gives the credentials of the container's role from the URL in
/// `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` (on `http://169.254.170.2`) or
/// `AWS_CONTAINER_CREDENTIALS_FULL_URI`, with the token in the file
/// `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`, which is read at each call, or in
/// `AWS_CONTAINER_AUTHORIZATION_TOKEN`.
///
/// Without TLS only this machine and the addresses of ECS and EKS are asked, since others on the
/// network could read the keys. The only host name accepted then is `localhost`; AWS's SDKs also
/// resolve other names. See [the
/// settings](https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
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

    /// The URL that the variables configure.
    ///
    /// # Errors
    /// Not configured if neither is set; invalid configuration if the URL is invalid or not
    /// trusted.
    pub fn url(&self) -> Result<http::Uri, CredentialsError> {
        let refuse = |variable: &str, expected: &str| {
            Err(CredentialsError::invalid_configuration(format!("invalid `{variable}`: expected {expected}")))
        };
        if let Some(path) = self.world.var(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI) {
            if !path.starts_with('/') {
                return refuse(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, "a path that begins with `/`");
            }
            let Ok(uri) = format!("http://{ECS_HOST}{path}").parse() else {
                return refuse(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, "the path of a URL");
            };
            return Ok(uri);
        }
        let Some(url) = self.world.var(AWS_CONTAINER_CREDENTIALS_FULL_URI) else {
            return Err(CredentialsError::not_configured(
                "neither `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` nor `AWS_CONTAINER_CREDENTIALS_FULL_URI` is set",
            ));
        };
        let Ok(uri) = url.parse::<http::Uri>() else {
            return refuse(AWS_CONTAINER_CREDENTIALS_FULL_URI, "a URL");
        };
        let Some(host) = uri.host().filter(|host| !host.is_empty()) else {
            return refuse(AWS_CONTAINER_CREDENTIALS_FULL_URI, "a URL with a host");
        };
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => Ok(uri),
            Some(scheme) if *scheme == Scheme::HTTP && (is_local(host) || is_agent(host)) => Ok(uri),
            _ => refuse(
                AWS_CONTAINER_CREDENTIALS_FULL_URI,
                "an https URL, or an http URL of localhost, a loopback address, 169.254.170.2, 169.254.170.23 or \
                 [fd00:ec2::23]",
            ),
        }
    }

    async fn authorization(&self) -> Result<Option<HeaderValue>, CredentialsError> {
        let (from, token) = if let Some(path) = self.world.var(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE) {
            let content = self.world.files().read(Path::new(&path), TOKEN_LIMIT).await.map_err(|source| {
                CredentialsError::invalid_configuration(
                    "cannot read the file that `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` names; check that it is mounted",
                )
                .with_cause(ReadError { path: path.into(), source })
            })?;
            (AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, content)
        } else if let Some(token) = self.world.var(AWS_CONTAINER_AUTHORIZATION_TOKEN) {
            (AWS_CONTAINER_AUTHORIZATION_TOKEN, token.into_bytes().into())
        } else {
            return Ok(None);
        };
        // A line break in the token would add headers to the request; `from_bytes` refuses it.
        match HeaderValue::from_bytes(token.trim_ascii()) {
            Ok(mut value) if !value.is_empty() => {
                value.set_sensitive(true);
                Ok(Some(value))
            }
            _ => Err(CredentialsError::invalid_configuration(format!(
                "invalid token in `{from}`: it is empty or has characters that a header cannot contain"
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
        retry(RetryConfig::STANDARD, || self.try_fetch(&url, authorization.as_ref(), &options)).await
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
        let document = MetadataDocument::parse(answer.body());
        let names_error = |document: &MetadataDocument| document.code().is_some_and(|code| code != "Success");
        match document {
            Err(error) if answer.status().is_success() => Err(Failure::temporary(not_json(SERVICE, &error))),
            Ok(document) if answer.status().is_success() && !names_error(&document) => {
                document.credentials(SERVICE).map_err(Failure::temporary)
            }
            document => {
                let document = document.ok();
                let text = |name| document.as_ref().and_then(|document| document.text(name));
                let texts = Reported { code: text("code"), message: text("message"), ..Reported::default() };
                let secrets: Vec<_> = authorization.and_then(|token| token.to_str().ok()).into_iter().collect();
                let advice = "check the role of the task or of the pod's service account";
                Err(Failure::refused(
                    SERVICE,
                    advice,
                    ServiceError::reported(answer.status().as_u16(), texts, &secrets),
                ))
            }
        }
    }
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
