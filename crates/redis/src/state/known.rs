//! What is known here of deployments, without asking Redis.
//!
//! Owns how old it may be, and what becomes of it with time and with this replica's own requests.

use std::{sync::Arc, time::Duration};

use sagewire_router::{Circuit, DeploymentState, Limits, Refusal, Terms};
use tokio::time::Instant;

use super::Deployments;
use crate::counted::Counted;

/// How old what is known of a deployment may be for it to be taken as it is.
const FRESH: Duration = Duration::from_millis(50);

/// How old it may be for an unlimited deployment to be asked without asking Redis first.
pub(super) const TRUSTED: Duration = Duration::from_secs(1);

impl Counted<Deployments> {
    /// What is known, if all of it is fresh.
    pub(super) fn fresh(&self, deployments: &[Arc<str>]) -> Option<Vec<DeploymentState>> {
        let now = Instant::now();
        let records = self.lock();
        let state = |id: &Arc<str>| {
            let seen = records.get(id)?.seen.as_ref()?;
            let age = now.duration_since(seen.at);
            (age < FRESH).then(|| aged(&seen.state, age))
        };
        deployments.iter().map(state).collect()
    }

    /// What is known, whatever its age, and which of it is to be read anew. What may have changed
    /// since refuses no request.
    pub(super) fn glance(&self, deployments: &[Arc<str>]) -> (Vec<DeploymentState>, Vec<Arc<str>>) {
        let now = Instant::now();
        let mut outdated = Vec::new();
        let states = deployments.iter().map(|id| {
            self.with_record(id, |record| {
                let (mut state, age) = match &record.seen {
                    Some(seen) => (seen.state.clone(), Some(now.duration_since(seen.at))),
                    None => (DeploymentState::default(), None),
                };
                if age.is_none_or(|age| age >= FRESH) {
                    state = hopeful(aged(&state, age.unwrap_or_default()), record.settings.limits);
                    if !std::mem::replace(&mut record.settings.is_being_read, true) {
                        outdated.push(Arc::clone(id));
                    }
                } else {
                    state = aged(&state, age.unwrap_or_default());
                }
                state
            })
        });
        (states.collect(), outdated)
    }

    pub(super) fn known(&self, deployments: &[Arc<str>]) -> Vec<DeploymentState> {
        let now = Instant::now();
        let records = self.lock();
        let state = |id: &Arc<str>| {
            let seen = records.get(id)?.seen.as_ref()?;
            Some(aged(&seen.state, now.duration_since(seen.at)))
        };
        deployments.iter().map(|id| state(id).unwrap_or_default()).collect()
    }
}

/// A state that refuses no more than what surely holds still: a cooldown, and the requests of this
/// minute.
fn hopeful(mut state: DeploymentState, limits: Limits) -> DeploymentState {
    if matches!(state.circuit, Circuit::HalfOpen { .. }) {
        state.circuit = Circuit::HalfOpen { probing: false };
    }
    let terms = Terms { limits, ..Terms::default() };
    match terms.refusal(&state) {
        None | Some(Refusal::CoolingDown { .. }) => {}
        Some(Refusal::RequestLimit { room_in }) if !room_in.is_zero() => {}
        Some(_) => {
            (state.in_flight, state.requests) = (0, 0);
            (state.tokens, state.reserved_tokens) = (0, 0);
        }
    }
    state
}

pub(super) fn count_in(state: &mut DeploymentState, terms: &Terms) {
    state.in_flight = state.in_flight.saturating_add(1);
    state.requests = state.requests.saturating_add(1);
    state.reserved_tokens = state.reserved_tokens.saturating_add(terms.estimated_tokens);
}

pub(super) fn count_out(state: &mut DeploymentState, reserved: u64, tokens: u64) {
    state.in_flight = state.in_flight.saturating_sub(1);
    state.reserved_tokens = state.reserved_tokens.saturating_sub(reserved);
    state.tokens = state.tokens.saturating_add(tokens);
}

/// A deployment's state a while later, if nothing has happened.
fn aged(state: &DeploymentState, age: Duration) -> DeploymentState {
    let mut state = state.clone();
    state.room_in = state.room_in.saturating_sub(age);
    state.circuit = match state.circuit {
        Circuit::CoolingDown { ends_in } if ends_in > age => Circuit::CoolingDown { ends_in: ends_in - age },
        Circuit::CoolingDown { .. } => Circuit::HalfOpen { probing: false },
        other => other,
    };
    let latencies = &mut state.latencies;
    for latency in [&mut latencies.first_chunk, &mut latencies.per_token, &mut latencies.whole].into_iter().flatten() {
        latency.age += age;
    }
    state
}
