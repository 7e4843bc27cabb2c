//! Files and batches, and the results of asynchronous endpoints.

use async_trait::async_trait;
use bytes::Bytes;
pub use sagewire_batch::*;

use crate::{AsyncObjects, Error, ErrorKind};

/// The objects of asynchronous endpoints in S3: for
/// [`SageMakerBuilder::async_objects`](crate::SageMakerBuilder::async_objects).
#[derive(Debug)]
pub struct S3Results(Buckets);

impl S3Results {
    /// Objects in these buckets.
    #[must_use]
    pub fn new(buckets: Buckets) -> Self {
        Self(buckets)
    }
}

#[async_trait]
impl AsyncObjects for S3Results {
    async fn get(&self, location: &str) -> Result<Option<Bytes>, Error> {
        self.0.get(location).await.map_err(failed)
    }

    async fn put(&self, location: &str, body: Bytes) -> Result<(), Error> {
        self.0.put(location, body).await.map_err(failed)
    }
}

fn failed(error: BatchError) -> Error {
    let kind = match &error {
        BatchError::Open { .. } => ErrorKind::Configuration,
        _ if error.is_denied() => ErrorKind::Permission,
        _ => ErrorKind::ServiceFailed,
    };
    let message = match kind {
        ErrorKind::Permission => {
            "S3 refuses access to the objects of an asynchronous endpoint: allow `s3:GetObject`, `s3:PutObject` and `s3:ListBucket`"
        }
        _ => "the objects of an asynchronous endpoint in S3 could not be reached",
    };
    Error::new(kind, message).with_source(error)
}
