//! What each caller's key has used and what its calls have reserved: requests and tokens a minute,
//! and tokens of its budget.
//!
//! Owns the trait that several replicas can share an implementation of, and the rules of a key's
//! limits. [`MemoryLedger`] counts in this process. What one call reserves and uses is the caller's
//! business.

use std::time::Duration;

use async_trait::async_trait;

pub use admission::KeyAdmission;
pub use memory::{BudgetUse, MemoryLedger};

mod admission;
mod memory;

/// Counts what keys use. It outlives a reload of the configuration.
///
/// A call is counted in two steps: [`begin`](Self::begin) before a model is asked, and
/// [`settle`](Self::settle) when it has ended, so that a key cannot exceed its limits with many
/// calls at the same time.
#[async_trait]
pub trait Ledger: std::fmt::Debug + Send + Sync {
    /// Counts a request of this key and reserves its tokens, in one step. A call is let through
    /// although its tokens exceed what is left if no other call of the key holds a reservation: an
    /// estimate must not lock it out for ever.
    ///
    /// # Errors
    /// [`KeyRefusal`] if the key has used up a limit, or if what is left of one is reserved by other
    /// calls. Nothing is counted and nothing is reserved then.
    async fn begin(&self, key: &KeyLimits<'_>, tokens: u64) -> Result<Reservation, KeyRefusal>;

    /// Ends a call: gives back what [`begin`](Self::begin) reserved, and counts what was used.
    ///
    /// It is called where a call ends, which may be where its task is dropped, so it must not
    /// block. An implementation over a shared store sends what it counts in the background,
    /// before the next [`begin`](Self::begin) of the same key.
    fn settle(&self, key: &KeyLimits<'_>, reservation: Reservation, used: u64);

    /// What the key has used and has left.
    async fn standing(&self, key: &KeyLimits<'_>) -> Standing;

    /// The same as far as it is known here, without asking a store, if what is known is no older
    /// than `at_most`. Within a minute and a budget's period use only grows: what refuses the key
    /// then refuses it still.
    fn known(&self, key: &KeyLimits<'_>, at_most: Duration) -> Option<Standing>;
}

/// A key and its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyLimits<'a> {
    /// The name that the key is counted under.
    pub name: &'a str,
    /// The maximum number of requests per minute.
    pub rpm: Option<u64>,
    /// The maximum number of tokens per minute.
    pub tpm: Option<u64>,
    /// The maximum number of tokens in total, or in each `budget_duration`.
    pub token_budget: Option<u64>,
    /// After how long `token_budget` begins anew.
    pub budget_duration: Option<Duration>,
}

impl KeyLimits<'_> {
    /// Whether the key has a limit.
    #[must_use]
    pub fn are_set(&self) -> bool {
        self.rpm.is_some() || self.tpm.is_some() || self.token_budget.is_some()
    }
}

/// What one call has reserved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reservation {
    /// What the ledger calls it; 0 if it needs no name.
    pub id: u64,
    /// The tokens.
    pub tokens: u64,
}

/// One of a key's limits, by its setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLimit {
    /// `rpm`: requests a minute.
    Requests,
    /// `tpm`: tokens a minute.
    Tokens,
    /// `token_budget`: tokens in all, or in each `budget_duration`.
    Budget,
}

/// Why a key's request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRefusal {
    /// A limit is reached.
    Reached(Reached),
    /// The ledger cannot say what other replicas have counted, and is told to refuse then.
    Unavailable,
}

/// Which limit a key has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
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
pub struct Standing {
    /// Requests that were counted within this minute.
    pub requests: u64,
    /// Tokens that were used within this minute.
    pub tokens: u64,
    /// Tokens that were used of the budget.
    pub spent: u64,
    /// Tokens that calls under way have reserved.
    pub reserved: u64,
    /// How many calls hold a reservation.
    pub calls: u64,
    /// When the minute ends, from now.
    pub minute_ends_in: Duration,
    /// When the budget begins anew, from now; `None` if it does not by itself.
    pub budget_resets_in: Option<Duration>,
}

/// A limit that is set, what it allows, what is used of it, and when it begins anew.
type Used = (KeyLimit, u64, u64, Option<Duration>);

impl Standing {
    /// The limits that a key has, those first that last longest: each with what it allows, what is
    /// used of it, and when it begins anew.
    pub fn limits(&self, key: &KeyLimits<'_>) -> impl Iterator<Item = Used> + use<> {
        let minute = Some(self.minute_ends_in);
        [
            key.token_budget.map(|budget| (KeyLimit::Budget, budget, self.spent, self.budget_resets_in)),
            key.rpm.map(|rpm| (KeyLimit::Requests, rpm, self.requests, minute)),
            key.tpm.map(|tpm| (KeyLimit::Tokens, tpm, self.tokens, minute)),
        ]
        .into_iter()
        .flatten()
    }

    /// Which limit is used up, if one is: any further call is refused.
    #[must_use]
    pub fn used_up(&self, key: &KeyLimits<'_>) -> Option<KeyRefusal> {
        self.limits(key).find(|(_, allowed, used, _)| used >= allowed).map(|limit| reached(limit, false))
    }

    /// Which limit refuses a call of so many tokens, if one does. Only if no other call of the key
    /// holds a reservation may it need more than is left.
    #[must_use]
    pub fn refuses(&self, key: &KeyLimits<'_>, tokens: u64) -> Option<KeyRefusal> {
        let wanted = self.reserved.saturating_add(tokens);
        let taken = || {
            self.limits(key)
                .filter(|(limit, ..)| *limit != KeyLimit::Requests)
                .find(|(_, allowed, used, _)| self.calls > 0 && used.saturating_add(wanted) > *allowed)
                .map(|limit| reached(limit, true))
        };
        self.used_up(key).or_else(taken)
    }
}

fn reached((limit, allowed, _, resets_in): Used, reserved: bool) -> KeyRefusal {
    KeyRefusal::Reached(Reached { limit, allowed, resets_in, reserved })
}
