//! The place that one attempt holds at its deployment.
//!
//! Owns giving it back: whatever becomes of the attempt, dropping the lease releases the place and counts the tokens.

use std::{fmt, sync::Arc, time::Duration};

use crate::state::{Admission, CooldownPolicy, Outcome, RouterState, Timing};

/// A place at a deployment, given back when dropped.
pub(crate) struct Lease {
    state: Arc<dyn RouterState>,
    deployment: Arc<str>,
    admission: Admission,
    /// Under which failures start a cooldown; `None` where they say nothing about the deployment as a whole.
    policy: Option<CooldownPolicy>,
    /// What is counted at the end: the estimate, until more is known.
    tokens: u64,
}

impl Lease {
    pub(crate) fn new(
        state: &Arc<dyn RouterState>,
        deployment: &Arc<str>,
        admission: Admission,
        policy: Option<CooldownPolicy>,
    ) -> Self {
        Self {
            state: Arc::clone(state),
            deployment: Arc::clone(deployment),
            admission,
            policy,
            tokens: admission.reserved_tokens,
        }
    }

    /// Notes that the deployment answered.
    pub(crate) fn answered(&mut self, timing: Option<Timing>) {
        let trial = std::mem::take(&mut self.admission.trial);
        self.state.report(&self.deployment, Outcome::Answered { trial, timing });
    }

    /// Notes that the deployment failed, and not because of the request.
    pub(crate) fn failed(&mut self, retry_after: Option<Duration>) {
        if let Some(policy) = self.policy {
            let trial = std::mem::take(&mut self.admission.trial);
            self.state.report(&self.deployment, Outcome::Failed { trial, policy, retry_after });
        }
    }

    /// The id of the deployment.
    pub(crate) fn deployment(&self) -> &str {
        &self.deployment
    }

    /// The tokens that were expected when the attempt began.
    pub(crate) fn estimated_tokens(&self) -> u64 {
        self.admission.reserved_tokens
    }

    /// Sets how many tokens are counted at the end.
    pub(crate) fn used(&mut self, tokens: u64) {
        self.tokens = tokens;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.state.release(&self.deployment, self.admission, self.tokens);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("deployment", &self.deployment)
            .field("tokens", &self.tokens)
            .finish_non_exhaustive()
    }
}
