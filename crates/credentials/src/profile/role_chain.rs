//! The way from a profile to its credentials: a source, and the roles to assume one after the
//! other.
//!
//! It follows `source_profile` from profile to profile and refuses profiles that cannot work. It
//! does not assume the roles. Defined by the [assume role
//! page](https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html).

use std::collections::HashSet;

use super::error::ProfileError;
use super::section::{Origin, Profile};
use super::set::{DEFAULT, ProfileSet};
use super::source::{self, BaseSource, setting};

/// The number of names that the error of an unknown profile lists.
const NAMES_SHOWN: usize = 8;

/// The steps to a profile's credentials: a source, then the roles to assume, in that order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChain {
    base: BaseSource,
    base_profile: String,
    roles: Vec<RoleStep>,
}

impl RoleChain {
    /// The source of the first credentials.
    #[must_use]
    pub fn base(&self) -> &BaseSource {
        &self.base
    }

    /// The profile that names the source.
    #[must_use]
    pub fn base_profile(&self) -> &str {
        &self.base_profile
    }

    /// The roles. The source's credentials assume the first one, and the credentials of the last
    /// one are the result.
    #[must_use]
    pub fn roles(&self) -> &[RoleStep] {
        &self.roles
    }
}

/// One role to assume.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleStep {
    /// The profile with these settings.
    pub profile: String,
    /// `role_arn`.
    pub role_arn: String,
    /// `external_id`.
    pub external_id: Option<String>,
    /// `role_session_name`.
    pub session_name: Option<String>,
    /// `duration_seconds`, which is not checked against the limits of AWS.
    pub duration_seconds: Option<u32>,
    /// The line of `role_arn`.
    pub origin: Origin,
}

/// Follows the profile `name` to its source.
///
/// A profile with a role names the credentials to assume it with: `source_profile`,
/// `credential_source`, or a web identity token. Keys in a profile with a role are used for that
/// role only if the profile names itself as its source. In a profile to which another one refers,
/// keys are used before its own role.
///
/// # Errors
/// [`ProfileError`], which names the profile and says what to do. If
/// [`ProfileError::is_not_configured`] is true, profiles are not in use.
pub fn resolve_chain(profiles: &ProfileSet, name: &str) -> Result<RoleChain, ProfileError> {
    if profiles.is_empty() || (name == DEFAULT && profiles.get(name).is_none()) {
        return Err(ProfileError::NoProfiles);
    }
    let known = || known_names(profiles);
    let mut profile =
        profiles.get(name).ok_or_else(|| ProfileError::NotFound { name: name.to_owned(), known: known() })?;
    let mut path = vec![profile.name()];
    let mut visited = HashSet::from([profile.name()]);
    let mut roles = Vec::new();
    let base = loop {
        let Some(role) = role(profile)? else {
            break base(profiles, profile, &path)?;
        };
        roles.push(role);
        let next = match next(profile)? {
            Next::Source(source) => break source,
            Next::Profile(next) if next == profile.name() => break own_keys(profile)?,
            Next::Profile(next) => next,
        };
        path.push(next);
        let from = profile.name();
        profile = profiles.get(next).ok_or_else(|| ProfileError::SourceNotFound {
            name: next.to_owned(),
            from: from.to_owned(),
            known: known(),
        })?;
        if !visited.insert(next) {
            return Err(ProfileError::Loop { path: path.into_iter().map(str::to_owned).collect() });
        }
        // A profile that is only a source gives its keys if it has both, even if it also has a
        // role.
        if let Ok(Some(keys)) = source::static_keys(profile) {
            break keys;
        }
    };
    roles.reverse();
    Ok(RoleChain { base, base_profile: profile.name().to_owned(), roles })
}

/// The source of the credentials to assume a profile's role with.
enum Next<'p> {
    Profile(&'p str),
    Source(BaseSource),
}

fn next(profile: &Profile) -> Result<Next<'_>, ProfileError> {
    let name = || profile.name().to_owned();
    match (profile.setting("source_profile"), source::named_source(profile)) {
        (Some(_), Ok(Some(_)) | Err(_)) => Err(ProfileError::BothSources { name: name() }),
        (Some(next), Ok(None)) => Ok(Next::Profile(next)),
        (None, Ok(Some(source))) => Ok(Next::Source(BaseSource::Named(source))),
        (None, Ok(None)) => Err(ProfileError::MissingSource { name: name() }),
        (None, Err(error)) => Err(error),
    }
}

/// The role to assume in this profile, if it has one. With a web identity token the role is part of
/// the source instead.
fn role(profile: &Profile) -> Result<Option<RoleStep>, ProfileError> {
    let Some((role_arn, origin)) = setting(profile, "role_arn") else { return Ok(None) };
    if profile.setting("web_identity_token_file").is_some() {
        return Ok(None);
    }
    if let Some((_, origin)) = setting(profile, "mfa_serial") {
        return Err(ProfileError::MfaUnsupported { name: profile.name().to_owned(), origin });
    }
    let owned = |key| profile.setting(key).map(str::to_owned);
    Ok(Some(RoleStep {
        profile: profile.name().to_owned(),
        role_arn: role_arn.to_owned(),
        external_id: owned("external_id"),
        session_name: owned("role_session_name"),
        duration_seconds: duration(profile)?,
        origin,
    }))
}

fn duration(profile: &Profile) -> Result<Option<u32>, ProfileError> {
    let Some((value, origin)) = setting(profile, "duration_seconds") else { return Ok(None) };
    match value.parse() {
        Ok(seconds) => Ok(Some(seconds)),
        Err(_) => Err(ProfileError::InvalidDuration { name: profile.name().to_owned(), origin }),
    }
}

/// The source of the profile at the end of the path.
fn base(profiles: &ProfileSet, profile: &Profile, path: &[&str]) -> Result<BaseSource, ProfileError> {
    if let Some(source) = source::base_source(profiles, profile)? {
        return Ok(source);
    }
    let name = profile.name().to_owned();
    Err(match path {
        [.., from, _] => ProfileError::SourceWithoutCredentials { name, from: (*from).to_owned() },
        _ => ProfileError::NoCredentials { name },
    })
}

/// The keys of a profile that names itself as its source.
fn own_keys(profile: &Profile) -> Result<BaseSource, ProfileError> {
    source::static_keys(profile)?.ok_or_else(|| ProfileError::SelfSourceWithoutKeys { name: profile.name().to_owned() })
}

fn known_names(profiles: &ProfileSet) -> Vec<String> {
    let mut names: Vec<_> = profiles.profiles().take(NAMES_SHOWN).map(|profile| profile.name().to_owned()).collect();
    match profiles.profiles().count().checked_sub(names.len()) {
        None | Some(0) => {}
        Some(more) => names.push(format!("{more} more")),
    }
    names
}

#[cfg(test)]
mod tests;
