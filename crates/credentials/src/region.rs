//! [`Region`] and the order in which sagewire looks for it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::config::SharedConfig;
use crate::env_vars::{AWS_DEFAULT_REGION, AWS_PROFILE_NAME, AWS_REGION, AWS_REGION_NAME};
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
    /// The region called `name`, which is trimmed and must be a host label: 1 to 63 letters, digits
    /// and hyphens, without a hyphen at either end.
    ///
    /// # Errors
    /// [`RegionError::Invalid`].
    pub fn new(name: &str) -> Result<Self, RegionError> {
        Self::from_setting(name, "the argument")
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

/// An error of finding the region.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegionError {
    /// A region that cannot be part of a host name.
    #[error("invalid AWS region `{shown}` in {from}: expected one such as us-east-1")]
    Invalid {
        /// Where it was set.
        from: &'static str,
        /// Its first forty characters.
        shown: String,
    },
    /// No region is set.
    #[error("no AWS region is set; set `aws_region_name`, `AWS_REGION`, or `region` in the profile{}", tried(.attempts))]
    NotFound {
        /// The places that were looked at, in order.
        attempts: Vec<Attempt>,
    },
    /// The config files or the settings of the metadata service are invalid.
    #[error(transparent)]
    Config(#[from] CredentialsError),
}

impl From<RegionError> for CredentialsError {
    fn from(error: RegionError) -> Self {
        match error {
            RegionError::Config(error) => error,
            other => Self::invalid_configuration(other.to_string()).with_cause(other),
        }
    }
}

fn tried(attempts: &[Attempt]) -> String {
    let places: Vec<_> = attempts.iter().map(|attempt| format!("{} ({})", attempt.source, attempt.reason)).collect();
    if places.is_empty() { String::new() } else { format!(" (looked at: {})", places.join(", ")) }
}

/// A region, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocatedRegion {
    /// The region.
    pub region: Region,
    /// The place where it is set, such as `AWS_REGION`.
    pub source: Cow<'static, str>,
    /// The places before it, in order, and why each was skipped.
    pub passed_over: Vec<Attempt>,
}

/// The region for `world`: `explicit` (a parameter such as `aws_region_name`), else the variables
/// `AWS_REGION_NAME`, `AWS_REGION` and `AWS_DEFAULT_REGION`, else `region` in the profile, else the
/// instance's own, from the instance metadata service. There is no default.
///
/// The profile is `profile`, else the one in LiteLLM's `AWS_PROFILE_NAME`, else the selected one.
///
/// # Errors
/// [`RegionError::Invalid`] if the first value found is not a region, [`RegionError::NotFound`] if
/// there is none, and [`RegionError::Config`] if it would come from a config file that is broken.
pub async fn resolve_region(
    world: &World,
    explicit: Option<&str>,
    profile: Option<&str>,
) -> Result<Region, RegionError> {
    Ok(locate_region(world, explicit, profile).await?.region)
}

/// The region of [`resolve_region`] and where it was found.
///
/// # Errors
/// As [`resolve_region`].
pub async fn locate_region(
    world: &World,
    explicit: Option<&str>,
    profile: Option<&str>,
) -> Result<LocatedRegion, RegionError> {
    let mut search = Search::default();
    // First without the files, which are not needed if the region is set elsewhere.
    if let Some(found) = search.parameter_and_variables(world, explicit)? {
        return Ok(found);
    }
    let profile = profile.map(str::to_owned).or_else(|| world.var(AWS_PROFILE_NAME));
    let config = SharedConfig::load(world, profile.as_deref()).await;
    search.profile_and_instance(&config).await
}

/// The region, from files that are already read.
pub(crate) async fn resolve(config: &SharedConfig) -> Result<Region, RegionError> {
    let mut search = Search::default();
    Ok(match search.parameter_and_variables(config.world(), None)? {
        Some(found) => found.region,
        None => search.profile_and_instance(config).await?.region,
    })
}

/// The places that were skipped so far.
#[derive(Default)]
struct Search(Vec<Attempt>);

impl Search {
    fn parameter_and_variables(
        &mut self,
        world: &World,
        explicit: Option<&str>,
    ) -> Result<Option<LocatedRegion>, RegionError> {
        const PARAMETER: &str = "aws_region_name";
        if let Some(name) = explicit.filter(|name| !name.trim().is_empty()) {
            return self.found(name, PARAMETER).map(Some);
        }
        self.pass_over(PARAMETER, "not given");
        for variable in [AWS_REGION_NAME, AWS_REGION, AWS_DEFAULT_REGION] {
            if let Some(name) = world.var(variable) {
                return self.found(&name, variable).map(Some);
            }
            self.pass_over(variable, "not set");
        }
        Ok(None)
    }

    async fn profile_and_instance(&mut self, config: &SharedConfig) -> Result<LocatedRegion, RegionError> {
        if let Some(name) = config.profile().and_then(|profile| profile.setting("region")) {
            return self.found(name, "`region` in the profile");
        }
        if let Some(error) = config.broken_file() {
            return Err(error.into());
        }
        let name = config.profiles().selected_name();
        let reason = match config.problems().next() {
            Some(problem) => problem,
            None if config.profile().is_some() => CredentialsError::not_configured("it has no `region`"),
            None => CredentialsError::not_configured("there is no such profile"),
        };
        self.0.push(Attempt::new(format!("profile `{name}`"), &reason));
        match of_instance(config).await {
            Ok(name) => self.found(&name, "the instance's own region"),
            Err(error) if error.kind() == ErrorKind::InvalidConfiguration => Err(error.into()),
            Err(error) => {
                self.0.push(Attempt::new("instance metadata", &error));
                Err(RegionError::NotFound { attempts: std::mem::take(&mut self.0) })
            }
        }
    }

    fn found(&mut self, name: &str, source: &'static str) -> Result<LocatedRegion, RegionError> {
        let region = Region::from_setting(name, source)?;
        Ok(LocatedRegion { region, source: source.into(), passed_over: std::mem::take(&mut self.0) })
    }

    fn pass_over(&mut self, source: impl Into<Cow<'static, str>>, reason: &'static str) {
        self.0.push(Attempt::new(source, &CredentialsError::not_configured(reason)));
    }
}

async fn of_instance(config: &SharedConfig) -> Result<String, CredentialsError> {
    let imds = Imds::new(config)?;
    imds.get("/latest/meta-data/placement/region").await
}

#[cfg(test)]
mod tests;
