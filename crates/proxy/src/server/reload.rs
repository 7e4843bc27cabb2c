//! A new configuration under a running server.
//!
//! Owns when the file is read again and what becomes of it: a good one takes over, a broken one is refused and logged.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use sagewire::credentials::seam::World;

use crate::{
    Config, ConfigError, ServerError, ServerHandle, Wiring, WiringError,
    config::{self, Warning},
};

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Reads a configuration file again and gives a running server the app of it.
#[derive(Debug)]
pub struct Reloader {
    path: PathBuf,
    world: World,
    wiring: Arc<Wiring>,
    handle: ServerHandle,
}

/// Why a new configuration was refused. The old one stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file cannot be served.
    #[error(transparent)]
    Wiring(#[from] WiringError),
    /// The server does not take it.
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl Reloader {
    /// Reloads this file into this server, by the wiring that made its first app.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, world: World, wiring: Arc<Wiring>, handle: ServerHandle) -> Self {
        Self { path: path.into(), world, wiring, handle }
    }

    /// Reads the file, and gives the server its app. Requests at work finish on the old one.
    ///
    /// # Errors
    /// [`ReloadError`]; then nothing has changed.
    pub fn reload(&self) -> Result<Vec<Warning>, ReloadError> {
        let outcome = self.try_reload();
        let app = self.handle.app();
        let metrics = &app.lasting().metrics;
        match &outcome {
            Ok((warnings, changes)) => {
                metrics.reloads.with(["taken"]).add(1);
                for warning in warnings {
                    tracing::warn!(target: "sagewire::proxy", key = warning.key, "{warning}");
                }
                let changes = if changes.is_empty() { "none that can be shown".to_owned() } else { changes.join("; ") };
                tracing::info!(target: "sagewire::proxy", path = %self.path.display(), changes, "configuration reloaded");
            }
            Err(error) => {
                metrics.reloads.with(["refused"]).add(1);
                tracing::error!(
                    target: "sagewire::proxy",
                    path = %self.path.display(),
                    "the changed configuration is refused, and the old one stays in use: {error}"
                );
            }
        }
        outcome.map(|(warnings, _)| warnings)
    }

    fn try_reload(&self) -> Result<(Vec<Warning>, Vec<String>), ReloadError> {
        let (config, warnings) = Config::from_file(&self.path, &|name| self.world.var(name))?;
        let changes = self.wiring.changes(&config);
        let app = self.wiring.app(&config, Some(&self.handle.app()))?;
        self.handle.replace(app)?;
        self.handle.reload_certificate()?;
        Ok((warnings, changes))
    }

    /// The file and those that it includes.
    async fn files(&self) -> Vec<PathBuf> {
        let path = self.path.clone();
        let files = tokio::task::spawn_blocking(move || config::include::files_of(&path)).await;
        files.unwrap_or_else(|_| vec![self.path.clone()])
    }

    async fn look(&self) -> (Vec<PathBuf>, Option<u64>) {
        let files = self.files().await;
        let seen = fingerprint(&files).await;
        (files, seen)
    }

    /// Reloads whenever the file or one that it includes changes or, on Unix, SIGHUP comes; until the future is dropped.
    pub async fn run(self) {
        let mut files = self.files().await;
        let mut seen = fingerprint(&files).await;
        let mut hangup = Hangup::new();
        loop {
            tokio::select! {
                () = hangup.next() => {
                    (files, seen) = self.look().await;
                    let _ = self.reload();
                }
                () = tokio::time::sleep(LOOK_EVERY) => {
                    let now = fingerprint(&files).await;
                    // A file that is being replaced may be missing for a moment.
                    if now.is_some() && now != seen {
                        // It may include others now.
                        (files, seen) = self.look().await;
                        let _ = self.reload();
                    }
                }
            }
        }
    }
}

/// What tells one content of these files from another; the content itself, which may hold secrets, is not kept. `None` where one of them is missing.
async fn fingerprint(files: &[PathBuf]) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        tokio::fs::read(file).await.ok()?.hash(&mut hasher);
    }
    Some(hasher.finish())
}

#[cfg(unix)]
struct Hangup(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Hangup {
    fn new() -> Self {
        Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok())
    }

    async fn next(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
struct Hangup;

#[cfg(not(unix))]
impl Hangup {
    fn new() -> Self {
        Self
    }

    async fn next(&mut self) {
        std::future::pending().await
    }
}
