//! How an attempt went, as the script of a deployment reads it.

use std::time::Duration;

use sagewire_router::{Measure, Outcome};
use serde_json::{Value, json};

use crate::{clock::millis, outbox::bounded};

/// The longest cooldown.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// `trial` is the place of the trial that the outcome ends.
pub(super) fn to_json(outcome: &Outcome, trial: Option<String>) -> Value {
    let told = match outcome {
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
    told.with("trial", trial.map(Value::from))
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
