//! The seams: the traits through which this crate uses the outside world. The real implementations
//! need the feature `system`; others are for tests.
//!
//! Each seam is a file: [`Env`], [`Files`], [`HttpClient`], [`Processes`] and [`Clock`]. [`World`]
//! bundles the five.

mod clock;
mod env;
mod files;
mod http;
mod observe;
mod process;
#[cfg(feature = "system")]
mod system;
mod world;

pub use clock::{Clock, FixedClock, SystemClock, TokioClock};
pub use env::{Env, MapEnv, ProcessEnv};
pub use files::{FileMetadata, Files, MapFiles};
pub use http::{HttpClient, HttpError, HttpErrorKind, HttpFn, NoHttp, RequestOptions, Route};
pub use observe::Look;
pub use process::{NoProcesses, ProcessLimits, ProcessOutput, Processes};
#[cfg(feature = "system")]
pub use system::{CA_BUNDLE_LIMIT, SystemFiles, SystemHttp, SystemProcesses};
pub use world::{World, WorldBuilder};
