//! The state of the cache and the decisions that follow from it. Synchronous; the time is passed
//! in.

use std::time::SystemTime;

use super::policy::{CachePolicy, Schedule};
use super::renewal::{Renewal, RenewalResult, RenewalSender, channel};
use crate::{Credentials, CredentialsError};

#[derive(Default)]
pub(super) struct State {
    current: Option<Entry>,
    renewal: Option<Renewal>,
    failure: Option<FailedRenewals>,
    renewals: u64,
    /// Credentials that AWS refused during a renewal. If the renewal gives the same ones, they are
    /// not kept.
    refused: Option<Credentials>,
}

struct Entry {
    credentials: Credentials,
    schedule: Option<Schedule>,
}

/// Failures since the last success.
struct FailedRenewals {
    error: CredentialsError,
    count: u32,
    /// No renewal begins before this.
    until: SystemTime,
}

/// What a caller must do.
pub(super) enum Decision {
    Use(Credentials),
    UseAndRenew(Credentials),
    Wait(Renewal),
    Renew,
    Fail(CredentialsError),
}

impl State {
    pub(super) fn decide(&self, now: SystemTime) -> Decision {
        let waiting = self.failure.as_ref().filter(|failure| now < failure.until);
        match (self.valid_at(now), &self.current) {
            (Some(credentials), Some(Entry { schedule: Some(schedule), .. })) if now >= schedule.advisory => {
                match (&self.renewal, waiting) {
                    (_, Some(_)) => Decision::Use(credentials),
                    (Some(renewal), None) if now >= schedule.mandatory => Decision::Wait(renewal.clone()),
                    (None, None) if now >= schedule.mandatory => Decision::Renew,
                    (Some(_), None) => Decision::Use(credentials),
                    (None, None) => Decision::UseAndRenew(credentials),
                }
            }
            (Some(credentials), _) => Decision::Use(credentials),
            (None, _) => match (&self.renewal, waiting) {
                (Some(renewal), _) => Decision::Wait(renewal.clone()),
                (None, Some(failure)) => Decision::Fail(failure.error.clone()),
                (None, None) => Decision::Renew,
            },
        }
    }

    /// The current credentials, if they are valid at `now`.
    pub(super) fn valid_at(&self, now: SystemTime) -> Option<Credentials> {
        let credentials = &self.current.as_ref()?.credentials;
        (!credentials.is_expired_at(now)).then(|| credentials.clone())
    }

    /// Begins a renewal.
    pub(super) fn begin_renewal(&mut self) -> (Renewal, RenewalSender) {
        self.renewals += 1;
        let (waiting, sender) = channel(self.renewals);
        self.renewal = Some(waiting.clone());
        (waiting, sender)
    }

    /// Ends the renewal `id`, if it is the current one.
    pub(super) fn end_renewal(&mut self, id: u64, outcome: &RenewalResult, now: SystemTime, policy: &CachePolicy) {
        if self.renewal.as_ref().is_none_or(|renewal| renewal.id() != id) {
            return;
        }
        self.renewal = None;
        match outcome {
            Ok(credentials) => {
                let refused = self.refused.take().is_some_and(|refused| refused.same_keys(credentials));
                self.failure = None;
                if refused {
                    // The callers that waited get them; the next caller asks again.
                    self.current = None;
                    return;
                }
                let schedule = policy.schedule(credentials, now);
                self.current = Some(Entry { credentials: credentials.clone(), schedule });
            }
            Err(error) => {
                let count = self.failure.as_ref().map_or(0, |failure| failure.count).saturating_add(1);
                let wait = policy.backoff(count, self.valid_at(now).is_some(), error.kind());
                self.failure = Some(FailedRenewals { error: error.clone(), count, until: now + wait });
            }
        }
    }

    /// Removes the renewal `id`, whose task is gone.
    pub(super) fn abandon(&mut self, id: u64) {
        self.renewal.take_if(|renewal| renewal.id() == id);
    }

    /// Removes `credentials`, which AWS refused. Newer ones are kept.
    pub(super) fn forget(&mut self, credentials: &Credentials) {
        self.current.take_if(|entry| entry.credentials.same_keys(credentials));
        if self.renewal.is_some() {
            self.refused = Some(credentials.clone());
        }
    }
}
