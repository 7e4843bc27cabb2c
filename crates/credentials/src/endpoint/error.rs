//! The errors of determining a service's URL. Each is a setting that has to be changed.

use super::configured::UrlSource;

/// A missing or invalid region or setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The region is not known.
    #[error("no AWS region is set; set `AWS_REGION`, or `region` in the profile")]
    MissingRegion,
    /// The region cannot be part of a host name.
    #[error("invalid AWS region {region:?}: expected letters, digits and hyphens, such as us-east-1")]
    InvalidRegion {
        /// The region as given.
        region: String,
    },
    /// FIPS hosts are requested together with a URL that may not be one.
    #[error(
        "FIPS endpoints are requested, but {url_source} sets a URL; \
         remove it, or turn `AWS_USE_FIPS_ENDPOINT` and `use_fips_endpoint` off"
    )]
    FipsWithConfiguredUrl {
        /// The setting of the URL.
        url_source: UrlSource,
    },
    /// Dual-stack hosts are requested together with a URL that may not be one.
    #[error(
        "dual-stack endpoints are requested, but {url_source} sets a URL; \
         remove it, or turn `AWS_USE_DUALSTACK_ENDPOINT` and `use_dualstack_endpoint` off"
    )]
    DualStackWithConfiguredUrl {
        /// The setting of the URL.
        url_source: UrlSource,
    },
    /// A URL to which no request can be sent. It is not shown, since it may contain a password.
    #[error(
        "invalid endpoint URL in {url_source}: it {problem}; write https://host or http://host:port, optionally with a path"
    )]
    InvalidUrl {
        /// The setting of the URL.
        url_source: UrlSource,
        /// What is wrong with it.
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
    #[error("invalid {setting}: expected true or false")]
    NotBoolean {
        /// The variable, or the profile's key and its place.
        setting: String,
    },
}
