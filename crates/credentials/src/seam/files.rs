//! The file seam: small files, which are read and replaced as a whole. The callers interpret them.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use zeroize::Zeroizing;

/// The properties of a file that are known without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileMetadata {
    /// Its size in bytes.
    pub len: u64,
    /// The time of the last change, if it is known.
    pub modified: Option<SystemTime>,
}

impl FileMetadata {
    /// The metadata of a file of `len` bytes.
    #[must_use]
    pub fn new(len: u64, modified: Option<SystemTime>) -> Self {
        Self { len, modified }
    }
}

/// Where files come from.
#[async_trait]
pub trait Files: Send + Sync + std::fmt::Debug {
    /// The whole content of the file at `path`, which is wiped from memory on drop.
    ///
    /// # Errors
    /// The system's own, [`io::ErrorKind::FileTooLarge`] for a file of more than `limit` bytes, and
    /// [`io::ErrorKind::InvalidInput`] for one that is not a regular file.
    async fn read(&self, path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>>;

    /// Replaces the file at `path` by `content` in one step, so that no reader sees a part of it.
    /// Only its owner can read the new file.
    ///
    /// # Errors
    /// The system's own. The old file is unchanged then.
    async fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()>;

    /// Creates the folder at `path` and those above it, accessible only to their owner. Folders
    /// that exist are unchanged.
    ///
    /// The default does nothing, for implementations without folders.
    ///
    /// # Errors
    /// The system's own.
    async fn create_folder(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    /// The metadata of the file at `path`.
    ///
    /// # Errors
    /// The system's own.
    async fn metadata(&self, path: &Path) -> io::Result<FileMetadata>;
}

pub(crate) fn too_large(limit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("the file has more than {limit} bytes"))
}

/// Files held in memory, for tests. Clones share them.
#[derive(Clone, Default)]
pub struct MapFiles(std::sync::Arc<Mutex<HashMap<PathBuf, Vec<u8>>>>);

impl MapFiles {
    /// No files at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same files with one more.
    #[must_use]
    pub fn with(self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        self.insert(path, content);
        self
    }

    /// Adds or replaces a file.
    pub fn insert(&self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) {
        self.lock().insert(path.into(), content.into());
    }

    /// Deletes a file, if it is there.
    pub fn remove(&self, path: impl AsRef<Path>) {
        self.lock().remove(path.as_ref());
    }

    /// The content of a file.
    #[must_use]
    pub fn get(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        self.lock().get(path.as_ref()).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, path: &Path) -> io::Result<Vec<u8>> {
        // The raw code makes the message the one that the operating system gives.
        self.get(path).ok_or_else(|| io::Error::from_raw_os_error(NOT_FOUND))
    }
}

/// "No such file or directory", the same number on every Unix and on Windows.
const NOT_FOUND: i32 = 2;

impl std::fmt::Debug for MapFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut paths: Vec<_> = self.lock().keys().cloned().collect();
        paths.sort();
        f.debug_tuple("MapFiles").field(&paths).finish()
    }
}

#[async_trait]
impl Files for MapFiles {
    async fn read(&self, path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        let content = Zeroizing::new(self.find(path)?);
        if content.len() as u64 > limit { Err(too_large(limit)) } else { Ok(content) }
    }

    async fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.insert(path, content);
        Ok(())
    }

    async fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        Ok(FileMetadata::new(self.find(path)?.len() as u64, None))
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::path::Path;

    use super::{Files, MapFiles};

    #[tokio::test]
    async fn reads_replaces_and_limits() {
        let files = MapFiles::new().with("/a", "hidden");
        let path = Path::new("/a");
        assert_eq!(**files.read(path, 6).await.unwrap(), *b"hidden");
        assert_eq!(files.read(path, 5).await.unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(files.read(Path::new("/b"), 6).await.unwrap_err().kind(), ErrorKind::NotFound);
        files.replace(path, b"new").await.unwrap();
        assert_eq!(files.metadata(path).await.unwrap().len, 3);
        assert!(!format!("{files:?}").contains("new"));
    }
}
