//! [`Region`] and the one order in which every part of sagewire looks for it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::config::SharedConfig;
use crate::env_vars::{AWS_DEFAULT_REGION, AWS_REGION, AWS_REGION_NAME};
use crate::error::Attempt;
use crate::imds::Imds;
use crate::seam::World;
use crate::{CredentialsError, ErrorKind};

/// An AWS region such as `eu-west-1`, known to be safe in a host name.
///
/// ```
/// use sagewire_credentials::Region;
///
/// let region: Region = "eu-west-1".parse()?;
/// assert_eq!(region.as_str(), "eu-west-1");
/// assert!("eu-west-1.example.com/".parse::<Region>().is_err());
/// # Ok::<(), sagewire_credentials::RegionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Region(Arc<str>);

impl Region {
    /// Takes `name`, trimmed, if it is a host label: 1 to 63 letters, digits and hyphens, with no hyphen at either end.
    ///
    /// # Errors
    /// [`RegionError::Invalid`].
    pub fn new(name: &str) -> Result<Self, RegionError> {
        Self::from_setting(name, "the region given")
    }

    /// The region's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn from_setting(name: &str, from: &'static str) -> Result<Self, RegionError> {
        let name = name.trim();
        let is_label = (1..=63).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !name.starts_with('-')
            && !name.ends_with('-');
        if is_label {
            Ok(Self(name.into()))
        } else {
            let shown = name.chars().take(40).collect::<String>().escape_debug().to_string();
            Err(RegionError::Invalid { from, shown })
        }
    }
}

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(name: &str) -> Result<Self, RegionError> {
        Self::new(name)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Region {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Why there is no region.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegionError {
    /// A region that cannot be part of a host name.
    #[error("{from} is `{shown}`, which is no AWS region: write one such as us-east-1")]
    Invalid {
        /// Where it was set.
        from: &'static str,
        /// Its first forty characters.
        shown: String,
    },
    /// No region anywhere.
    #[error("no AWS region is set: set aws_region_name, AWS_REGION, or `region` in the profile.{}", tried(.attempts))]
    NotFound {
        /// The places looked at, in order.
        attempts: Vec<Attempt>,
    },
    /// The config files, or the metadata service's settings, are wrong.
    #[error(transparent)]
    Config(#[from] CredentialsError),
}

impl From<RegionError> for CredentialsError {
    fn from(error: RegionError) -> Self {
        match error {
            RegionError::Config(error) => error,
            other => Self::invalid_configuration("The AWS region is not known.").with_cause(other),
        }
    }
}

fn tried(attempts: &[Attempt]) -> String {
    let places: Vec<_> = attempts.iter().map(|attempt| format!("{} ({})", attempt.source, attempt.reason)).collect();
    if places.is_empty() { String::new() } else { format!(" Looked at: {}.", places.join(", ")) }
}

/// The region for `world`: `explicit` (a parameter such as `aws_region_name`), else the variables `AWS_REGION_NAME`, `AWS_REGION` and
/// `AWS_DEFAULT_REGION`, else `region` in the profile, else the instance's own, from the instance metadata service.
///
/// `profile` names the profile to look at in place of the selected one. There is no region by default.
///
/// # Errors
/// [`RegionError::Invalid`] where the first value found is no region, [`RegionError::NotFound`] where there is none, and
/// [`RegionError::Config`] where the config files are broken.
pub async fn resolve_region(
    world: &World,
    explicit: Option<&str>,
    profile: Option<&str>,
) -> Result<Region, RegionError> {
    // Without this, a broken config file would get in the way of a region that does not come from it.
    if let Some(region) = before_files(world, explicit, &mut Vec::new())? {
        return Ok(region);
    }
    let config = SharedConfig::load(world, profile).await?;
    resolve(&config, explicit).await
}

/// The same, with the files already read.
pub(crate) async fn resolve(config: &SharedConfig, explicit: Option<&str>) -> Result<Region, RegionError> {
    let mut attempts = Vec::new();
    if let Some(region) = before_files(config.world(), explicit, &mut attempts)? {
        return Ok(region);
    }
    if let Some(name) = config.profile().and_then(|profile| profile.setting("region")) {
        return Region::from_setting(name, "`region` in the profile");
    }
    let name = config.profiles().selected_name();
    let reason = if config.profile().is_some() { "it has no `region`" } else { "there is no such profile" };
    attempts.push(not_set(format!("profile `{name}`"), reason));
    match of_instance(config).await {
        Ok(name) => Region::from_setting(&name, "the region of this instance"),
        Err(error) if error.kind() == ErrorKind::InvalidConfiguration => Err(error.into()),
        Err(error) => {
            attempts.push(Attempt::new("instance metadata", &error));
            Err(RegionError::NotFound { attempts })
        }
    }
}

fn before_files(
    world: &World,
    explicit: Option<&str>,
    attempts: &mut Vec<Attempt>,
) -> Result<Option<Region>, RegionError> {
    if let Some(name) = explicit.filter(|name| !name.trim().is_empty()) {
        return Region::from_setting(name, "aws_region_name").map(Some);
    }
    attempts.push(not_set("aws_region_name", "not given"));
    for variable in [AWS_REGION_NAME, AWS_REGION, AWS_DEFAULT_REGION] {
        if let Some(name) = world.var(variable) {
            return Region::from_setting(&name, variable).map(Some);
        }
        attempts.push(not_set(variable, "not set"));
    }
    Ok(None)
}

async fn of_instance(config: &SharedConfig) -> Result<String, CredentialsError> {
    let imds = Imds::new(config)?;
    imds.get("/latest/meta-data/placement/region").await
}

fn not_set(source: impl Into<std::borrow::Cow<'static, str>>, reason: &'static str) -> Attempt {
    Attempt::new(source, &CredentialsError::not_configured(reason))
}

#[cfg(test)]
mod tests;
