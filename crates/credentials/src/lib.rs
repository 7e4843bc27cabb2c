//! AWS credentials and regions, found as AWS's own SDKs find them, without an AWS SDK.
//!
//! ```
//! use sagewire_credentials::seam::{MapEnv, World};
//! use sagewire_credentials::{EnvironmentCredentials, ProvideCredentials};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! // A program would use `World::system()`; a test says what there is.
//! let env = MapEnv::from([("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")]);
//! let world = World::builder().with_env(env).build();
//!
//! let credentials = EnvironmentCredentials::new(&world).provide_credentials().await?;
//! assert_eq!(credentials.source(), "Environment");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Parts
//! - [`Credentials`] are one set of keys; [`ProvideCredentials`] is whatever gives them.
//! - A source is one way to get them: [`StaticCredentials`], [`EnvironmentCredentials`]. Each is usable alone.
//! - [`endpoint`] says at which host or URL a service is called.
//! - [`profile`] reads the shared config and credentials files, as text, and says what a profile asks for.
//! - [`seam`] holds the traits through which everything outside is touched, and [`seam::World`], which bundles them.
//! - [`CredentialsError`] says what went wrong, what was tried, and what to do.
//!
//! # Features
//! - `system` (default): the real environment, disk, network and processes.
//! - `aws-interop`: conversions to and from the official `aws-credential-types`.

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
