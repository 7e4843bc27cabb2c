//! What the script of a deployment is asked, and what it answers.

use std::time::Duration;

use sagewire_router::{Circuit, DeploymentState, Latencies, Latency, Limits, Terms};
use serde::{Deserialize, Serialize};

use crate::{
    counted::{Decision, Grant},
    outbox::{Place, bounded},
};

/// The limits of a deployment, as its script is asked with them.
#[derive(Debug, Serialize)]
pub(super) struct DeploymentTerms {
    #[serde(skip_serializing_if = "Option::is_none")]
    rpm: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tpm: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<u32>,
}

impl DeploymentTerms {
    pub(super) fn of(limits: &Limits) -> Self {
        Self { rpm: limits.rpm.map(bounded), tpm: limits.tpm.map(bounded), most: limits.max_parallel_requests }
    }
}

/// The place that is asked for.
#[derive(Debug, Serialize)]
pub(super) struct PlaceWanted {
    place: String,
    tokens: u64,
    forced: bool,
}

impl PlaceWanted {
    pub(super) fn new(place: &Place, terms: &Terms) -> Self {
        Self { place: place.member.clone(), tokens: place.tokens, forced: terms.despite_cooldown }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct DeploymentAnswer {
    /// The server's time in milliseconds since 1970.
    now: u64,
    /// Of each place that was asked for.
    #[serde(default)]
    decisions: Vec<Decision<ToldState>>,
    state: ToldState,
    #[serde(default)]
    cooldowns: Vec<Cooldown>,
}

/// A deployment's state.
#[derive(Debug, Deserialize)]
struct ToldState {
    in_flight: u32,
    requests: u64,
    tokens: u64,
    reserved: u64,
    room_in: u64,
    failures: u32,
    /// Milliseconds; negative while the cooldown lasts.
    cooldown_ended_ago: Option<i64>,
    trials: u32,
    first_chunk: Option<Times>,
    per_token: Option<Times>,
    whole: Option<Times>,
}

/// Answers' times in microseconds; the newest is `age` milliseconds old.
#[derive(Debug, Deserialize)]
struct Times {
    sum: u64,
    count: u32,
    age: u64,
}

#[derive(Debug, Deserialize)]
struct Cooldown {
    millis: u64,
    failures: u32,
}

impl DeploymentAnswer {
    /// The place of this index, if it is granted.
    pub(super) fn granted(&self, index: usize, place: &Place) -> Option<Place> {
        let Some(Decision::Granted(grant)) = self.decisions.get(index) else { return None };
        let (is_trial, counted_in) = (*grant == Grant::Trial, Some(self.now / 1000));
        Some(Place { is_trial, may_be_known: true, counted_in, ..place.clone() })
    }

    /// How the deployment was doing when the place of this index was refused.
    pub(super) fn refused(&self, index: usize) -> DeploymentState {
        match self.decisions.get(index) {
            Some(Decision::Refused(state)) => state.read(),
            _ => self.state(),
        }
    }

    /// How the deployment was doing before anything was granted.
    pub(crate) fn state(&self) -> DeploymentState {
        self.state.read()
    }

    /// Says which cooldowns have begun with what was told.
    pub(super) fn log_cooldowns(&self, deployment: &str) {
        for Cooldown { millis, failures } in &self.cooldowns {
            let cooldown = Duration::from_millis(*millis);
            tracing::warn!(target: "sagewire::router", deployment, failures, ?cooldown, "cooling down");
        }
    }
}

impl ToldState {
    fn read(&self) -> DeploymentState {
        let mut state = DeploymentState::default();
        state.in_flight = self.in_flight;
        state.requests = self.requests;
        state.tokens = self.tokens;
        state.reserved_tokens = self.reserved;
        state.room_in = Duration::from_millis(self.room_in);
        state.failures = self.failures;
        state.circuit = match self.cooldown_ended_ago {
            None => Circuit::Closed,
            Some(ago) if ago < 0 => Circuit::CoolingDown { ends_in: Duration::from_millis(ago.unsigned_abs()) },
            Some(_) => Circuit::HalfOpen { probing: self.trials > 0 },
        };
        let mut latencies = Latencies::default();
        latencies.first_chunk = self.first_chunk.as_ref().and_then(Times::average);
        latencies.per_token = self.per_token.as_ref().and_then(Times::average);
        latencies.whole = self.whole.as_ref().and_then(Times::average);
        state.latencies = latencies;
        state
    }
}

impl Times {
    fn average(&self) -> Option<Latency> {
        let average = Duration::from_micros(self.sum).checked_div(self.count)?;
        Some(Latency { average, age: Duration::from_millis(self.age) })
    }
}
