//! Objects of S3 by their URLs, whatever bucket they are in.
//!
//! Owns that each bucket is opened once.

use std::{collections::HashMap, fmt, sync::Arc};

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt as _, path::Path};
use sagewire_credentials::{AwsParams, seam::World};
use tokio::sync::Mutex;

use crate::{BatchError, s3::open_bucket};

/// Buckets of S3 that are opened when they are used first.
pub struct Buckets {
    params: AwsParams,
    world: World,
    open: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets").finish_non_exhaustive()
    }
}

impl Buckets {
    /// Buckets that are asked with these credentials, in this region.
    #[must_use]
    pub fn new(params: AwsParams, world: World) -> Self {
        Self { params, world, open: Mutex::default() }
    }

    /// The object at `s3://bucket/key`; `None` if there is none.
    ///
    /// # Errors
    /// [`BatchError::Store`] if S3 cannot be asked.
    pub async fn get(&self, location: &str) -> Result<Option<Bytes>, BatchError> {
        let (objects, path) = self.find(location).await?;
        let failed = BatchError::store("reads an object");
        match objects.get(&path).await {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            found => Ok(Some(found.map_err(&failed)?.bytes().await.map_err(&failed)?)),
        }
    }

    /// Writes an object.
    ///
    /// # Errors
    /// [`BatchError::Store`] if S3 cannot be asked.
    pub async fn put(&self, location: &str, body: Bytes) -> Result<(), BatchError> {
        let (objects, path) = self.find(location).await?;
        objects.put(&path, body.into()).await.map(drop).map_err(BatchError::store("writes an object"))
    }

    async fn find(&self, location: &str) -> Result<(Arc<dyn ObjectStore>, Path), BatchError> {
        let wrong = || BatchError::Open { name: location.to_owned(), reason: "expected s3://bucket/key".to_owned() };
        let (bucket, key) = location.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).ok_or_else(wrong)?;
        let path = Path::parse(key).map_err(|_| wrong())?;
        let mut open = self.open.lock().await;
        if let Some(objects) = open.get(bucket) {
            return Ok((Arc::clone(objects), path));
        }
        let objects = open_bucket(bucket, self.params.clone(), None, &self.world).await?;
        open.insert(bucket.to_owned(), Arc::clone(&objects));
        Ok((objects, path))
    }
}
