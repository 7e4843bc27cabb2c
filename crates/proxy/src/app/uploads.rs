//! How many bytes of uploads are held.
//!
//! Owns the count. The limit is passed in, so that a reload can change it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use crate::http::error::ApiError;

/// Counts the bytes of the uploads that are held.
#[derive(Debug, Default)]
pub(crate) struct Uploads(AtomicU64);

/// Bytes that are held; dropping it frees them.
#[derive(Debug)]
pub(crate) struct HeldUpload {
    uploads: Arc<Uploads>,
    bytes: u64,
}

impl Drop for HeldUpload {
    fn drop(&mut self) {
        self.uploads.0.fetch_sub(self.bytes, SeqCst);
    }
}

impl Uploads {
    /// Holds so many bytes, if all uploads together then have no more than `most`.
    pub(crate) fn hold(self: &Arc<Self>, bytes: u64, most: u64) -> Result<HeldUpload, ApiError> {
        let more = |held: u64| held.checked_add(bytes).filter(|held| *held <= most);
        match self.0.fetch_update(SeqCst, SeqCst, more) {
            Ok(_) => Ok(HeldUpload { uploads: Arc::clone(self), bytes }),
            Err(_) => Err(ApiError::busy(
                format!(
                    "the uploads of all requests together would have more than {most} bytes, their limit: retry in a moment"
                ),
                Duration::from_secs(1),
            )),
        }
    }

    pub(crate) fn held(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_share_one_limit_and_give_it_back() {
        let uploads = Arc::new(Uploads::default());
        let first = uploads.hold(60, 100).unwrap();
        let refused = uploads.hold(41, 100).unwrap_err();
        assert_eq!((refused.status().as_u16(), uploads.held()), (503, 60));
        let second = uploads.hold(40, 100).unwrap();
        assert!(uploads.hold(1, 100).is_err() && uploads.hold(u64::MAX, u64::MAX).is_err());
        drop(first);
        assert_eq!(uploads.held(), 40);
        drop(second);
        assert_eq!(uploads.held(), 0);
    }
}
