//! Deleting what is over: files and batches that have expired, and uploads that never ended.

use object_store::path::Path;

use crate::{
    BatchError,
    batches::{self, Folder},
    files,
    store::{Owner, Store, is_id},
};

/// After how many seconds an upload has certainly ended, one way or the other.
const LONGEST_UPLOAD: u64 = 86_400;

impl Store {
    /// Deletes files that have expired, uploads that never ended, and the batches that have ended
    /// and were created at least `lifetime` seconds ago.
    ///
    /// # Errors
    /// [`BatchError::Store`] if the store cannot be read.
    pub async fn sweep(&self, lifetime: u64) -> Result<(), BatchError> {
        for owner in self.names(&Path::from("owners")).await? {
            let Ok(owner) = Owner::new(owner) else { continue };
            self.sweep_files(&owner).await?;
            self.sweep_batches(&owner, lifetime).await?;
        }
        Ok(())
    }

    async fn sweep_files(&self, owner: &Owner) -> Result<(), BatchError> {
        for id in self.names(&owner.folder().join("files")).await? {
            // A file that has expired is deleted by looking at it.
            match self.file(owner, &id).await {
                Err(BatchError::NotFound { .. }) if self.is_older(&id, files::ID, LONGEST_UPLOAD) => {
                    self.delete_all(&files::folder(owner, &id)).await?;
                }
                Ok(_) | Err(BatchError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn sweep_batches(&self, owner: &Owner, lifetime: u64) -> Result<(), BatchError> {
        for id in self.names(&owner.folder().join("batches")).await? {
            let Ok(folder) = Folder::new(owner, &id) else { continue };
            let is_over = match self.state(&folder).await {
                Ok((state, _)) => state.batch.status.is_final(),
                Err(BatchError::NotFound { .. } | BatchError::Damaged { .. }) => true,
                Err(error) => return Err(error),
            };
            if is_over && self.is_older(&id, batches::ID, lifetime) {
                self.delete_all(&folder.path()).await?;
                self.delete(&folder.active()).await?;
            }
        }
        Ok(())
    }

    /// Whether what has this identifier was created at least so many seconds ago.
    fn is_older(&self, id: &str, prefix: &str, seconds: u64) -> bool {
        created(id, prefix).is_some_and(|at| at.saturating_add(seconds) <= self.now())
    }
}

/// When what has this identifier was created, in seconds since 1970.
fn created(id: &str, prefix: &str) -> Option<u64> {
    let time = id.strip_prefix(prefix).filter(|_| is_id(id, prefix))?.get(..12)?;
    u64::from_str_radix(time, 16).ok().map(|millis| millis / 1000)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::Ordering::SeqCst};

    use bytes::Bytes;
    use futures_util::stream;
    use object_store::{ObjectStoreExt as _, memory::InMemory};

    use super::*;
    use crate::{
        NewFile, Runner,
        bench::{Bench, Echo, bench, options},
    };

    const DAY: u64 = 86_400;

    async fn upload(bench: &Bench, lifetime: Option<u64>) -> String {
        let new = NewFile { lifetime, ..NewFile::new("in.jsonl", "batch") };
        bench.store.upload(&bench.owner, new, stream::iter([Ok(Bytes::from("text"))])).await.unwrap().id
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_is_deleted_and_what_is_not_stays() {
        let bench = bench(Arc::new(InMemory::new()));
        let (expires, stays) = (upload(&bench, Some(3600)).await, upload(&bench, None).await);
        // An upload that broke off with its process.
        let begun = bench.store.new_id(files::ID).unwrap();
        bench.store.objects.put(&files::content_path(&bench.owner, &begun), "half".into()).await.unwrap();
        let (ends, waits) = (bench.create(&["a".to_owned()]).await, bench.create(&["b".to_owned()]).await);
        Runner::new(bench.store.clone()).run(&bench.owner, &ends, &Echo::default(), &options(1)).await.unwrap();
        // The state of one was never written.
        let lost = Folder::new(&bench.owner, &bench.store.new_id(batches::ID).unwrap()).unwrap();
        bench.store.write(&lost.active(), &0, None).await.unwrap();
        bench.store.write(&lost.lease(), &0, None).await.unwrap();
        let below = async |folder: &str| bench.store.names(&bench.owner.folder().join(folder)).await.unwrap();

        bench.store.sweep(10 * DAY).await.unwrap();
        assert_eq!((below("files").await.len(), below("batches").await.len()), (6, 3), "nothing is over");
        bench.clock.0.store(DAY, SeqCst);
        bench.store.sweep(10 * DAY).await.unwrap();
        let files = below("files").await;
        assert!(files.contains(&stays) && !files.contains(&expires) && !files.contains(&begun), "{files:?}");
        assert_eq!(below("batches").await.len(), 3);
        bench.clock.0.store(10 * DAY, SeqCst);
        bench.store.sweep(10 * DAY).await.unwrap();
        assert_eq!(below("batches").await, [waits.as_str()], "what has not ended stays");
        assert_eq!(bench.store.active().await.unwrap(), [(bench.owner.clone(), waits)]);
        assert!(below("files").await.contains(&stays));
    }
}
