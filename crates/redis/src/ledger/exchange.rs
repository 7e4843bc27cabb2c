//! What the script of a key is asked, and what it answers.

use std::time::Duration;

use sagewire_router::ledger::{KeyLimits, Standing};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::period;
use crate::{
    Redis,
    clock::millis,
    outbox::{Batch, bounded},
    redis::LEASE,
};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'q> {
    /// A request.
    Request,
    /// A reservation, by its name.
    Call(&'q str),
}

/// What was used of a budget.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Seen {
    pub(super) spent: u64,
    /// When its period began, in milliseconds since 1970.
    pub(super) began: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Question<'q> {
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<u64>,
    lease: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<&'q Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<Seen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rpm: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tpm: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    request: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<&'q str>,
}

impl<'q> Question<'q> {
    pub(super) fn new(
        redis: &Redis,
        deadline: Option<u64>,
        batch: Option<&'q Batch>,
        seen: Option<Seen>,
        key: &KeyLimits<'_>,
        wanted: Option<Wanted<'q>>,
    ) -> Self {
        Self {
            now: redis.time_of_tests(),
            deadline,
            lease: millis(LEASE),
            batch: batch.map(|batch| batch.number),
            changes: batch.map(|batch| &*batch.changes),
            seen: seen.filter(|_| key.token_budget.is_some()),
            rpm: key.rpm.map(bounded),
            tpm: key.tpm.map(bounded),
            budget: key.token_budget.map(bounded),
            period: period(key),
            request: matches!(wanted, Some(Wanted::Request)),
            call: match wanted {
                Some(Wanted::Call(call)) => Some(call),
                _ => None,
            },
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    now: u64,
    #[serde(default)]
    admitted: bool,
    standing: Told,
}

/// How the key stood before anything was granted.
#[derive(Debug, Deserialize)]
struct Told {
    requests: u64,
    tokens: u64,
    spent: u64,
    reserved: u64,
    calls: u64,
    minute_began: u64,
    budget_began: u64,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Answer {
    pub(super) fn admitted(&self) -> bool {
        self.admitted
    }

    /// How the key stood before anything was granted.
    pub(super) fn standing(&self, period: Option<Duration>) -> Standing {
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

    pub(super) fn seen(&self) -> Seen {
        Seen { spent: self.standing.spent, began: self.standing.budget_began }
    }
}
