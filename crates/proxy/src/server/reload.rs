//! A new configuration under a running server.
//!
//! Owns when the file is read again and what becomes of it: a good one takes over, a broken one is
//! refused and logged.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sagewire::credentials::seam::World;

use crate::{
    ConfigError, ServerError, ServerHandle, Wiring, WiringError,
    config::{self, Reading, Warning},
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

    /// Reads the file, and gives the server its app. Requests in flight finish with the previous
    /// one.
    ///
    /// # Errors
    /// [`ReloadError`]; then nothing has changed.
    pub async fn reload(&self) -> Result<Vec<Warning>, ReloadError> {
        let outcome = self.try_reload().await;
        let app = self.handle.app();
        let metrics = &app.lasting().metrics;
        match &outcome {
            Ok((warnings, changes)) => {
                metrics.reloads.add(["taken"], 1);
                for warning in warnings {
                    tracing::warn!(target: "sagewire::proxy", key = warning.key, "{warning}");
                }
                let changes = if changes.is_empty() { "none that can be shown".to_owned() } else { changes.join("; ") };
                tracing::info!(target: "sagewire::proxy", path = %self.path.display(), changes, "configuration reloaded");
            }
            Err(error) => {
                metrics.reloads.add(["refused"], 1);
                tracing::error!(
                    target: "sagewire::proxy",
                    path = %self.path.display(),
                    "the changed configuration is invalid; the previous one stays in use: {error}"
                );
            }
        }
        outcome.map(|(warnings, _)| warnings)
    }

    async fn try_reload(&self) -> Result<(Vec<Warning>, Vec<String>), ReloadError> {
        config::include::can_be_read_again(&self.path)
            .map_err(|source| ConfigError::Read { path: self.path.clone(), source })?;
        let reading = Reading::of_file(&self.path, &|name| self.world.var(name))?;
        let (config, warnings) = self.wiring.checked(reading).await.finish()?;
        let changes = self.wiring.changes(&config);
        if !self.wiring.knows_account_of(&config)
            && let Err(error) = self.wiring.discover(&config).await
        {
            tracing::warn!(target: "sagewire::proxy", %error, "the account's endpoints could not be read");
        }
        self.wiring.replace::<ReloadError>(&self.handle, &config, ServerHandle::reload)?;
        Ok((warnings, changes))
    }

    /// The file, those that it includes and the certificate's.
    async fn files(&self) -> Vec<PathBuf> {
        let path = self.path.clone();
        let files = tokio::task::spawn_blocking(move || config::include::files_of(&path)).await;
        let mut files = files.unwrap_or_else(|_| vec![self.path.clone()]);
        files.extend(self.handle.certificate_files());
        files
    }

    async fn look(&self) -> Seen {
        Seen::of(&self.files().await).await
    }

    /// Reloads whenever the file, one that it includes or the certificate changes or, on Unix,
    /// SIGHUP comes; until the future is dropped.
    pub async fn run(self) {
        let mut loaded = self.look().await;
        let mut before = loaded.clone();
        let mut hangup = Hangup::new();
        loop {
            let told = tokio::select! {
                () = hangup.next() => true,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            let now = self.look().await;
            // A file that is being replaced may be missing for a moment: that counts once it was missing twice.
            let is_settled = now.is_complete || now == before;
            if told || (now != loaded && is_settled) {
                loaded = now.clone();
                let _ = self.reload().await;
            }
            before = now;
        }
    }
}

/// The largest file whose change is noticed by its content.
const LARGEST: u64 = 16 * 1024 * 1024;

/// What tells one state of some files from another; the content itself, which may hold secrets, is
/// not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    fingerprint: u64,
    /// Whether every file could be read.
    is_complete: bool,
}

impl Seen {
    async fn of(files: &[PathBuf]) -> Self {
        let mut hasher = DefaultHasher::new();
        let mut is_complete = true;
        for file in files {
            file.hash(&mut hasher);
            let content = content(file).await;
            is_complete &= content.is_some();
            content.hash(&mut hasher);
        }
        Self { fingerprint: hasher.finish(), is_complete }
    }
}

/// The content of a regular file of sensible size. Others would have to be waited for, or never
/// end.
async fn content(file: &Path) -> Option<Vec<u8>> {
    let facts = tokio::fs::metadata(file).await.ok()?;
    if facts.is_file() && facts.len() <= LARGEST { tokio::fs::read(file).await.ok() } else { None }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_file_hides_no_change_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let [main, included] = ["main.yaml", "included.yaml"].map(|name| folder.path().join(name));
        let files = [main.clone(), included.clone()];
        std::fs::write(&main, "a: 1").unwrap();
        std::fs::write(&included, "b: 1").unwrap();
        let whole = Seen::of(&files).await;
        assert!(whole.is_complete);
        std::fs::remove_file(&included).unwrap();
        let missing = Seen::of(&files).await;
        assert!(!missing.is_complete && missing != whole);
        std::fs::write(&main, "a: 2").unwrap();
        assert_ne!(Seen::of(&files).await, missing);
        assert_eq!(content(folder.path()).await, None, "a folder is not a file");
    }
}
