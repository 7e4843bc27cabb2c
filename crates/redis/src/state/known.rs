//! What is known here of deployments, without asking Redis.
//!
//! Owns how old it may be, and what becomes of it with time and with this replica's own requests.

use std::{sync::Arc, time::Duration};

use sagewire_router::{Circuit, DeploymentState, Terms};
use tokio::time::Instant;

use super::Deployments;
use crate::counted::Counted;

/// How old what is known of a deployment may be for it to be taken as it is.
const FRESH: Duration = Duration::from_millis(50);

/// How old it may be for it to be taken while it is read anew in the background, as long as the
/// deployment seems to have room.
const USABLE: Duration = Duration::from_secs(1);

/// A look at what is known here.
pub(super) enum Look {
    Fresh(Vec<DeploymentState>),
    /// These are to be read anew.
    Usable(Vec<DeploymentState>, Vec<Arc<str>>),
    Outdated,
}

impl Counted<Deployments> {
    pub(super) fn look(&self, deployments: &[Arc<str>]) -> Look {
        let now = Instant::now();
        let mut records = self.lock();
        let mut states = Vec::with_capacity(deployments.len());
        let mut outdated = Vec::new();
        for id in deployments {
            let Some(record) = records.get_mut(id) else { return Look::Outdated };
            let Some(seen) = &record.seen else { return Look::Outdated };
            let age = now.duration_since(seen.at);
            let state = aged(&seen.state, age);
            if age >= FRESH {
                // What refuses may no longer be true, and a call must not be refused for it.
                let terms = Terms { limits: record.settings.limits, ..Terms::default() };
                if age >= USABLE || terms.refusal(&state).is_some() {
                    return Look::Outdated;
                }
                if !std::mem::replace(&mut record.settings.is_being_read, true) {
                    outdated.push(Arc::clone(id));
                }
            }
            states.push(state);
        }
        if outdated.is_empty() { Look::Fresh(states) } else { Look::Usable(states, outdated) }
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
