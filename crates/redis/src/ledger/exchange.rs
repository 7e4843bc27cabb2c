//! What the script of a key is asked, and what it answers.

use std::time::Duration;

use sagewire_router::ledger::{KeyLimits, Standing};
use serde::{Deserialize, Serialize};

use crate::{clock::millis, outbox::bounded};

/// What was used of a budget.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct SeenBudget {
    pub(super) spent: u64,
    /// When its period began, in milliseconds since 1970.
    pub(super) began: u64,
}

/// What is asked of a key beside what is told.
#[derive(Debug, Serialize)]
pub(super) struct KeyQuestion<'q> {
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<SeenBudget>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rpm: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tpm: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<u64>,
    /// The budget's period in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<u64>,
    /// Whether a request is asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    request: bool,
    /// The name of the reservation that is asked for with it, if tokens are limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<&'q str>,
}

impl<'q> KeyQuestion<'q> {
    /// `call` is the name of the call that is to be let through, if one is.
    pub(super) fn new(seen: Option<SeenBudget>, key: &KeyLimits<'_>, call: Option<&'q str>) -> Self {
        Self {
            seen: seen.filter(|_| key.token_budget.is_some()),
            rpm: key.rpm.map(bounded),
            tpm: key.tpm.map(bounded),
            budget: key.token_budget.map(bounded),
            period: key.budget_duration.map(|time| bounded(millis(time))),
            request: call.is_some(),
            call: call.filter(|_| has_limited_tokens(key)),
        }
    }
}

/// Whether what is reserved matters to the key.
pub(super) fn has_limited_tokens(key: &KeyLimits<'_>) -> bool {
    key.tpm.is_some() || key.token_budget.is_some()
}

#[derive(Debug, Deserialize)]
pub(crate) struct KeyAnswer {
    now: u64,
    #[serde(default)]
    admitted: bool,
    standing: ToldStanding,
}

/// How the key stood before anything was granted.
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
    pub(super) fn admitted(&self) -> bool {
        self.admitted
    }

    /// How the key stood before anything was granted.
    pub(crate) fn standing(&self, period: Option<Duration>) -> Standing {
        let told = &self.standing;
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
