//! What the script of a key is asked, and what it answers.

use std::time::Duration;

use sagewire_router::ledger::{KeyLimits, Standing};
use serde::{Deserialize, Serialize};

use crate::{
    clock::millis,
    counted::Decision,
    outbox::{Place, bounded},
};

/// What was used of a budget.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct SeenBudget {
    pub(super) spent: u64,
    /// When its period began, in milliseconds since 1970.
    pub(super) began: u64,
}

/// The limits of a key, as its script is asked with them.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct KeyTerms {
    #[serde(skip_serializing_if = "Option::is_none")]
    rpm: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tpm: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) budget: Option<u64>,
    /// The budget's period in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<u64>,
}

impl KeyTerms {
    pub(super) fn of(key: &KeyLimits<'_>) -> Self {
        Self {
            rpm: key.rpm.map(bounded),
            tpm: key.tpm.map(bounded),
            budget: key.token_budget.map(bounded),
            period: key.budget_duration.map(|time| bounded(millis(time))),
        }
    }

    pub(super) fn period(&self) -> Option<Duration> {
        self.period.map(Duration::from_millis)
    }
}

/// What the script of a key is asked, whatever is asked for.
#[derive(Debug, Serialize)]
pub(super) struct KeyQuestion {
    #[serde(flatten)]
    terms: KeyTerms,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<SeenBudget>,
}

impl KeyQuestion {
    pub(super) fn new(terms: KeyTerms, seen: Option<SeenBudget>) -> Self {
        Self { terms, seen: seen.filter(|_| terms.budget.is_some()) }
    }
}

/// A request that is to be let through.
#[derive(Debug, Serialize)]
pub(super) struct ReservationWanted {
    /// The name of the reservation that is asked for with it, if tokens are limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<String>,
}

impl ReservationWanted {
    pub(super) fn new(reservation: Option<&Place>) -> Self {
        Self { call: reservation.map(|place| place.member.clone()) }
    }
}

/// Whether what is reserved matters to the key.
pub(super) fn has_limited_tokens(key: &KeyLimits<'_>) -> bool {
    key.tpm.is_some() || key.token_budget.is_some()
}

#[derive(Debug, Deserialize)]
pub(crate) struct KeyAnswer {
    now: u64,
    /// Of each request that was asked for.
    #[serde(default)]
    decisions: Vec<Decision<ToldStanding>>,
    standing: ToldStanding,
}

/// How the key stood.
#[derive(Debug, Deserialize)]
struct ToldStanding {
    requests: u64,
    tokens: u64,
    spent: u64,
    reserved: u64,
    calls: u64,
    minute_began: u64,
    budget_began: u64,
}

pub(super) const MINUTE: Duration = Duration::from_secs(60);

impl KeyAnswer {
    /// How the key stood when the request of this index was refused, if it was.
    pub(super) fn refused(&self, index: usize, period: Option<Duration>) -> Option<Standing> {
        match self.decisions.get(index)? {
            Decision::Granted(_) => None,
            Decision::Refused(told) => Some(self.stands(told, period)),
        }
    }

    /// How the key stood before anything was granted.
    pub(crate) fn standing(&self, period: Option<Duration>) -> Standing {
        self.stands(&self.standing, period)
    }

    fn stands(&self, told: &ToldStanding, period: Option<Duration>) -> Standing {
        let rest =
            |began: u64, length: Duration| length.saturating_sub(Duration::from_millis(self.now.saturating_sub(began)));
        Standing {
            requests: told.requests,
            tokens: told.tokens,
            spent: told.spent,
            reserved: told.reserved,
            calls: told.calls,
            minute_ends_in: rest(told.minute_began, MINUTE),
            budget_resets_in: period.map(|length| rest(told.budget_began, length)),
        }
    }

    pub(super) fn seen(&self) -> SeenBudget {
        SeenBudget { spent: self.standing.spent, began: self.standing.budget_began }
    }
}
