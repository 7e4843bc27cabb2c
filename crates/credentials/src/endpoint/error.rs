//! How finding a service's URL can fail: always a setting that someone has to change.

use super::configured::UrlSource;

/// A region or a setting from which no URL can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Nothing says which region.
    #[error("no region is known; set AWS_REGION, or region in the profile")]
    MissingRegion,
    /// The region could not be part of a host's name.
    #[error("{region:?} cannot be a region: it must be letters, digits and hyphens, such as us-east-1")]
    InvalidRegion {
        /// The region as given.
        region: String,
    },
    /// FIPS hosts were asked for, and a URL was set that may be anything.
    #[error(
        "FIPS endpoints are asked for, but {url_source} sets a URL; remove it, or turn AWS_USE_FIPS_ENDPOINT and use_fips_endpoint off"
    )]
    FipsWithConfiguredUrl {
        /// Who sets the URL.
        url_source: UrlSource,
    },
    /// Dual-stack hosts were asked for, and a URL was set that may be anything.
    #[error(
        "dual-stack endpoints are asked for, but {url_source} sets a URL; \
         remove it, or turn AWS_USE_DUALSTACK_ENDPOINT and use_dualstack_endpoint off"
    )]
    DualStackWithConfiguredUrl {
        /// Who sets the URL.
        url_source: UrlSource,
    },
    /// A URL that no request can be sent to. The URL itself is not shown: it may hold a password.
    #[error(
        "the endpoint URL from {url_source} {problem}; write it as https://host or http://host:port, with a path if need be"
    )]
    InvalidUrl {
        /// Who sets the URL.
        url_source: UrlSource,
        /// What is the matter with it.
        problem: &'static str,
    },
    /// A profile that refers to a `services` section that does not exist.
    #[error(
        "profile `{profile}` uses [services {services}], which does not exist; add it to the config file or remove `services`"
    )]
    ServicesNotFound {
        /// The profile's name.
        profile: String,
        /// The name in `services`.
        services: String,
    },
    /// A setting that must be `true` or `false` and is neither.
    #[error("{setting} must be true or false")]
    NotBoolean {
        /// The variable, or the profile's key and its place.
        setting: String,
    },
}
