#![doc = include_str!("../README.md")]
//!
//! # Where things are
//! - [`Credentials`] are one set of keys; [`ProvideCredentials`] is the trait of their providers: a
//!   source, a chain, [`CachedProvider`], a program's own.
//! - Each source has a file. [`DefaultChain`] orders them, [`AwsParams`] chooses among them,
//!   [`Explanation`] reports what they did.
//! - [`Region`] and [`resolve_region`]: the region and the order of its settings. [`endpoint`]: the
//!   host or URL of a service.
//! - [`profile`] reads the text of the shared config and credentials files; [`SharedConfig`] has
//!   them and the environment.
//! - [`seam`] has the traits through which this crate uses the outside world, and [`seam::World`],
//!   which bundles them.
//! - [`CredentialsError`] says what is wrong, what was tried, and what to do. [`env_vars`] lists
//!   every variable that is read.

mod bearer_token;
mod cache;
mod chain;
mod config;
mod credentials;
pub mod endpoint;
pub mod env_vars;
mod error;
mod explain;
mod imds;
#[cfg(feature = "aws-interop")]
pub mod interop;
mod params;
pub mod profile;
mod provide;
mod region;
mod retry;
pub mod seam;
mod secret;
mod service_error;
mod source;
mod sts;
mod timestamp;

pub use bearer_token::{BearerToken, BearerTokenError};
pub use cache::{CachePolicy, CachedProvider};
pub use chain::{ChainSource, DefaultChain};
pub use config::SharedConfig;
pub use credentials::Credentials;
pub use error::{Attempt, CredentialsError, ErrorKind};
pub use explain::{Explanation, Outcome, Step};
pub use params::AwsParams;
pub use provide::{ProvideCredentials, SharedCredentialsProvider};
pub use region::{LocatedRegion, Region, RegionError, locate_region, resolve_region};
pub use secret::Secret;
pub use service_error::ServiceError;
pub use source::{
    AssumeRoleCredentials, ContainerCredentials, EnvironmentCredentials, InstanceMetadataCredentials, LoginCredentials,
    ProcessCredentials, ProfileCredentials, SsoCredentials, StaticCredentials, WebIdentityCredentials,
    WebIdentityToken,
};
pub use sts::{CallerIdentity, SessionTag, caller_identity};
