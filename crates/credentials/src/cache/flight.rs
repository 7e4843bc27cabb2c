//! A renewal in progress and the callers that wait for it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{Credentials, CredentialsError};

pub(super) type Outcome = Result<Credentials, CredentialsError>;

/// The waiting end: cheap to clone, one for each caller.
#[derive(Clone)]
pub(super) struct Flight {
    id: u64,
    outcome: watch::Receiver<Option<Arc<Outcome>>>,
}

/// The asking end.
pub(super) struct Landing {
    id: u64,
    outcome: watch::Sender<Option<Arc<Outcome>>>,
}

pub(super) fn flight(id: u64) -> (Flight, Landing) {
    let (sender, receiver) = watch::channel(None);
    (Flight { id, outcome: receiver }, Landing { id, outcome: sender })
}

impl Flight {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Waits for the outcome. `None` if the task of the renewal is gone.
    pub(super) async fn outcome(&self) -> Option<Outcome> {
        let mut receiver = self.outcome.clone();
        let outcome = receiver.wait_for(Option::is_some).await.ok()?.clone()?;
        Some((*outcome).clone())
    }
}

impl Landing {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn announce(self, outcome: Outcome) {
        // An error means that no caller waits, which is fine.
        let _ = self.outcome.send(Some(Arc::new(outcome)));
    }
}
