//! Credentials of a profile in the shared files: its own keys or the source that it names, and then
//! its chain of roles.

use async_trait::async_trait;

use super::assume_role::unusable_source;
use super::{
    ContainerCredentials, EnvironmentCredentials, InstanceMetadataCredentials, LoginCredentials, ProcessCredentials,
    SsoCredentials, WebIdentityCredentials, WebIdentityToken,
};
use crate::config::SharedConfig;
use crate::profile::{BaseSource, NamedSource, ProfileError, RoleChain, resolve_chain};
use crate::region::Region;
use crate::seam::World;
use crate::sts::{RoleParams, StsTarget};
use crate::{Credentials, CredentialsError, ProvideCredentials};

const NAME: &str = "Profile";

/// Gives the credentials that a profile in `~/.aws/config` and `~/.aws/credentials` configures.
/// Both files are read at each call.
///
/// See [the settings](https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html). A profile
/// with `mfa_serial` is refused, because a service cannot ask for a code.
#[derive(Clone, Debug)]
pub struct ProfileCredentials {
    profile: Option<String>,
    sts: StsTarget,
}

impl ProfileCredentials {
    /// Uses the profile that `AWS_PROFILE` names, else `default`.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self { profile: None, sts: StsTarget::new(world) }
    }

    /// Uses the profile `name`.
    #[must_use]
    pub fn named(world: &World, name: impl Into<String>) -> Self {
        Self { profile: Some(name.into()), sts: StsTarget::new(world) }
    }

    /// Asks the STS of this region for the profile's roles.
    #[must_use]
    pub fn with_region(mut self, region: Region) -> Self {
        self.sts.region = Some(region);
        self
    }

    /// Asks the STS at this URL for the profile's roles.
    #[must_use]
    pub fn with_sts_endpoint(mut self, url: impl Into<String>) -> Self {
        self.sts.endpoint = Some(url.into());
        self
    }

    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let config = SharedConfig::load(&self.sts.world, self.profile.as_deref()).await;
        if let Some(error) = config.broken_file() {
            return Err(error);
        }
        let chain = resolve_chain(config.profiles(), config.profiles().selected_name())
            .map_err(|error| unusable(error, config.problems().next()))?;
        let mut credentials = match self.base(&config, &chain).await {
            Ok(credentials) => credentials,
            // The profile names this source, so a missing one is an error and not a reason to look
            // elsewhere.
            Err(error) if chain.roles().is_empty() => return Err(unusable_base(error)),
            Err(error) => return Err(unusable_source(error)),
        };
        if chain.roles().is_empty() {
            return Ok(credentials);
        }
        let sts = self.sts.connect_with(&config).await?;
        for step in chain.roles() {
            let mut role = RoleParams::new(&step.role_arn);
            role.session_name.clone_from(&step.session_name);
            role.external_id.clone_from(&step.external_id);
            role.duration = step.duration_seconds.map(|seconds| std::time::Duration::from_secs(seconds.into()));
            credentials = sts.assume_role(&credentials, &role).await.map_err(|error| {
                let message = format!("cannot assume the role of profile `{}`", step.profile);
                CredentialsError::new(error.kind(), message).with_cause(error)
            })?;
        }
        Ok(credentials.with_source(NAME))
    }

    async fn base(&self, config: &SharedConfig, chain: &RoleChain) -> Result<Credentials, CredentialsError> {
        let world = &self.sts.world;
        let selected = config.profiles().selected_name();
        match chain.base() {
            BaseSource::Keys(credentials) => Ok(credentials.clone()),
            BaseSource::Named(NamedSource::Environment) => {
                EnvironmentCredentials::new(world).provide_credentials().await
            }
            BaseSource::Named(NamedSource::EcsContainer) => {
                ContainerCredentials::new(world).provide_credentials().await
            }
            BaseSource::Named(NamedSource::Ec2InstanceMetadata) => {
                InstanceMetadataCredentials::new(world).with_profile(selected).provide_credentials().await
            }
            BaseSource::WebIdentity(source) => {
                let token = WebIdentityToken::File(source.token_file.as_str().into());
                let mut identity =
                    WebIdentityCredentials::new(world, &source.role_arn, token).with_target(self.sts.clone());
                if let Some(name) = &source.session_name {
                    identity = identity.with_session_name(name);
                }
                identity.with_profile(selected).provide_credentials().await
            }
            BaseSource::Sso(source) => {
                SsoCredentials::new(world, source.clone()).with_profile(selected).provide_credentials().await
            }
            BaseSource::Login { session } => LoginCredentials::new(world, session).provide_credentials().await,
            BaseSource::Process(source) => {
                let mut process = ProcessCredentials::new(world, source.command());
                if let Some(account) = source.account_id() {
                    process = process.with_account_id(account);
                }
                process.provide_credentials().await
            }
        }
    }
}

/// A profile that gives no credentials. `problem` is a file that could not be read, where it may be
/// defined.
fn unusable(error: ProfileError, problem: Option<CredentialsError>) -> CredentialsError {
    let unusable = match (error.is_not_configured(), &problem) {
        (true, _) => CredentialsError::not_configured(error.to_string()),
        (false, Some(_)) => CredentialsError::invalid_configuration(format!("cannot use the profile: {error}")),
        (false, None) => CredentialsError::invalid_configuration("cannot use the profile"),
    };
    match problem {
        Some(problem) => unusable.with_cause(problem),
        None => unusable.with_cause(error),
    }
}

fn unusable_base(error: CredentialsError) -> CredentialsError {
    match error.kind() {
        crate::ErrorKind::NotConfigured => {
            CredentialsError::provider("the source of credentials that the profile names has none").with_cause(error)
        }
        _ => error,
    }
}

#[async_trait]
impl ProvideCredentials for ProfileCredentials {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        self.load().await.map_err(|error| error.with_provider(NAME))
    }
}

#[cfg(test)]
mod tests;
