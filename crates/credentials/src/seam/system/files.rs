//! Files on disk.

use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tokio::fs;
use tokio::io::AsyncWriteExt;
use zeroize::Zeroizing;

use crate::seam::files::too_large;
use crate::seam::{FileMetadata, Files};

/// The largest file of certificates that is read, in bytes.
pub const CA_BUNDLE_LIMIT: u64 = 16 * 1024 * 1024;

/// The machine's own files. Only regular files are read: a pipe could block for ever, and a device
/// may have no end.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemFiles;

impl SystemFiles {
    /// The whole content of the regular file at `path`, read by the calling thread. [`Files::read`]
    /// is the same for asynchronous code.
    ///
    /// # Errors
    /// As [`Files::read`].
    pub fn read_blocking(path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        use io::Read as _;

        // Before it is opened: opening a pipe waits for someone to write.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let file = std::fs::File::open(path)?;
        // Room for all of it from the start: a buffer that grows would leave copies of secrets
        // behind.
        let expected = file.metadata()?.len().min(limit);
        let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(expected).unwrap_or(0).saturating_add(1)));
        file.take(limit.saturating_add(1)).read_to_end(&mut content)?;
        if content.len() as u64 > limit { Err(too_large(limit)) } else { Ok(content) }
    }
}

#[async_trait]
impl Files for SystemFiles {
    async fn read(&self, path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        let path = path.to_owned();
        let read = tokio::task::spawn_blocking(move || Self::read_blocking(&path, limit)).await;
        read.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    async fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let temporary = beside(path)?;
        let written = match write_private(&temporary, content).await {
            Ok(()) => fs::rename(&temporary, path).await,
            Err(error) => Err(error),
        };
        if written.is_err() {
            // The first error is the one to report; a temporary file that cannot be deleted adds
            // nothing to it.
            let _ = fs::remove_file(&temporary).await;
        }
        written
    }

    async fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        builder.mode(0o700);
        builder.create(path).await
    }

    async fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        let metadata = fs::metadata(path).await?;
        Ok(FileMetadata::new(metadata.len(), metadata.modified().ok()))
    }
}

/// A name in the same folder, so that the rename stays on one file system, that no other writer
/// picks.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    let mut temporary = name.to_owned();
    temporary.push(format!(".{:016x}.tmp", fastrand::u64(..)));
    Ok(path.with_file_name(temporary))
}

async fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(path).await?;
    file.write_all(content).await?;
    file.sync_all().await
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::path::Path;

    use super::SystemFiles;
    use crate::seam::Files;

    #[tokio::test]
    async fn reads_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(**SystemFiles.read(&path, 5).await.unwrap(), *b"12345");
        assert_eq!(SystemFiles.read(&path, 4).await.unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(SystemFiles.metadata(&path).await.unwrap().len, 5);
        assert_eq!(SystemFiles.read(&folder.path().join("none"), 4).await.unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        for path in [Path::new("/dev/zero"), &pipe, folder.path()] {
            let error = SystemFiles.read(path, 1024).await.unwrap_err();
            assert_eq!(error.to_string(), "not a regular file", "{}", path.display());
        }
    }

    #[tokio::test]
    async fn replaces_whole_files_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.json");
        std::fs::write(&path, "old and longer").unwrap();
        SystemFiles.replace(&path, b"new").await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[tokio::test]
    async fn creates_folders_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        SystemFiles.create_folder(&path).await.unwrap();
        SystemFiles.create_folder(&path).await.unwrap();
        SystemFiles.replace(&path.join("file"), b"x").await.unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[tokio::test]
    async fn a_failed_replacement_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in-the-way");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("child"), "").unwrap();
        assert!(SystemFiles.replace(&path, b"new").await.is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(SystemFiles.replace(Path::new("/"), b"new").await.is_err());
    }
}
