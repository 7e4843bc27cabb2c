//! Why work on a batch or a file ended early.

use std::io;

use crate::store::NotAllowed;

/// Why work on a batch or a file ended early. What was done before is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// The store failed, and its own retries did not help.
    #[error("the store of batches failed when it {action}")]
    Store {
        /// What it did, as in "writes results".
        action: &'static str,
        /// What it said.
        source: object_store::Error,
    },
    /// The store's folder is used by another process.
    #[error("another process uses the store `{path}`; wait until it ends, or choose another store")]
    InUse {
        /// The folder.
        path: String,
    },
    /// The store cannot be opened.
    #[error("cannot open the store `{name}`: {reason}")]
    Open {
        /// The folder or URL.
        name: String,
        /// Why.
        reason: String,
    },
    /// The input cannot be read.
    #[error("cannot read the input")]
    Input(#[source] io::Error),
    /// The system gives no random numbers.
    #[error("the system has no random numbers")]
    Random,
    /// A line is too long to be a request.
    #[error("line {line} is longer than {} bytes; write one request on each line", crate::LONGEST_LINE)]
    LongLine {
        /// Its number, from 1.
        line: u64,
    },
    /// The input is not what it was when its batch was begun.
    #[error("the input has changed since the batch was begun")]
    InputChanged,
    /// An object of the store is not what was written.
    #[error("the object `{name}` of the store is damaged")]
    Damaged {
        /// Its path within the store.
        name: String,
    },
    /// Another process works on the batch.
    #[error("another process works on the batch")]
    Leased,
    /// Another process has taken the batch over.
    #[error("another process has taken over the batch")]
    LeaseLost,
    /// There is no such batch or file, or it is not the owner's.
    #[error("no {kind} `{id}`; it may have expired or been deleted")]
    NotFound {
        /// `batch` or `file`.
        kind: &'static str,
        /// As it was asked for.
        id: String,
    },
    /// The request itself is of no use.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Nothing that the engine is asked can be answered.
    #[error(transparent)]
    Engine(#[from] sagewire_types::Error),
}

impl BatchError {
    /// Whether the store refused access.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        let Self::Store { source, .. } = self else { return false };
        matches!(source, object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. })
    }

    pub(crate) fn store(action: &'static str) -> impl Fn(object_store::Error) -> Self {
        move |source| Self::Store { action, source }
    }

    /// The same where a writer reports the store's failure.
    pub(crate) fn writer(action: &'static str) -> impl Fn(io::Error) -> Self {
        move |error| Self::Store {
            action,
            source: object_store::Error::Generic { store: "writer", source: error.into() },
        }
    }
}
