//! The role of an EC2 instance, from the instance metadata service.

use std::time::Duration;

use async_trait::async_trait;

use super::metadata_document::{MetadataDocument, not_json};
use crate::config::SharedConfig;
use crate::imds::Imds;
use crate::seam::World;
use crate::{Credentials, CredentialsError, ProvideCredentials};

const NAME: &str = "InstanceMetadata";
const SERVICE: &str = "the instance metadata service";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// How long expired credentials are still used, at least. Up to half of it is added at random.
const EXTENSION: Duration = Duration::from_secs(10 * 60);

/// Gives the credentials of the EC2 instance's role, by IMDSv2. Version 1 is never used.
///
/// While the service cannot renew credentials it gives expired ones. These are used for another ten
/// to fifteen minutes, as AWS's SDKs do, because services may still accept them. See [how it
/// works](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html).
#[derive(Clone, Debug)]
pub struct InstanceMetadataCredentials {
    world: World,
    profile: Option<String>,
}

impl InstanceMetadataCredentials {
    /// Asks the service that the environment and the selected profile configure.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self { world: world.clone(), profile: None }
    }

    /// Takes the service's settings from this profile instead of the selected one.
    #[must_use]
    pub fn with_profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    async fn fetch(&self) -> Result<Credentials, CredentialsError> {
        let config = SharedConfig::load(&self.world, self.profile.as_deref()).await;
        let imds = Imds::new(&config)?;
        let roles = imds.get(ROLES).await?;
        let role = roles.lines().next().unwrap_or_default().trim();
        if role.is_empty() || !role.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)) {
            return Err(CredentialsError::provider(format!("{SERVICE} named no role; attach one to the instance")));
        }
        let body = imds.get(&format!("{ROLES}{role}")).await?;
        let document = MetadataDocument::parse(body.as_bytes()).map_err(|error| not_json(SERVICE, &error))?;
        match document.code() {
            None | Some("Success") => self.extend(document.credentials(SERVICE)?),
            Some("AssumeRoleUnauthorizedAccess") => Err(CredentialsError::provider(format!(
                "EC2 cannot assume the instance's role `{role}`; its trust policy must name ec2.amazonaws.com"
            ))),
            Some(code) => {
                let code: String = code.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
                Err(CredentialsError::provider(format!("{SERVICE} gave no credentials of role `{role}`: {code}")))
            }
        }
    }

    fn extend(&self, credentials: Credentials) -> Result<Credentials, CredentialsError> {
        let now = self.world.now();
        if !credentials.is_expired_at(now) {
            return Ok(credentials);
        }
        tracing::warn!("the instance metadata service gave expired credentials; using them for up to 15 more minutes");
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
