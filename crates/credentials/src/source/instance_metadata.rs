//! The role of an EC2 instance, from the instance metadata service.

use std::time::Duration;

use async_trait::async_trait;

use super::metadata_document::MetadataDocument;
use crate::config::SharedConfig;
use crate::imds::Imds;
use crate::seam::World;
use crate::{Credentials, CredentialsError, ProvideCredentials};

const NAME: &str = "InstanceMetadata";
const SERVICE: &str = "The instance metadata service";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// How long expired credentials are used on, at least; up to half as much is added by chance.
const EXTENSION: Duration = Duration::from_secs(10 * 60);

/// Takes the credentials of the role that the EC2 instance has, by IMDSv2. Version 1 is never used.
///
/// When the service hands out credentials that are already expired, which it does while it cannot renew them, they are used for another ten to
/// fifteen minutes, as AWS's SDKs do: services then often accept them still. See
/// [how it works](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html).
#[derive(Clone, Debug)]
pub struct InstanceMetadataCredentials {
    world: World,
    profile: Option<String>,
}

impl InstanceMetadataCredentials {
    /// Asks the service that environment and selected profile configure.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self { world: world.clone(), profile: None }
    }

    /// Takes the service's settings from this profile in place of the selected one.
    #[must_use]
    pub fn with_profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    async fn fetch(&self) -> Result<Credentials, CredentialsError> {
        let config = SharedConfig::load(&self.world, self.profile.as_deref()).await?;
        let imds = Imds::new(&config)?;
        let roles = imds.get(ROLES).await?;
        let role = roles.lines().next().unwrap_or_default().trim();
        if role.is_empty() || !role.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)) {
            return Err(CredentialsError::provider(format!(
                "{SERVICE} did not name a role: does the instance have one?"
            )));
        }
        let body = imds.get(&format!("{ROLES}{role}")).await?;
        let document = MetadataDocument::parse(SERVICE, body.as_bytes())?;
        match document.code.as_deref() {
            None | Some("Success") => self.extend(document.credentials(SERVICE)?),
            Some("AssumeRoleUnauthorizedAccess") => Err(CredentialsError::provider(format!(
                "EC2 may not assume the instance's role `{role}`: its trust policy must name ec2.amazonaws.com."
            ))),
            Some(code) => {
                let code: String = code.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
                Err(CredentialsError::provider(format!(
                    "{SERVICE} could not give the credentials of `{role}`: {code}."
                )))
            }
        }
    }

    fn extend(&self, credentials: Credentials) -> Result<Credentials, CredentialsError> {
        let now = self.world.now();
        if !credentials.is_expired_at(now) {
            return Ok(credentials);
        }
        tracing::warn!("the instance metadata service gave expired credentials; they are used for a while longer");
        let extended = now + EXTENSION + (EXTENSION / 2).mul_f64(fastrand::f64());
        Ok(credentials.with_expiry(extended))
    }
}

#[async_trait]
impl ProvideCredentials for InstanceMetadataCredentials {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        let credentials = self.fetch().await.map_err(|error| error.with_provider(NAME))?;
        Ok(credentials.with_source(NAME))
    }
}

#[cfg(test)]
mod tests;
