//! The URL of an AWS service: its host in a region, or the URL that settings give instead.
//!
//! This module has the partitions, the names of FIPS and dual-stack hosts, and the order of the
//! endpoint settings. It is pure: the environment is a function that is passed in, and the profiles
//! are already read.
//!
//! Hosts follow AWS's endpoint rules; the settings follow the [service-specific endpoints
//! page](https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
//!
//! ```
//! use sagewire_credentials::endpoint::{EndpointSettings, Service, configured_endpoint_url, service_url};
//!
//! let plain = EndpointSettings::default();
//! let url = service_url(Service::SageMakerRuntime, Some("cn-north-1"), plain, None)?;
//! assert_eq!(url, "https://runtime.sagemaker.cn-north-1.amazonaws.com.cn");
//!
//! let env = |name: &str| (name == "AWS_ENDPOINT_URL_STS").then(|| "http://127.0.0.1:4566".to_owned());
//! let configured = configured_endpoint_url(Service::Sts, None, env, None)?;
//! assert_eq!(service_url(Service::Sts, Some("eu-west-1"), plain, configured.as_ref())?, "http://127.0.0.1:4566");
//! # Ok::<(), sagewire_credentials::endpoint::EndpointError>(())
//! ```

pub use configured::{ConfiguredUrl, UrlSource, configured_endpoint_url};
pub use error::EndpointError;
pub use host::{service_host, service_url, signing_region};
pub use partition::Partition;
pub use service::Service;
pub use settings::EndpointSettings;

mod configured;
mod error;
mod host;
mod partition;
mod service;
mod settings;
