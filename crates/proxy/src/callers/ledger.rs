//! What each key has used and what its calls have reserved: requests and tokens a minute, and tokens of its budget.
//!
//! Owns the trait that several proxies can share an implementation of, and what is told about a key's limits. Counting in this process's
//! memory is `memory_ledger`'s; what one call reserves and uses is `booking`'s.

use std::time::Duration;

use async_trait::async_trait;

use crate::config::CallerKey;

/// Counts what keys use. It outlives a reload of the configuration.
///
/// A call is counted in three steps: [`admit`](Self::admit) when its head has come, [`reserve`](Self::reserve) when its body is known, and
/// [`settle`](Self::settle) when it has ended, so that a key cannot pass its limits by asking many times at once.
#[async_trait]
pub trait Ledger: std::fmt::Debug + Send + Sync {
    /// Counts a request of this key.
    ///
    /// # Errors
    /// [`Refusal`] if the key has used up a limit. Nothing is counted then.
    async fn admit(&self, key: &CallerKey) -> Result<(), Refusal>;

    /// Reserves tokens for a call of this key. A call is let through although its tokens exceed what is left if no other call of the key
    /// holds a reservation: an estimate must not lock it out for ever.
    ///
    /// # Errors
    /// [`Refusal`] if a limit has been used up meanwhile, or if what is left of one is reserved by other calls. Nothing is reserved then.
    async fn reserve(&self, key: &CallerKey, tokens: u64) -> Result<(), Refusal>;

    /// Ends a call: gives back what [`reserve`](Self::reserve) reserved, and counts what was used.
    ///
    /// Called where a call ends, which may be where its task is dropped. It must not block, and what it counts must be seen by the next
    /// [`admit`](Self::admit): an implementation that tells others does so later, and counts here at once.
    fn settle(&self, key: &CallerKey, reserved: u64, used: u64);

    /// What the key has used and has left.
    async fn standing(&self, key: &CallerKey) -> Standing;
}

/// One of a key's limits, by its setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyLimit {
    /// `rpm`: requests a minute.
    Requests,
    /// `tpm`: tokens a minute.
    Tokens,
    /// `token_budget`: tokens in all, or in each `budget_duration`.
    Budget,
}

/// Which limit a key has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The limit.
    pub limit: KeyLimit,
    /// How much it allows.
    pub allowed: u64,
    /// When it begins anew, from now; `None` if it does not by itself.
    pub resets_in: Option<Duration>,
    /// Whether it is not used up, but what is left is reserved by calls under way.
    pub reserved: bool,
}

/// What a key has used and has left, limit by limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// Requests that were counted within this minute.
    pub requests: u64,
    /// Tokens that were used within this minute.
    pub tokens: u64,
    /// Tokens that were used of the budget.
    pub spent: u64,
    /// Tokens that calls under way have reserved.
    pub reserved: u64,
    /// When the minute ends, from now.
    pub minute_ends_in: Duration,
    /// When the budget begins anew, from now; `None` if it does not by itself.
    pub budget_resets_in: Option<Duration>,
}

/// A limit that is set, what it allows, what is used of it, and when it begins anew.
type Used = (KeyLimit, u64, u64, Option<Duration>);

impl Standing {
    /// The limits that a key has, those first that last longest.
    pub(crate) fn limits(&self, key: &CallerKey) -> impl Iterator<Item = Used> + use<> {
        let minute = Some(self.minute_ends_in);
        [
            key.token_budget.map(|budget| (KeyLimit::Budget, budget, self.spent, self.budget_resets_in)),
            key.rpm.map(|rpm| (KeyLimit::Requests, rpm, self.requests, minute)),
            key.tpm.map(|tpm| (KeyLimit::Tokens, tpm, self.tokens, minute)),
        ]
        .into_iter()
        .flatten()
    }

    /// Which limit refuses a further request, if one does.
    pub(super) fn refuses_request(&self, key: &CallerKey) -> Option<Refusal> {
        self.limits(key).find(|(_, allowed, used, _)| used >= allowed).map(|limit| refusal(limit, false))
    }

    /// Which limit refuses a call of so many tokens, if one does. Only if it is `alone` may it need more than is left.
    pub(super) fn refuses_call(&self, key: &CallerKey, tokens: u64, alone: bool) -> Option<Refusal> {
        let of_tokens = || self.limits(key).filter(|(limit, ..)| *limit != KeyLimit::Requests);
        let used_up = of_tokens().find(|(_, allowed, used, _)| used >= allowed).map(|limit| refusal(limit, false));
        let wanted = self.reserved.saturating_add(tokens);
        let taken = || {
            of_tokens()
                .find(|(_, allowed, used, _)| !alone && used.saturating_add(wanted) > *allowed)
                .map(|limit| refusal(limit, true))
        };
        used_up.or_else(taken)
    }
}

fn refusal((limit, allowed, _, resets_in): Used, reserved: bool) -> Refusal {
    Refusal { limit, allowed, resets_in, reserved }
}
