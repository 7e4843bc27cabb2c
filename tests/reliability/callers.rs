//! What must hold between callers: a key keeps within its limits, one caller's choice takes no
//! deployment away from the others, and nobody is shown a secret.
//!
//! Owns these rules, and what is known of a key. They are part of the model's judgement.

use std::time::Duration;

use crate::{
    model::{End, Evidence, Outcome, Violation},
    schedule::{Key, Schedule, Way},
    speaker::{least_tokens, most_tokens},
};

/// What a model is expected to generate until an answer of it has come.
const UNKNOWN_OUTPUT: u64 = 512;

const MINUTE: Duration = Duration::from_secs(60);

/// What a key has used and reserved, as the proxy says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spending {
    pub(crate) spent: u64,
    pub(crate) reserved: u64,
}

/// When a request began and ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Its places in the order of all beginnings and ends.
    pub(crate) began: u64,
    pub(crate) ended: u64,
    /// The run's time when it began, and when it ended.
    pub(crate) at: Duration,
    pub(crate) until: Duration,
}

/// All that did not hold between the callers of a run.
pub(crate) fn violations(schedule: &Schedule, evidence: &Evidence) -> Vec<Violation> {
    let mut found: Vec<Violation> = of_secrets(evidence).chain(of_rest(evidence)).collect();
    if schedule.way == Way::Proxy {
        for (place, key) in schedule.keys.iter().enumerate() {
            let calls: Vec<_> = evidence.outcomes.iter().filter(|outcome| outcome.asked.key == place).collect();
            found.extend(of_key(key, &evidence.spending[place], &calls));
        }
    }
    found
}

fn of_secrets(evidence: &Evidence) -> impl Iterator<Item = Violation> {
    evidence.outcomes.iter().filter_map(|outcome| {
        let secret = evidence.secrets.iter().find(|secret| outcome.shown.contains(secret.as_str()))?;
        Some(Violation::Shown(outcome.asked.number, secret.clone()))
    })
}

/// A deployment rests only if something went wrong that no caller asked for. What goes wrong with
/// one endpoint may break the connection of another, so that it excuses all.
fn of_rest(evidence: &Evidence) -> impl Iterator<Item = Violation> {
    let echoed = evidence.outcomes.iter().any(|outcome| outcome.asked.is_echoed);
    let wrong = echoed || evidence.received.iter().any(|received| received.fault.is_some() || !received.accepted);
    evidence.resting.iter().filter(move |_| !wrong).map(|id| Violation::RestsForACaller(id.clone()))
}

fn of_key(key: &Key, spending: &Spending, calls: &[&Outcome]) -> Vec<Violation> {
    let mut found = Vec::new();
    if spending.reserved > 0 {
        found.push(Violation::StillReserved(key.name, spending.reserved));
    }
    let used = |calls: &mut dyn Iterator<Item = &&Outcome>| -> u64 {
        calls.filter(|call| call.end == End::Whole).map(|call| least_tokens(&call.asked)).sum()
    };
    if spending.spent < used(&mut calls.iter()) {
        found.push(Violation::NotCounted(key.name, spending.spent));
    }
    let admitted: Vec<_> = calls.iter().filter(|call| !call.refused_by_key).collect();
    if let Some(budget) = key.token_budget {
        for call in &admitted {
            let before = used(&mut calls.iter().filter(|other| other.turn.ended < call.turn.began));
            if before >= budget {
                found.push(Violation::OverBudget(key.name, call.asked.number));
            }
        }
        // What is at work at the last beginning was admitted while there was room for it.
        let last = admitted.iter().max_by_key(|call| call.turn.began);
        let at_work = admitted.iter().filter(|call| last.is_some_and(|last| call.turn.ended >= last.turn.began));
        let most: u64 = at_work.map(|call| most_of(call)).sum();
        if spending.spent > budget + most {
            found.push(Violation::Overspent(key.name, spending.spent));
        }
        found.extend(together(key, budget, &admitted));
    }
    if let (Some(rpm), Some(first)) = (key.rpm, calls.iter().map(|call| call.turn.at).min()) {
        let within = admitted.iter().filter(|call| call.turn.at < first + MINUTE).count() as u64;
        if within > rpm {
            found.push(Violation::TooManyRequests(key.name, within));
        }
    }
    found
}

/// The most that a call may count as: one that was given up counts as much as was expected of it.
fn most_of(call: &Outcome) -> u64 {
    let expected = if call.end == End::Whole { 0 } else { UNKNOWN_OUTPUT };
    most_tokens(&call.asked) + expected
}

/// Before any answer has come, each generating call reserves what is expected of an unknown model:
/// two have no room in less than twice that. The run's time goes on only when all wait, so that
/// calls which began at its beginning and lasted were at work together.
fn together(key: &Key, budget: u64, admitted: &[&&Outcome]) -> Option<Violation> {
    let first = admitted.iter().map(|call| call.turn.at).min()?;
    let lasted = |call: &&&&Outcome| call.turn.at == first && call.turn.until > first;
    let count = admitted.iter().filter(lasted).filter(|call| !call.asked.target.embeds()).count() as u64;
    (count > 1 && budget < UNKNOWN_OUTPUT).then_some(Violation::ReservedTogether(key.name, count))
}
