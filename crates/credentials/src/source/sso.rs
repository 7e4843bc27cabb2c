//! Credentials of a user of IAM Identity Center (SSO): the renewal of the sign-in and its exchange
//! for the credentials of a role. The settings are in [`profile`](crate::profile).

mod oidc;
mod sign_in;

use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use self::sign_in::SignIn;
use crate::config::SharedConfig;
use crate::endpoint::Service;
use crate::profile::{SsoRole, SsoSource};
use crate::region::Region;
use crate::retry::{Failure, RetryConfig, retry};
use crate::seam::World;
use crate::service_error::ServiceError;
use crate::{Credentials, CredentialsError, ProvideCredentials, Secret};

const NAME: &str = "Sso";
const SERVICE: &str = "the IAM Identity Center portal";

/// A sign-in with less than this left is renewed.
const RENEWAL_MARGIN: Duration = Duration::from_secs(5 * 60);

/// Gives a role's credentials with the sign-in that `aws sso login` saved in `~/.aws/sso/cache`.
///
/// With an `sso-session` section the sign-in is renewed five minutes before it expires, and saved
/// for the AWS CLI and other programs. See [the
/// settings](https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html).
#[derive(Clone, Debug)]
pub struct SsoCredentials {
    world: World,
    source: SsoSource,
    profile: Option<String>,
}

impl SsoCredentials {
    /// Uses the settings of `source`, which a profile has: see
    /// [`resolve_chain`](crate::profile::resolve_chain).
    #[must_use]
    pub fn new(world: &World, source: SsoSource) -> Self {
        Self { world: world.clone(), source, profile: None }
    }

    /// Takes endpoint settings from this profile instead of the selected one.
    #[must_use]
    pub fn with_profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let config = SharedConfig::load(&self.world, self.profile.as_deref()).await;
        self.load_with(&config).await
    }

    pub(super) async fn load_with(&self, config: &SharedConfig) -> Result<Credentials, CredentialsError> {
        let Some(role) = &self.source.role else {
            return Err(CredentialsError::invalid_configuration(
                "the profile has `sso_session` but no role; add `sso_account_id` and `sso_role_name`",
            ));
        };
        let region = Region::new(&self.source.region)?;
        let access_token = self.sign_in(config, &region).await?;
        self.role_credentials(config, &region, role, &access_token).await
    }

    /// The access token of a valid sign-in.
    async fn sign_in(&self, config: &SharedConfig, region: &Region) -> Result<Secret, CredentialsError> {
        let world = &self.world;
        let token = SignIn::read(world, &self.source).await?;
        if token.lasts(world, RENEWAL_MARGIN) {
            return Ok(token.access_token);
        }
        let Some(refresh) = token.refresh.as_ref().filter(|_| self.source.session.is_some()) else {
            return self.unrenewed(token, None);
        };
        match oidc::renew(config, region, refresh).await {
            Ok(renewed) => {
                if let Err(error) = token.write(world, &renewed).await {
                    tracing::warn!(%error, path = %token.path().display(), "cannot save the renewed sign-in; using it nevertheless");
                }
                Ok(renewed.access_token)
            }
            Err(error) => {
                // Another program may have renewed it in the meantime, since a refresh token can be
                // used once.
                match SignIn::read(world, &self.source).await {
                    Ok(newer) if newer.lasts(world, RENEWAL_MARGIN) => Ok(newer.access_token),
                    _ => self.unrenewed(token, Some(error)),
                }
            }
        }
    }

    /// The token of a sign-in that was not renewed, if it is still valid.
    fn unrenewed(&self, token: SignIn, error: Option<CredentialsError>) -> Result<Secret, CredentialsError> {
        if token.lasts(&self.world, Duration::ZERO) {
            if let Some(error) = error {
                tracing::warn!(%error, "cannot renew the sign-in, which is still valid");
            }
            return Ok(token.access_token);
        }
        let expired = CredentialsError::provider(format!("the sign-in has expired; {}", sign_in::advice(&self.source)));
        Err(match error {
            Some(error) => expired.with_cause(error),
            None => expired,
        })
    }

    /// [`GetRoleCredentials`](https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html),
    /// which is not signed.
    async fn role_credentials(
        &self,
        config: &SharedConfig,
        region: &Region,
        role: &SsoRole,
        access_token: &Secret,
    ) -> Result<Credentials, CredentialsError> {
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let url = format!(
            "{}/federation/credentials?account_id={}&role_name={}",
            config.service_url(Service::Sso, Some(region), None)?.trim_end_matches('/'),
            encode(&role.account_id),
            encode(&role.role_name),
        );
        let mut bearer = HeaderValue::from_str(access_token.expose()).map_err(|_| {
            CredentialsError::provider(format!("the sign-in is invalid; {}", sign_in::advice(&self.source)))
        })?;
        bearer.set_sensitive(true);
        let options = config.request_options();
        let attempt = || async {
            let mut request = request_to(SERVICE, http::Method::GET, &url, Bytes::new())?;
            request.headers_mut().insert("x-amz-sso_bearer_token", bearer.clone());
            let answer = self.world.http().send(request, &options).await;
            let answer = answer.map_err(|error| Failure::no_answer(SERVICE, error))?;
            if answer.status().is_success() {
                return read(answer.body())
                    .map(|credentials| credentials.with_account_id(&role.account_id))
                    .ok_or_else(|| {
                        Failure::temporary(CredentialsError::provider(format!(
                            "no usable credentials in the answer of {SERVICE}"
                        )))
                    });
            }
            let advice = match answer.status().as_u16() {
                401 => format!("the sign-in is no longer valid, {}", sign_in::advice(&self.source)),
                _ => "check `sso_account_id` and `sso_role_name`, and that the signed-in user may use that role"
                    .to_owned(),
            };
            Err(Failure::refused(SERVICE, &advice, ServiceError::from_json(&answer, &[access_token.expose()])))
        };
        retry(RetryConfig::STANDARD, attempt).await
    }
}

fn request_to(what: &str, method: http::Method, url: &str, body: Bytes) -> Result<http::Request<Bytes>, Failure> {
    http::Request::builder().method(method).uri(url).body(body).map_err(|error| {
        let message = format!("cannot use the URL of {what}; check the configured endpoint");
        Failure::final_(CredentialsError::invalid_configuration(message).with_cause(error))
    })
}

fn read(body: &[u8]) -> Option<Credentials> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct RoleCredentialsAnswer {
        role_credentials: RoleCredentials,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct RoleCredentials {
        access_key_id: String,
        secret_access_key: Secret,
        session_token: Secret,
        /// Milliseconds since 1970.
        expiration: u64,
    }
    let keys = serde_json::from_slice::<RoleCredentialsAnswer>(body).ok()?.role_credentials;
    let expiry = UNIX_EPOCH.checked_add(Duration::from_millis(keys.expiration))?;
    let credentials = Credentials::new(keys.access_key_id, keys.secret_access_key.expose());
    Some(credentials.with_session_token(keys.session_token.expose()).with_expiry(expiry))
}

#[async_trait]
impl ProvideCredentials for SsoCredentials {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        let credentials = self.load().await.map_err(|error| error.with_provider(NAME))?;
        Ok(credentials.with_source(NAME))
    }
}

#[cfg(test)]
mod tests;
