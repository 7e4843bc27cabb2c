//! What a replica tells of one deployment.

use std::{collections::BTreeMap, time::Duration};

use sagewire_router::{Measure, Outcome};
use serde_json::{Value, json};

use crate::{
    clock::{ServerClock, millis},
    outbox::{Changes, Seconds, bounded},
};

/// The longest cooldown.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// How many outcomes are kept while Redis is away, the latest ones.
const MOST_OUTCOMES: usize = 256;

/// A place at a deployment.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// What Redis calls it: `<replica>:<number>:<tokens>`.
    pub(super) member: String,
    /// How many tokens are expected.
    pub(super) tokens: u64,
    pub(super) is_trial: bool,
    /// Whether Redis may know it.
    pub(super) may_be_known: bool,
}

impl Place {
    pub(super) fn new(replica: &str, id: u64, tokens: u64) -> Self {
        let tokens = bounded(tokens);
        Self { member: format!("{replica}:{id}:{tokens}"), tokens, is_trial: false, may_be_known: false }
    }
}

#[derive(Debug, Default)]
pub(super) struct StateChanges {
    places: BTreeMap<u64, Place>,
    outcomes: Vec<Value>,
    releases: Vec<String>,
    pub(super) counts: Seconds,
}

impl StateChanges {
    /// The place is held, and its lease begins anew.
    pub(super) fn hold(&mut self, id: u64, place: &Place) {
        self.places.insert(id, place.clone());
    }

    pub(super) fn release(&mut self, id: u64, place: &Place) {
        let untold = self.places.remove(&id).is_some();
        if !untold || place.may_be_known {
            self.give_back(place);
        }
    }

    /// Gives back a place that Redis may know.
    pub(super) fn give_back(&mut self, place: &Place) {
        self.releases.push(place.member.clone());
    }

    /// How an attempt went; `trial` is the place of the trial that it ends.
    pub(super) fn add_outcome(&mut self, outcome: &Outcome, trial: Option<String>) {
        let mut told = match outcome {
            Outcome::Answered { timing: Some(timing), .. } => json!({
                "measure": name(timing.measure),
                "micros": bounded(u64::try_from(timing.time.as_micros()).unwrap_or(u64::MAX)),
            }),
            Outcome::Failed { policy, retry_after, .. } => json!({
                "sort": policy.counted_as.map_or("", |sort| sort.as_str()),
                "allowed": policy.allowed_fails,
                "cooldown": millis(policy.cooldown_time.min(LONGEST)),
                "longest": millis(LONGEST),
            })
            .with("retry_after", retry_after.map(|time| millis(time.min(LONGEST)).into())),
            _ => json!({}),
        };
        told = told.with("trial", trial.map(Value::from));
        if self.outcomes.len() >= MOST_OUTCOMES {
            self.outcomes.remove(0);
        }
        self.outcomes.push(told);
    }
}

/// Adding an entry that may be missing.
trait With {
    fn with(self, name: &str, value: Option<Value>) -> Self;
}

impl With for Value {
    fn with(mut self, name: &str, value: Option<Value>) -> Self {
        if let (Value::Object(map), Some(value)) = (&mut self, value) {
            map.insert(name.to_owned(), value);
        }
        self
    }
}

fn name(measure: Measure) -> &'static str {
    match measure {
        Measure::FirstChunk => "first_chunk",
        Measure::PerToken => "per_token",
        _ => "whole",
    }
}

impl Changes for StateChanges {
    fn is_empty(&self) -> bool {
        self.places.is_empty() && self.outcomes.is_empty() && self.releases.is_empty() && self.counts.is_empty()
    }

    fn to_json(&self, clock: &ServerClock) -> Value {
        let places: Value = self.places.values().map(|place| json!([place.member, place.is_trial])).collect();
        json!({
            "places": places,
            "outcomes": self.outcomes,
            "releases": self.releases,
            "counts": self.counts.to_json(clock),
        })
    }
}
