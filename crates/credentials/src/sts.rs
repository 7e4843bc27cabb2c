//! The AWS Security Token Service: `AssumeRole`, `AssumeRoleWithWebIdentity` and
//! `GetCallerIdentity`.
//!
//! This file sends the requests, retries them and corrects their time; the sources decide what to
//! request. The wire format is defined by the [STS
//! API](https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html).

mod answer;
mod query;
mod role;
mod skew;
mod target;
mod xml;

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use sagewire_sigv4::{Payload, Signer, SigningParams, SigningSettings};

pub use answer::CallerIdentity;
pub(crate) use role::RoleParams;
pub use role::SessionTag;
pub(crate) use target::{StsTarget, sts_setters};

use self::query::Form;
use self::skew::{OnLocalClock, Skew};
use crate::config::SharedConfig;
use crate::endpoint::{self, Service};
use crate::region::{self, Region};
use crate::retry::{Failure, RetryConfig, retry};
use crate::seam::{RequestOptions, World};
use crate::service_error::ServiceError;
use crate::{Credentials, CredentialsError};

/// A client of STS at one URL.
#[derive(Clone, Debug)]
pub(crate) struct Sts {
    world: World,
    url: String,
    /// The region to sign for.
    region: Region,
    options: RequestOptions,
}

impl Sts {
    /// Determines endpoint and region. The endpoint is `endpoint`, else the one that the
    /// environment or the profile configures, else the region's. The region is the one in the
    /// endpoint's host, else `region`, else the one that [`region::resolve`] finds.
    pub(crate) async fn connect(
        config: &SharedConfig,
        region: Option<&Region>,
        endpoint: Option<&str>,
    ) -> Result<Self, CredentialsError> {
        let configured = config.configured_url(Service::Sts, endpoint)?;
        let named = configured.as_ref().and_then(|url| region_of_host(host(url.url())));
        let region = match (named, region) {
            (Some(named), _) => named,
            (None, Some(region)) => region.clone(),
            (None, None) => region::resolve(config).await?,
        };
        let settings = config.endpoint_settings()?;
        let url = endpoint::service_url(Service::Sts, Some(region.as_str()), settings, configured.as_ref())?;
        let region = Region::new(endpoint::signing_region(Service::Sts, region.as_str(), settings))?;
        let options = config.request_options();
        Ok(Self { world: config.world().clone(), url, region, options })
    }

    /// `AssumeRole`, signed with `source`.
    pub(crate) async fn assume_role(
        &self,
        source: &Credentials,
        role: &RoleParams,
    ) -> Result<Credentials, CredentialsError> {
        role.check()?;
        let mut form = self.role_form("AssumeRole", role);
        form.add_if_some("ExternalId", role.external_id.as_deref());
        for (tag, number) in role.tags.iter().zip(1..) {
            form.add(&format!("Tags.member.{number}.Key"), &tag.key);
            form.add(&format!("Tags.member.{number}.Value"), &tag.value);
        }
        let advice = format!(
            "check that `{}` exists, that its trust policy names the caller, and that the caller may call sts:AssumeRole for it",
            role.name()
        );
        self.call(form, Some(source), &[], &advice, answer::credentials).await
    }

    /// `AssumeRoleWithWebIdentity`, which is not signed.
    pub(crate) async fn assume_role_with_web_identity(
        &self,
        role: &RoleParams,
        token: &str,
    ) -> Result<Credentials, CredentialsError> {
        role.check()?;
        let mut form = self.role_form("AssumeRoleWithWebIdentity", role);
        form.add("WebIdentityToken", token);
        let advice = format!(
            "check that the token has not expired and that the trust policy of `{}` names its issuer, subject and audience",
            role.name()
        );
        self.call(form, None, &[token], &advice, answer::credentials).await
    }

    /// `GetCallerIdentity`, which needs no permission.
    pub(crate) async fn get_caller_identity(
        &self,
        credentials: &Credentials,
    ) -> Result<CallerIdentity, CredentialsError> {
        let advice = "check that the keys exist, are active and have not expired";
        self.call(Form::new("GetCallerIdentity"), Some(credentials), &[], advice, answer::identity).await
    }

    fn role_form(&self, action: &str, role: &RoleParams) -> Form {
        let mut form = Form::new(action);
        form.add("RoleArn", &role.role_arn);
        form.add("RoleSessionName", &role.session_name_at(self.world.now()));
        if let Some(duration) = role.duration {
            form.add("DurationSeconds", &duration.as_secs().to_string());
        }
        form
    }

    async fn call<T>(
        &self,
        form: Form,
        signer: Option<&Credentials>,
        secrets: &[&str],
        advice: &str,
        read: fn(&[u8]) -> Result<T, answer::AnswerError>,
    ) -> Result<T, CredentialsError>
    where
        T: OnLocalClock + Send,
    {
        let body = form.into_bytes();
        let mut secrets = secrets.to_vec();
        secrets.extend(signer.map(Credentials::secret_access_key));
        secrets.extend(signer.and_then(Credentials::session_token));
        let what = format!("STS at {}", host(&self.url));
        let attempt = || async {
            let first = self.send(&body, signer, self.world.now(), &what).await?;
            let skew = answer::server_time(&first).and_then(|server| Skew::between(self.world.now(), server));
            let refused = |answer: &http::Response<Bytes>| {
                (!answer.status().is_success()).then(|| answer::refusal(answer, &secrets))
            };
            let answer = match (refused(&first), skew) {
                (None, _) => first,
                (Some(refusal), Some(skew)) if signer.is_some() && refusal.is_clock_skew() => {
                    tracing::warn!(%skew, "this machine's clock is wrong; signing again with the time of AWS");
                    let second = self.send(&body, signer, skew.correct(self.world.now()), &what).await?;
                    match refused(&second) {
                        None => second,
                        Some(refusal) => return Err(skewed(&what, skew, refusal)),
                    }
                }
                (Some(refusal), Some(skew)) if refusal.is_clock_skew() => return Err(skewed(&what, skew, refusal)),
                (Some(refusal), _) => return Err(Failure::refused(&what, advice, refusal)),
            };
            let value = read(answer.body()).map_err(|error| {
                let message = format!("unusable answer of {what}; check that the URL is one of STS and not of a proxy");
                Failure::temporary(CredentialsError::provider(message).with_cause(error))
            })?;
            Ok(match skew {
                Some(skew) => value.on_local_clock(skew),
                None => value,
            })
        };
        retry(RetryConfig::STANDARD, attempt).await
    }

    async fn send(
        &self,
        body: &Bytes,
        signer: Option<&Credentials>,
        time: SystemTime,
        what: &str,
    ) -> Result<http::Response<Bytes>, Failure> {
        let mut parts = http::Request::post(&self.url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
            .body(())
            .map_err(|error| Failure::final_(unusable_url(what).with_cause(error)))?
            .into_parts()
            .0;
        if let Some(credentials) = signer {
            let params = SigningParams {
                access_key_id: credentials.access_key_id(),
                secret_access_key: credentials.secret_access_key(),
                session_token: credentials.session_token(),
                region: self.region.as_str(),
                service: "sts",
                time,
                settings: SigningSettings::default(),
            };
            // A new signer each time: calls are too rare for its cache of keys to help.
            Signer::new().sign(&mut parts, Payload::Bytes(body), &params).map_err(|error| {
                let message = format!("cannot sign the request to {what}; check the keys of the source");
                Failure::final_(CredentialsError::invalid_configuration(message).with_cause(error))
            })?;
        }
        let request = http::Request::from_parts(parts, body.clone());
        self.world.http().send(request, &self.options).await.map_err(|error| Failure::no_answer(what, error))
    }
}

/// Asks STS for the owner of `credentials` with
/// [`GetCallerIdentity`](https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html),
/// which every principal may call. Region and URL default to those of `config`.
///
/// # Errors
/// [`Provider`](crate::ErrorKind::Provider) if STS refuses the credentials, and the errors of
/// reaching it.
pub async fn caller_identity(
    config: &SharedConfig,
    region: Option<&Region>,
    sts_endpoint: Option<&str>,
    credentials: &Credentials,
) -> Result<CallerIdentity, CredentialsError> {
    Sts::connect(config, region, sts_endpoint).await?.get_caller_identity(credentials).await
}

/// The host in a URL, for names and messages.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':', '?']).next().unwrap_or(rest)
}

fn unusable_url(what: &str) -> CredentialsError {
    CredentialsError::invalid_configuration(format!("cannot use the URL of {what}; check the configured endpoint"))
}

fn skewed(what: &str, skew: Skew, refusal: ServiceError) -> Failure {
    let message = format!("{what} refused the time of the request: this machine's clock is {skew}; correct it");
    Failure::final_(CredentialsError::provider(message).with_cause(refusal))
}

/// The region in the name of an AWS host: a regional, FIPS, dual-stack or VPC endpoint. Requests to
/// `sts.amazonaws.com` are signed for us-east-1.
fn region_of_host(host: &str) -> Option<Region> {
    let mut labels = host.split('.').skip_while(|label| !matches!(*label, "sts" | "sts-fips")).skip(1);
    match labels.next()? {
        "amazonaws" => Region::new("us-east-1").ok(),
        label => {
            let ends_in_number =
                label.rsplit('-').next().is_some_and(|end| end.bytes().all(|byte| byte.is_ascii_digit()));
            (label.split('-').count() >= 3 && ends_in_number).then(|| Region::new(label).ok())?
        }
    }
}

#[cfg(test)]
mod tests;
