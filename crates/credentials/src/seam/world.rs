//! [`World`]: the five seams in one handle, which every source gets.

use std::sync::Arc;

use super::{Clock, Env, Files, HttpClient, MapEnv, MapFiles, NoHttp, NoProcesses, Processes, SystemClock};

/// Everything outside this crate that a source uses: environment, files, HTTP, processes and
/// clock. Cloning is cheap.
///
/// [`World::system`] is the real one. [`World::builder`] starts from nothing (no variables, no
/// files, no network, no processes), so that a test uses only what it adds.
///
/// ```
/// use sagewire_credentials::seam::{MapEnv, World};
///
/// let world = World::builder().with_env(MapEnv::from([("AWS_REGION", "eu-west-1")])).build();
/// assert_eq!(world.var("AWS_REGION").as_deref(), Some("eu-west-1"));
/// ```
#[derive(Clone, Debug)]
pub struct World {
    env: Arc<dyn Env>,
    files: Arc<dyn Files>,
    http: Arc<dyn HttpClient>,
    processes: Arc<dyn Processes>,
    clock: Arc<dyn Clock>,
}

impl World {
    /// A builder of a world that has only the system's clock.
    pub fn builder() -> WorldBuilder {
        WorldBuilder(Self {
            env: Arc::new(MapEnv::new()),
            files: Arc::new(MapFiles::new()),
            http: Arc::new(NoHttp),
            processes: Arc::new(NoProcesses),
            clock: Arc::new(SystemClock),
        })
    }

    /// A builder that begins with this world.
    pub fn to_builder(&self) -> WorldBuilder {
        WorldBuilder(self.clone())
    }

    /// The value of a variable, trimmed. `None` if it is unset, empty or blank, as in AWS's SDKs.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<String> {
        let value = self.env.var(name)?;
        let trimmed = value.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }

    /// The environment.
    #[must_use]
    pub fn env(&self) -> &Arc<dyn Env> {
        &self.env
    }

    /// The files.
    #[must_use]
    pub fn files(&self) -> &Arc<dyn Files> {
        &self.files
    }

    /// The HTTP client.
    #[must_use]
    pub fn http(&self) -> &Arc<dyn HttpClient> {
        &self.http
    }

    /// The processes.
    #[must_use]
    pub fn processes(&self) -> &Arc<dyn Processes> {
        &self.processes
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The time now, by this world's clock.
    #[must_use]
    pub fn now(&self) -> std::time::SystemTime {
        self.clock.now()
    }
}

/// Fills or changes a [`World`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct WorldBuilder(World);

impl WorldBuilder {
    /// Takes variables from `env`.
    pub fn with_env(mut self, env: impl Env + 'static) -> Self {
        self.0.env = Arc::new(env);
        self
    }

    /// Takes files from `files`.
    pub fn with_files(mut self, files: impl Files + 'static) -> Self {
        self.0.files = Arc::new(files);
        self
    }

    /// Sends requests through `http`.
    pub fn with_http(mut self, http: impl HttpClient + 'static) -> Self {
        self.0.http = Arc::new(http);
        self
    }

    /// Runs processes through `processes`.
    pub fn with_processes(mut self, processes: impl Processes + 'static) -> Self {
        self.0.processes = Arc::new(processes);
        self
    }

    /// Takes the time from `clock`.
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.0.clock = Arc::new(clock);
        self
    }

    /// The world.
    #[must_use]
    pub fn build(self) -> World {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::World;
    use crate::seam::MapEnv;

    #[test]
    fn a_blank_variable_is_unset() {
        let world = World::builder().with_env(MapEnv::from([("A", " "), ("B", " b ")])).build();
        assert_eq!(world.var("A"), None);
        assert_eq!(world.var("B").as_deref(), Some("b"));
    }
}
