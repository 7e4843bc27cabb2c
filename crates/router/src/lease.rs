//! The place that one attempt holds at its deployment.
//!
//! Owns giving it back: whatever becomes of the attempt, dropping the lease releases the place and
//! counts the tokens. An attempt that is not made is not counted.

use std::{fmt, sync::Arc};

use sagewire_types::Error;

use crate::{
    FailurePolicy, backoff,
    state::{Admission, CooldownPolicy, Outcome, RouterState, Timing},
    verdict,
};

/// A place at a deployment, given back when dropped.
pub(crate) struct Lease {
    state: Arc<dyn RouterState>,
    deployment: Arc<str>,
    admission: Admission,
    /// Under which failures start a cooldown; `None` where they say nothing about the deployment as
    /// a whole.
    rules: Option<CooldownRules>,
    /// What is counted at the end: the estimate, until more is known.
    tokens: u64,
    /// Whether the deployment is asked.
    is_used: bool,
}

/// When failures of a deployment start its cooldown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CooldownRules {
    /// For failures without a number of their own.
    pub(crate) policy: CooldownPolicy,
    /// The numbers of sorts.
    pub(crate) by_sort: FailurePolicy,
}

impl Lease {
    pub(crate) fn new(
        state: &Arc<dyn RouterState>,
        deployment: &Arc<str>,
        admission: Admission,
        rules: Option<CooldownRules>,
    ) -> Self {
        Self {
            state: Arc::clone(state),
            deployment: Arc::clone(deployment),
            admission,
            rules,
            tokens: admission.reserved_tokens,
            is_used: false,
        }
    }

    /// Notes that the deployment is asked now.
    pub(crate) fn asks(&mut self) {
        self.is_used = true;
    }

    /// Notes that the deployment answered.
    pub(crate) fn answered(&mut self, timing: Option<Timing>) {
        let trial = std::mem::take(&mut self.admission.trial);
        self.state.report(&self.deployment, Outcome::Answered { trial, timing });
    }

    /// Notes that an attempt or a stream failed, as far as that says anything about the deployment.
    pub(crate) fn failed(&mut self, error: &Error) {
        let Some(CooldownRules { policy, by_sort }) = self.rules.filter(|_| !error.is_callers_choice()) else { return };
        let policy = match by_sort.of(error) {
            Some((sort, allowed_fails)) => CooldownPolicy { allowed_fails, counted_as: Some(sort), ..policy },
            None if verdict::blames_deployment(error) => policy,
            None => return,
        };
        let trial = std::mem::take(&mut self.admission.trial);
        self.state.report(&self.deployment, Outcome::Failed { trial, policy, retry_after: backoff::asked(error) });
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
        if self.is_used {
            self.state.release(&self.deployment, self.admission, self.tokens);
        } else {
            self.state.withdraw(&self.deployment, self.admission);
        }
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
