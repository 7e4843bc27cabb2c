//! A renewal in progress and the callers that wait for it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{Credentials, CredentialsError};

pub(super) type RenewalResult = Result<Credentials, CredentialsError>;

/// The waiting end: cheap to clone, one for each caller.
#[derive(Clone)]
pub(super) struct Renewal {
    id: u64,
    outcome: watch::Receiver<Option<Arc<RenewalResult>>>,
}

/// The asking end.
pub(super) struct RenewalSender {
    id: u64,
    outcome: watch::Sender<Option<Arc<RenewalResult>>>,
}

pub(super) fn channel(id: u64) -> (Renewal, RenewalSender) {
    let (sender, receiver) = watch::channel(None);
    (Renewal { id, outcome: receiver }, RenewalSender { id, outcome: sender })
}

impl Renewal {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Waits for the outcome. `None` if the task of the renewal is gone.
    pub(super) async fn outcome(&self) -> Option<RenewalResult> {
        let mut receiver = self.outcome.clone();
        let outcome = receiver.wait_for(Option::is_some).await.ok()?.clone()?;
        Some((*outcome).clone())
    }
}

impl RenewalSender {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn send(self, outcome: RenewalResult) {
        // An error means that no caller waits, which is fine.
        let _ = self.outcome.send(Some(Arc::new(outcome)));
    }
}
