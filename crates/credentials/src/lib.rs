#![doc = include_str!("../README.md")]
//!
//! # Where things are
//! - [`Credentials`] are one set of keys; [`ProvideCredentials`] is whatever gives them: a source,
//!   a chain, [`CachedProvider`], a program's own.
//! - The sources have a file each. [`DefaultChain`] orders them, [`AwsParams`] chooses among them,
//!   [`Explanation`] reports what they did.
//! - [`Region`] and [`resolve_region`]: the one order in which a region is looked for.
//!   [`endpoint`]: at which host or URL a service is called.
//! - [`profile`] reads the shared config and credentials files, as text; [`SharedConfig`] is them
//!   and the environment together.
//! - [`seam`] holds the traits through which everything outside is touched, and [`seam::World`],
//!   which bundles them.
//! - [`CredentialsError`] says what went wrong, what was tried, and what to do. [`env_vars`] lists
//!   every variable that is read.

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
