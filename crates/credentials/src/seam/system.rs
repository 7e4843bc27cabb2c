//! The real files, processes and network, by tokio and reqwest. The real environment and clock need
//! neither and are beside their traits.

mod files;
mod http;
mod process;
mod proxy;

pub use files::{CA_BUNDLE_LIMIT, SystemFiles};
pub use http::SystemHttp;
pub use process::SystemProcesses;

use super::{ProcessEnv, SystemClock, World};

impl World {
    /// The real world: the process's environment, its disk, its network, its processes, and the
    /// system's clock.
    ///
    /// Nothing is opened yet: the HTTP client is set up by the first request.
    #[must_use]
    pub fn system() -> Self {
        Self::builder()
            .with_env(ProcessEnv)
            .with_files(SystemFiles)
            .with_http(SystemHttp::new(ProcessEnv))
            .with_processes(SystemProcesses)
            .with_clock(SystemClock)
            .build()
    }
}
