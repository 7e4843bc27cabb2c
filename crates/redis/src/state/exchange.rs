//! What the script of a deployment is asked, and what it answers.

use std::time::Duration;

use sagewire_router::{Circuit, DeploymentState, Latencies, Latency, Terms};
use serde::{Deserialize, Serialize};

use crate::outbox::{Place, bounded};

/// The place that is asked for, and its terms.
#[derive(Debug, Serialize)]
pub(super) struct PlaceWanted<'q> {
    place: &'q str,
    tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rpm: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tpm: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<u32>,
    forced: bool,
}

impl<'q> PlaceWanted<'q> {
    pub(super) fn new(place: &'q Place, terms: &Terms) -> Self {
        Self {
            place: &place.member,
            tokens: place.tokens,
            rpm: terms.limits.rpm.map(bounded),
            tpm: terms.limits.tpm.map(bounded),
            most: terms.limits.max_parallel_requests,
            forced: terms.despite_cooldown,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct DeploymentAnswer {
    /// The server's time in milliseconds since 1970.
    now: u64,
    #[serde(default)]
    admitted: bool,
    #[serde(default)]
    trial: bool,
    state: ToldState,
    #[serde(default)]
    cooldowns: Vec<Cooldown>,
}

/// A deployment's state before the request was counted.
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
    pub(super) fn admitted(&self) -> bool {
        self.admitted
    }

    /// The place that is granted.
    pub(super) fn granted(&self, place: &Place) -> Place {
        Place { is_trial: self.trial, may_be_known: true, counted_in: Some(self.now / 1000), ..place.clone() }
    }

    /// How the deployment was doing before the request was counted.
    pub(crate) fn state(&self) -> DeploymentState {
        let told = &self.state;
        let mut state = DeploymentState::default();
        state.in_flight = told.in_flight;
        state.requests = told.requests;
        state.tokens = told.tokens;
        state.reserved_tokens = told.reserved;
        state.room_in = Duration::from_millis(told.room_in);
        state.failures = told.failures;
        state.circuit = match told.cooldown_ended_ago {
            None => Circuit::Closed,
            Some(ago) if ago < 0 => Circuit::CoolingDown { ends_in: Duration::from_millis(ago.unsigned_abs()) },
            Some(_) => Circuit::HalfOpen { probing: told.trials > 0 },
        };
        let mut latencies = Latencies::default();
        latencies.first_chunk = told.first_chunk.as_ref().and_then(Times::average);
        latencies.per_token = told.per_token.as_ref().and_then(Times::average);
        latencies.whole = told.whole.as_ref().and_then(Times::average);
        state.latencies = latencies;
        state
    }

    /// Says which cooldowns have begun with what was told.
    pub(super) fn log_cooldowns(&self, deployment: &str) {
        for Cooldown { millis, failures } in &self.cooldowns {
            let cooldown = Duration::from_millis(*millis);
            tracing::warn!(target: "sagewire::router", deployment, failures, ?cooldown, "cooling down");
        }
    }
}

impl Times {
    fn average(&self) -> Option<Latency> {
        let average = Duration::from_micros(self.sum).checked_div(self.count)?;
        Some(Latency { average, age: Duration::from_millis(self.age) })
    }
}
