//! [`DefaultChain`]: the sources in the order of AWS's Rust SDK, and when the next one is tried.

use std::fmt;

use async_trait::async_trait;

use crate::error::Attempt;
use crate::explain::{Explanation, Outcome, Step};
use crate::region::Region;
use crate::seam::World;
use crate::source::{
    ContainerCredentials, EnvironmentCredentials, InstanceMetadataCredentials, ProfileCredentials,
    WebIdentityCredentials,
};
use crate::{Credentials, CredentialsError, ErrorKind, ProvideCredentials};

/// The sources of the default chain, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChainSource {
    /// Keys in environment variables.
    Environment,
    /// The shared config and credentials files.
    Profile,
    /// A web identity token, named by environment variables.
    WebIdentityToken,
    /// The role of an ECS task or EKS pod.
    Container,
    /// The role of an EC2 instance.
    InstanceMetadata,
}

impl ChainSource {
    /// All of them, in order.
    pub const ALL: [Self; 5] =
        [Self::Environment, Self::Profile, Self::WebIdentityToken, Self::Container, Self::InstanceMetadata];

    /// Its name, as in errors and explanations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "Environment",
            Self::Profile => "Profile",
            Self::WebIdentityToken => "WebIdentityToken",
            Self::Container => "Container",
            Self::InstanceMetadata => "InstanceMetadata",
        }
    }
}

impl fmt::Display for ChainSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Tries, in this order: environment variables, the profile, a web identity token, the container's
/// role, the instance's role.
///
/// Only a source that is not configured is skipped. Any other failure ends the chain, so that a
/// program that is configured to use one identity never uses another. The error names every source
/// that was tried and why it gave no credentials. All sources are asked again at each call: put a
/// [`CachedProvider`](crate::CachedProvider) over the chain.
///
/// ```
/// use sagewire_credentials::seam::{MapEnv, World};
/// use sagewire_credentials::{DefaultChain, ProvideCredentials};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let env = MapEnv::from([("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")]);
/// let chain = DefaultChain::new(&World::builder().with_env(env).build());
/// assert_eq!(chain.provide_credentials().await?.source(), "Environment");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DefaultChain {
    world: World,
    profile: Option<String>,
    region: Option<Region>,
    sts_endpoint: Option<String>,
    sources: Vec<ChainSource>,
}

impl DefaultChain {
    /// The chain over `world`.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self {
            world: world.clone(),
            profile: None,
            region: None,
            sts_endpoint: None,
            sources: ChainSource::ALL.to_vec(),
        }
    }

    /// Uses the profile `name` instead of the selected one. Environment variables still come first:
    /// see [`without`](Self::without).
    #[must_use]
    pub fn with_profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// Assumes roles with the STS of this region.
    #[must_use]
    pub fn with_region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// Assumes roles with the STS at this URL.
    #[must_use]
    pub fn with_sts_endpoint(mut self, url: impl Into<String>) -> Self {
        self.sts_endpoint = Some(url.into());
        self
    }

    /// Removes a source.
    #[must_use]
    pub fn without(mut self, source: ChainSource) -> Self {
        self.sources.retain(|kept| *kept != source);
        self
    }

    /// Runs the chain and reports, for each source, what it looked at and why it was skipped,
    /// failed, or gave credentials. The report contains no secret. Roles are assumed and services
    /// called as in any run of the chain.
    pub async fn explain(&self) -> Explanation {
        let mut steps = Vec::new();
        let mut ended = false;
        for &source in &self.sources {
            if ended {
                steps.push(Step {
                    source: source.as_str().into(),
                    looked_at: Vec::new(),
                    outcome: Outcome::NotReached,
                });
                continue;
            }
            let (world, journal) = self.world.observed();
            let outcome = Outcome::of(self.source(source, &world).provide_credentials().await, self.world.now());
            ended = !matches!(outcome, Outcome::PassedOver { .. });
            steps.push(Step { source: source.as_str().into(), looked_at: journal.take(), outcome });
        }
        Explanation { steps }
    }

    fn source(&self, source: ChainSource, world: &World) -> Box<dyn ProvideCredentials> {
        match source {
            ChainSource::Environment => Box::new(EnvironmentCredentials::new(world)),
            ChainSource::Profile => {
                let mut profile = match &self.profile {
                    Some(name) => ProfileCredentials::named(world, name),
                    None => ProfileCredentials::new(world),
                };
                if let Some(region) = &self.region {
                    profile = profile.with_region(region.clone());
                }
                if let Some(url) = &self.sts_endpoint {
                    profile = profile.with_sts_endpoint(url);
                }
                Box::new(profile)
            }
            ChainSource::WebIdentityToken => {
                let mut identity = WebIdentityCredentials::from_env(world);
                if let Some(name) = &self.profile {
                    identity = identity.with_profile(name);
                }
                if let Some(region) = &self.region {
                    identity = identity.with_region(region.clone());
                }
                if let Some(url) = &self.sts_endpoint {
                    identity = identity.with_sts_endpoint(url);
                }
                Box::new(identity)
            }
            ChainSource::Container => Box::new(ContainerCredentials::new(world)),
            ChainSource::InstanceMetadata => {
                let instance = InstanceMetadataCredentials::new(world);
                Box::new(match &self.profile {
                    Some(name) => instance.with_profile(name),
                    None => instance,
                })
            }
        }
    }
}

#[async_trait]
impl ProvideCredentials for DefaultChain {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        let mut attempts = Vec::new();
        for &source in &self.sources {
            match self.source(source, &self.world).provide_credentials().await {
                Ok(credentials) => {
                    tracing::debug!(%source, "credentials found");
                    return Ok(credentials);
                }
                Err(error) => {
                    attempts.push(Attempt::new(source.as_str(), &error));
                    if error.kind() != ErrorKind::NotConfigured {
                        let message = "cannot load the configured AWS credentials";
                        return Err(CredentialsError::new(error.kind(), message)
                            .with_provider(source.as_str())
                            .with_attempts(attempts)
                            .with_cause(error));
                    }
                    tracing::debug!(%source, %error, "source is not configured");
                }
            }
        }
        let message = "no AWS credentials are configured; set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, name a \
                       profile in `AWS_PROFILE`, or give the machine a role";
        Err(CredentialsError::not_configured(message).with_attempts(attempts))
    }
}

#[cfg(test)]
mod tests;
