//! One renewal under way, and those who wait for it.

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

    /// Waits for the outcome; `None` where the task that was to give it is gone.
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
        // Without receivers nobody waits, which is no fault.
        let _ = self.outcome.send(Some(Arc::new(outcome)));
    }
}
