//! The files of an owner: what is uploaded for batches, and what batches leave.
//!
//! Owns what may be uploaded, how long a file lives, and deleting it.

use std::{pin::pin, sync::Arc};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::{ObjectStoreExt as _, buffered::BufWriter, path::Path};
use tokio::io::AsyncWriteExt as _;

use crate::{
    BatchError, File, Page, Paged, page,
    store::{NotAllowed, Owner, Store, is_id},
};

/// What identifiers of files begin with.
pub(crate) const ID: &str = "file-";

/// The purpose of the files that batches leave.
pub(crate) const OUTPUT: &str = "batch_output";

/// The longest name of a file in bytes.
const LONGEST_NAME: usize = 512;

/// The purposes that a file may be uploaded for: OpenAI's, of which only `batch` is of use here.
pub const PURPOSES: [&str; 6] = ["batch", "assistants", "fine-tune", "vision", "user_data", "evals"];

/// A file to be stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewFile {
    /// Its name, which is kept and never used as a path.
    pub filename: String,
    /// What it is for, one of [`PURPOSES`].
    pub purpose: String,
    /// After how many seconds it is deleted; `None` if it stays.
    pub lifetime: Option<u64>,
    /// The most bytes that it may have.
    pub most_bytes: u64,
    /// The most bytes that its owner may store, this file and results of batches included.
    pub quota: Option<u64>,
}

impl NewFile {
    /// A file of this name and purpose, without limits.
    #[must_use]
    pub fn new(filename: impl Into<String>, purpose: impl Into<String>) -> Self {
        Self { filename: filename.into(), purpose: purpose.into(), lifetime: None, most_bytes: u64::MAX, quota: None }
    }
}

pub(crate) fn folder(owner: &Owner, id: &str) -> Path {
    owner.folder().join("files").join(id)
}

pub(crate) fn content_path(owner: &Owner, id: &str) -> Path {
    folder(owner, id).join("content")
}

fn meta_path(owner: &Owner, id: &str) -> Path {
    folder(owner, id).join("file.json")
}

pub(crate) fn not_found(id: &str) -> BatchError {
    BatchError::NotFound { kind: "file", id: id.chars().take(64).collect() }
}

impl Store {
    /// Stores a file. It is there as a whole or not at all.
    ///
    /// # Errors
    /// [`BatchError::NotAllowed`] if it is too large or its purpose is unknown; the stream's error
    /// as [`BatchError::Input`].
    pub async fn upload(
        &self,
        owner: &Owner,
        new: NewFile,
        content: impl Stream<Item = std::io::Result<Bytes>> + Send,
    ) -> Result<File, BatchError> {
        let mut upload = self.begin_upload(owner, new.most_bytes, new.quota).await?;
        let mut content = pin!(content);
        while let Some(piece) = content.next().await {
            let written = match piece {
                Ok(piece) => upload.write(piece).await,
                Err(error) => Err(BatchError::Input(error)),
            };
            if let Err(error) = written {
                upload.abort().await;
                return Err(error);
            }
        }
        upload.finish(new.filename, new.purpose, new.lifetime).await
    }

    /// Begins to store a file, whose name and purpose are told at its end.
    ///
    /// # Errors
    /// [`BatchError::Store`] if the store cannot be read.
    pub async fn begin_upload(&self, owner: &Owner, most_bytes: u64, quota: Option<u64>) -> Result<Upload, BatchError> {
        let used = match quota {
            Some(_) => self.bytes(&owner.folder()).await?,
            None => 0,
        };
        let id = self.new_id(ID)?;
        let writer = BufWriter::new(Arc::clone(&self.objects), content_path(owner, &id));
        let left = quota.map_or(u64::MAX, |quota| quota.saturating_sub(used));
        Ok(Upload { store: self.clone(), owner: owner.clone(), id, writer, bytes: 0, most_bytes, left, quota })
    }

    /// Makes a file of content that has been written.
    pub(crate) async fn keep_file(
        &self,
        owner: &Owner,
        id: String,
        filename: String,
        purpose: String,
        bytes: u64,
        lifetime: Option<u64>,
    ) -> Result<File, BatchError> {
        let created_at = self.now();
        let file = File {
            object: "file".to_owned(),
            bytes,
            created_at,
            expires_at: lifetime.map(|seconds| created_at.saturating_add(seconds)),
            filename,
            purpose,
            status: "processed".to_owned(),
            status_details: None,
            id,
        };
        self.write(&meta_path(owner, &file.id), &file, None).await?;
        Ok(file)
    }

    /// A file.
    ///
    /// # Errors
    /// [`BatchError::NotFound`] if the owner has none of this id.
    pub async fn file(&self, owner: &Owner, id: &str) -> Result<File, BatchError> {
        if !is_id(id, ID) {
            return Err(not_found(id));
        }
        let found = self.read::<File>(&meta_path(owner, id)).await?;
        let (file, _) = found.ok_or_else(|| not_found(id))?;
        if file.expires_at.is_some_and(|end| end <= self.now()) {
            self.delete_all(&folder(owner, id)).await?;
            return Err(not_found(id));
        }
        Ok(file)
    }

    /// A page of the owner's files, the newest first.
    ///
    /// # Errors
    /// [`BatchError::NotAllowed`] for a page that is not there.
    pub async fn files(&self, owner: &Owner, page: &Page, purpose: Option<&str>) -> Result<Paged<File>, BatchError> {
        let names = self.names(&owner.folder().join("files")).await?;
        let wanted = |file: &File| purpose.is_none_or(|purpose| file.purpose == purpose);
        page::of(names, page, ID, |id| async move {
            match self.file(owner, &id).await {
                Ok(file) if wanted(&file) => Ok(Some(file)),
                Ok(_) | Err(BatchError::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// What a file holds, in pieces.
    ///
    /// # Errors
    /// [`BatchError::NotFound`] if the owner has none of this id.
    pub async fn content(
        &self,
        owner: &Owner,
        id: &str,
    ) -> Result<(File, BoxStream<'static, std::io::Result<Bytes>>), BatchError> {
        let file = self.file(owner, id).await?;
        let content = match self.objects.get(&content_path(owner, id)).await {
            Err(object_store::Error::NotFound { .. }) => return Err(not_found(id)),
            content => content.map_err(BatchError::store("reads a file"))?,
        };
        Ok((file, content.into_stream().map_err(std::io::Error::other).boxed()))
    }

    /// Deletes a file.
    ///
    /// # Errors
    /// [`BatchError::NotFound`] if the owner has none of this id.
    pub async fn delete_file(&self, owner: &Owner, id: &str) -> Result<(), BatchError> {
        self.file(owner, id).await?;
        // Without its description it is gone, whatever becomes of the rest.
        self.delete(&meta_path(owner, id)).await?;
        self.delete_all(&folder(owner, id)).await
    }
}

/// A file that is being stored. It is there when it is finished, and not before.
#[derive(Debug)]
pub struct Upload {
    store: Store,
    owner: Owner,
    id: String,
    writer: BufWriter,
    bytes: u64,
    most_bytes: u64,
    left: u64,
    quota: Option<u64>,
}

impl Upload {
    /// Adds a piece.
    ///
    /// # Errors
    /// [`BatchError::NotAllowed`] if the file becomes too large.
    pub async fn write(&mut self, piece: Bytes) -> Result<(), BatchError> {
        self.bytes = self.bytes.saturating_add(piece.len() as u64);
        if self.bytes > self.most_bytes {
            let reason = format!("it is larger than the limit of {} bytes; split it", self.most_bytes);
            return Err(NotAllowed::new("file", reason).into());
        }
        if let Some(quota) = self.quota
            && self.bytes > self.left
        {
            return Err(over_quota("file", quota));
        }
        self.writer.put(piece).await.map_err(BatchError::store("writes a file"))
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`BatchError::NotAllowed`] if its name or purpose cannot be used; then it is gone.
    pub async fn finish(
        mut self,
        filename: String,
        purpose: String,
        lifetime: Option<u64>,
    ) -> Result<File, BatchError> {
        if let Err(error) = check(&filename, &purpose) {
            self.abort().await;
            return Err(error.into());
        }
        self.writer.shutdown().await.map_err(BatchError::writer("writes a file"))?;
        // Another file may have been uploaded at the same time.
        if let Some(quota) = self.quota
            && self.store.bytes(&self.owner.folder()).await? > quota
        {
            self.store.delete(&content_path(&self.owner, &self.id)).await?;
            return Err(over_quota("file", quota));
        }
        self.store.keep_file(&self.owner, self.id, filename, purpose, self.bytes, lifetime).await
    }

    /// Forgets the file.
    pub async fn abort(mut self) {
        let _ = self.writer.abort().await;
        let _ = self.store.delete(&content_path(&self.owner, &self.id)).await;
    }
}

fn check(filename: &str, purpose: &str) -> Result<(), NotAllowed> {
    if !PURPOSES.contains(&purpose) {
        let purposes = PURPOSES.map(|purpose| format!("`{purpose}`")).join(", ");
        return Err(NotAllowed::new("purpose", format!("expected one of {purposes}")));
    }
    if filename.is_empty() || filename.len() > LONGEST_NAME {
        return Err(NotAllowed::new("file", format!("its name must have 1 to {LONGEST_NAME} bytes")));
    }
    Ok(())
}

/// The refusal of what would use more of the store than an owner may.
pub(crate) fn over_quota(param: &'static str, quota: u64) -> BatchError {
    NotAllowed::new(param, format!("this key may store {quota} bytes; delete files that are not needed")).into()
}

#[cfg(test)]
mod tests;
