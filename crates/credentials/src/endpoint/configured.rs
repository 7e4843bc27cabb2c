//! The URL that settings give a service instead of its usual host, and the setting that it comes
//! from.

use std::fmt;

use super::error::EndpointError;
use super::service::Service;
use super::settings::boolean;
use crate::env_vars::{AWS_ENDPOINT_URL, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS};
use crate::profile::{Origin, Profile, ProfileSet};

/// The key of a URL in a profile and in a `services` section.
const ENDPOINT_URL: &str = "endpoint_url";

/// A service's URL from the settings. `Debug` leaves out the query, which may contain a key.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfiguredUrl {
    url: String,
    source: UrlSource,
}

impl ConfiguredUrl {
    /// The URL as it is written, trimmed.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The setting it comes from.
    #[must_use]
    pub fn source(&self) -> &UrlSource {
        &self.source
    }

    fn parse(url: &str, source: UrlSource) -> Result<Self, EndpointError> {
        let url = url.trim();
        match problem(url) {
            Some(problem) => Err(EndpointError::InvalidUrl { url_source: source, problem }),
            None => Ok(Self { url: url.to_owned(), source }),
        }
    }
}

impl fmt::Debug for ConfiguredUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.url.split_once('?').map_or(self.url.as_str(), |(shown, _)| shown);
        f.debug_struct("ConfiguredUrl").field("url", &shown).field("source", &self.source).finish()
    }
}

/// The setting of a URL, in the order of precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlSource {
    /// The program or its configuration.
    Explicit,
    /// This environment variable.
    Variable(&'static str),
    /// A `services` section.
    Services {
        /// The section's name.
        section: String,
        /// The section's line for the service.
        origin: Origin,
    },
    /// A profile's own `endpoint_url`.
    Profile {
        /// The profile's name.
        profile: String,
        /// The line.
        origin: Origin,
    },
}

impl fmt::Display for UrlSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Explicit => f.write_str("the program's configuration"),
            Self::Variable(name) => f.write_str(name),
            Self::Services { section, origin } => write!(f, "[services {section}] ({origin})"),
            Self::Profile { profile, origin } => write!(f, "profile `{profile}` ({origin})"),
        }
    }
}

/// The URL that the settings give `service`, if there is one: the program's, else the service's
/// variable, else `AWS_ENDPOINT_URL`, else the service's in the `services` section that the
/// selected profile uses, else that profile's.
///
/// With `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`, or `ignore_configured_endpoint_urls` in the profile,
/// only the program's URL is used. `AWS_ENDPOINT_URL` and the profile's `endpoint_url` apply to
/// every service, including STS and SSO.
///
/// # Errors
/// [`EndpointError::InvalidUrl`] and [`EndpointError::ServicesNotFound`] for the setting that would
/// have been used, and [`EndpointError::NotBoolean`].
pub fn configured_endpoint_url(
    service: Service,
    explicit: Option<&str>,
    env: impl Fn(&str) -> Option<String>,
    profiles: Option<&ProfileSet>,
) -> Result<Option<ConfiguredUrl>, EndpointError> {
    if let Some(url) = explicit.filter(|url| !url.trim().is_empty()) {
        return ConfiguredUrl::parse(url, UrlSource::Explicit).map(Some);
    }
    let profile = profiles.and_then(ProfileSet::selected);
    if boolean(&env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS, profile, "ignore_configured_endpoint_urls")? == Some(true) {
        return Ok(None);
    }
    for variable in [service.endpoint_variable(), AWS_ENDPOINT_URL] {
        if let Some(url) = env(variable).filter(|url| !url.trim().is_empty()) {
            return ConfiguredUrl::parse(&url, UrlSource::Variable(variable)).map(Some);
        }
    }
    match (profiles, profile) {
        (Some(profiles), Some(profile)) => from_profile(service, profiles, profile),
        _ => Ok(None),
    }
}

fn from_profile(
    service: Service,
    profiles: &ProfileSet,
    profile: &Profile,
) -> Result<Option<ConfiguredUrl>, EndpointError> {
    if let Some(name) = profile.setting("services") {
        let Some(services) = profiles.services(name) else {
            return Err(EndpointError::ServicesNotFound {
                profile: profile.name().to_owned(),
                services: name.to_owned(),
            });
        };
        let key = service.config_key();
        let url = services.sub(key, ENDPOINT_URL).filter(|url| !url.is_empty());
        if let (Some(url), Some(property)) = (url, services.property(key)) {
            let source = UrlSource::Services { section: name.to_owned(), origin: property.origin().clone() };
            return ConfiguredUrl::parse(url, source).map(Some);
        }
    }
    match (profile.setting(ENDPOINT_URL), profile.property(ENDPOINT_URL)) {
        (Some(url), Some(property)) => {
            let source = UrlSource::Profile { profile: profile.name().to_owned(), origin: property.origin().clone() };
            ConfiguredUrl::parse(url, source).map(Some)
        }
        _ => Ok(None),
    }
}

/// Why no request can be sent to this URL.
fn problem(url: &str) -> Option<&'static str> {
    let Ok(parsed) = url.parse::<http::Uri>() else { return Some("is not a URL") };
    match (parsed.scheme_str(), parsed.authority()) {
        (Some("http" | "https"), Some(authority)) if authority.as_str().contains('@') => {
            Some("contains a user name or a password, which is not supported")
        }
        (Some("http" | "https"), Some(authority)) if authority.host().is_empty() => Some("has no host"),
        (Some("http" | "https"), Some(_)) if url.contains('#') => Some("has a fragment (#)"),
        (Some("http" | "https"), Some(_)) => None,
        (Some(_), _) => Some("is neither http nor https"),
        (None, _) => Some("does not begin with https:// or http://"),
    }
}

#[cfg(test)]
mod tests;
