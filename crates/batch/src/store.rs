//! Where files and batches are: a directory, or a bucket of S3.
//!
//! Owns opening it, whose objects lie where, and identifiers. A name that a caller chose never
//! becomes a path: identifiers are checked for their form, and owners are the program's.

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    path::Path as FilePath,
    sync::Arc,
    time::UNIX_EPOCH,
};

use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::{
    ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, UpdateVersion, local::LocalFileSystem, path::Path,
};
use sagewire_credentials::seam::Clock;
use serde::{Serialize, de::DeserializeOwned};

use crate::BatchError;

/// The file of a directory that is locked while a process uses it.
const LOCK: &str = "lock";

/// How long a process's lock lasts is up to it: it is given back when the process ends.
#[derive(Debug)]
enum Access {
    /// One process uses the store.
    Alone { _lock: Option<File> },
    /// Several may. Objects are written on conditions.
    Shared,
}

/// Where files and batches are. A clone is the same store.
#[derive(Clone)]
pub struct Store {
    pub(crate) objects: Arc<dyn ObjectStore>,
    clock: Arc<dyn Clock>,
    access: Arc<Access>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("objects", &self.objects.to_string())
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// A directory, which is made if it is not there. It serves one process: it is locked until the
    /// store is dropped.
    ///
    /// # Errors
    /// [`BatchError::InUse`] if another process has locked it, [`BatchError::Open`] if it cannot be
    /// used.
    pub fn directory(path: &FilePath, clock: Arc<dyn Clock>) -> Result<Self, BatchError> {
        let name = path.display().to_string();
        let failed = |error: std::io::Error| BatchError::Open { name: name.clone(), reason: error.to_string() };
        std::fs::create_dir_all(path).map_err(failed)?;
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(path.join(LOCK)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BatchError::InUse { path: name }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Self::local(path, clock, Some(lock))
    }

    /// A directory that another process may be using, to be looked at.
    ///
    /// # Errors
    /// [`BatchError::Open`] if it cannot be used.
    pub fn directory_unlocked(path: &FilePath, clock: Arc<dyn Clock>) -> Result<Self, BatchError> {
        Self::local(path, clock, None)
    }

    fn local(path: &FilePath, clock: Arc<dyn Clock>, lock: Option<File>) -> Result<Self, BatchError> {
        let files = LocalFileSystem::new_with_prefix(path)
            .map_err(|error| BatchError::Open { name: path.display().to_string(), reason: error.to_string() })?;
        let objects = Arc::new(files.with_automatic_cleanup(true));
        Ok(Self { objects, clock, access: Arc::new(Access::Alone { _lock: lock }) })
    }

    /// A store that several processes may use, in one that writes objects on conditions: S3, or
    /// memory for tests.
    #[must_use]
    pub fn shared(objects: Arc<dyn ObjectStore>, clock: Arc<dyn Clock>) -> Self {
        Self { objects, clock, access: Arc::new(Access::Shared) }
    }

    /// Whether several processes may use it.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(*self.access, Access::Shared)
    }

    /// Seconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    /// An identifier that nobody can guess. Later ones sort behind earlier ones.
    pub(crate) fn new_id(&self, prefix: &str) -> Result<String, BatchError> {
        let millis = self.clock.now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(|_| BatchError::Random)?;
        let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(format!("{prefix}{millis:012x}{random}"))
    }

    /// A small object and its version; `None` if there is none.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        path: &Path,
    ) -> Result<Option<(T, UpdateVersion)>, BatchError> {
        let found = match self.objects.get(path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(BatchError::store("reads the state of a batch"))?,
        };
        let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        let bytes = found.bytes().await.map_err(BatchError::store("reads the state of a batch"))?;
        let value = serde_json::from_slice(&bytes).map_err(|_| BatchError::Damaged { name: path.to_string() })?;
        Ok(Some((value, version)))
    }

    /// Writes a small object as a whole, and says its version. Several processes must not write the
    /// same value. `before` is the version that it must have now; without one it must not be there.
    ///
    /// # Errors
    /// [`BatchError::LeaseLost`] if the condition does not hold.
    pub(crate) async fn write<T: Serialize>(
        &self,
        path: &Path,
        value: &T,
        before: Option<UpdateVersion>,
    ) -> Result<UpdateVersion, BatchError> {
        let bytes = serde_json::to_vec(value).map_err(|_| BatchError::Damaged { name: path.to_string() })?;
        let mode = match (&*self.access, before) {
            (Access::Alone { .. }, _) => PutMode::Overwrite,
            (Access::Shared, None) => PutMode::Create,
            (Access::Shared, Some(before)) => PutMode::Update(before),
        };
        match self.objects.put_opts(path, bytes.clone().into(), PutOptions::from(mode)).await {
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                // A try whose answer was lost has perhaps written it: then it is what was to be written.
                self.version_of(path, &bytes).await?.ok_or(BatchError::LeaseLost)
            }
            put => {
                let put = put.map_err(BatchError::store("writes the state of a batch"))?;
                Ok(UpdateVersion { e_tag: put.e_tag, version: put.version })
            }
        }
    }

    /// The version of an object that has these bytes.
    async fn version_of(&self, path: &Path, bytes: &[u8]) -> Result<Option<UpdateVersion>, BatchError> {
        let found = match self.objects.get(path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(BatchError::store("reads the state of a batch"))?,
        };
        let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        let there = found.bytes().await.map_err(BatchError::store("reads the state of a batch"))?;
        Ok((there == bytes).then_some(version))
    }

    /// Deletes an object, if it is there.
    pub(crate) async fn delete(&self, path: &Path) -> Result<(), BatchError> {
        match self.objects.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(BatchError::store("deletes an object")(error)),
        }
    }

    /// Deletes all objects below a path.
    pub(crate) async fn delete_all(&self, folder: &Path) -> Result<(), BatchError> {
        let found = self.objects.list(Some(folder)).map_ok(|meta| meta.location).boxed();
        let mut deleted = self.objects.delete_stream(found);
        while let Some(result) = deleted.next().await {
            match result {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(BatchError::store("deletes objects")(error)),
            }
        }
        Ok(())
    }

    /// The names directly below a path, in their order.
    pub(crate) async fn names(&self, folder: &Path) -> Result<Vec<String>, BatchError> {
        let found = self.objects.list_with_delimiter(Some(folder)).await;
        let found = found.map_err(BatchError::store("lists objects"))?;
        let objects = found.objects.into_iter().map(|meta| meta.location);
        let mut names: Vec<_> = found
            .common_prefixes
            .into_iter()
            .chain(objects)
            .filter_map(|path| path.filename().map(str::to_owned))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// How many bytes lie below a path.
    pub(crate) async fn bytes(&self, folder: &Path) -> Result<u64, BatchError> {
        let sizes = self
            .objects
            .list(Some(folder))
            .try_fold(0_u64, |sum, meta| async move { Ok(sum.saturating_add(meta.size)) });
        sizes.await.map_err(BatchError::store("lists objects"))
    }
}

/// Whose files and batches they are. Others do not find them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(String);

impl Owner {
    /// An owner of this name: 1 to 80 lowercase letters, digits and hyphens.
    ///
    /// # Errors
    /// [`NotAllowed`] for another name.
    pub fn new(name: impl Into<String>) -> Result<Self, NotAllowed> {
        let name = name.into();
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=80).contains(&name.len()) && name.bytes().all(is_plain) {
            Ok(Self(name))
        } else {
            Err(NotAllowed::new("owner", "expected 1 to 80 lowercase letters, digits and hyphens"))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn folder(&self) -> Path {
        Path::from("owners").join(self.as_str())
    }
}

/// Whether this is an identifier of ours. Only then it may be part of a path.
pub(crate) fn is_id(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|rest| {
        rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
    })
}

/// What was asked for is not possible, because of this parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid `{param}`: {reason}")]
pub struct NotAllowed {
    /// The parameter.
    pub param: &'static str,
    /// Why, and what to do.
    pub reason: String,
}

impl NotAllowed {
    pub(crate) fn new(param: &'static str, reason: impl Into<String>) -> Self {
        Self { param, reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use sagewire_credentials::seam::FixedClock;

    use super::*;

    #[test]
    fn only_identifiers_of_ours_become_paths() {
        let store = Store::shared(Arc::new(object_store::memory::InMemory::new()), Arc::new(FixedClock(UNIX_EPOCH)));
        let id = store.new_id("file-").unwrap();
        assert!(is_id(&id, "file-") && !is_id(&id, "batch_"));
        assert_ne!(id, store.new_id("file-").unwrap());
        let upper = id.to_uppercase().replace("FILE", "file");
        let longer = format!("{id}/");
        let shorter = id.split_at(36).0;
        for other in ["", "file-", "file-../../../../../../../../../../x", &upper, &longer, shorter] {
            assert!(!is_id(other, "file-"), "{other}");
        }
        for name in ["", "..", "a/b", "A", "a.b", &"x".repeat(81)] {
            assert!(Owner::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_directory_serves_one_process() {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(FixedClock(UNIX_EPOCH));
        let first = Store::directory(folder.path(), Arc::clone(&clock)).unwrap();
        assert!(matches!(Store::directory(folder.path(), Arc::clone(&clock)), Err(BatchError::InUse { .. })));
        assert!(Store::directory_unlocked(folder.path(), Arc::clone(&clock)).is_ok());
        drop(first);
        assert!(Store::directory(folder.path(), clock).is_ok());
    }
}
