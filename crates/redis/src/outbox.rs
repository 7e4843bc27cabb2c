//! What is told to Redis in the background.
//!
//! Changes are gathered until they can be sent. One batch at a time is on its way, under a number
//! that Redis remembers, so that a batch that may have arrived is sent again without being counted
//! twice.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use crate::clock::ServerClock;

/// A place that a request holds at what is counted.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// What Redis calls it: `<replica>:<number>:<tokens>`.
    pub(crate) member: String,
    /// How many tokens are expected.
    pub(crate) tokens: u64,
    /// Whether it is the trial of a deployment that was cooling down.
    pub(crate) is_trial: bool,
    /// Whether Redis may know it.
    pub(crate) may_be_known: bool,
    /// The server's second in which its request was counted, if Redis has said so.
    pub(crate) counted_in: Option<u64>,
}

impl Place {
    pub(crate) fn new(replica: &str, id: u64, tokens: u64) -> Self {
        let tokens = bounded(tokens);
        Self {
            member: format!("{replica}:{id}:{tokens}"),
            tokens,
            is_trial: false,
            may_be_known: false,
            counted_in: None,
        }
    }
}

/// How many outcomes are kept while Redis is away, the latest ones.
const MOST_OUTCOMES: usize = 256;

/// What has happened and is not told yet.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    places: BTreeMap<u64, Place>,
    releases: Vec<String>,
    withdrawn: Vec<Value>,
    outcomes: Vec<Value>,
    pub(crate) counts: Seconds,
}

impl Changes {
    /// The place is held, and its lease begins anew.
    pub(crate) fn hold(&mut self, id: u64, place: &Place) {
        self.places.insert(id, place.clone());
    }

    /// The place is given back.
    pub(crate) fn release(&mut self, id: u64, place: &Place) {
        if self.is_to_be_told(id, place) {
            self.releases.push(place.member.clone());
        }
    }

    /// The place is given back, and its request was never sent.
    pub(crate) fn withdraw(&mut self, id: u64, place: &Place) {
        if self.is_to_be_told(id, place) {
            self.give_up(place);
        }
    }

    /// The same for a place that was asked for and not taken. Redis may know it.
    pub(crate) fn give_up(&mut self, place: &Place) {
        self.withdrawn.push(match place.counted_in {
            Some(second) => json!([place.member, second]),
            None => json!([place.member]),
        });
    }

    fn is_to_be_told(&mut self, id: u64, place: &Place) -> bool {
        let is_untold = self.places.remove(&id).is_some();
        !is_untold || place.may_be_known
    }

    /// How an attempt went, as the script reads it.
    pub(crate) fn add_outcome(&mut self, outcome: Value) {
        if self.outcomes.len() >= MOST_OUTCOMES {
            self.outcomes.remove(0);
        }
        self.outcomes.push(outcome);
    }

    fn is_empty(&self) -> bool {
        self.places.is_empty()
            && self.releases.is_empty()
            && self.withdrawn.is_empty()
            && self.outcomes.is_empty()
            && self.counts.is_empty()
    }

    /// As the script reads it. Times are the server's.
    fn to_json(&self, clock: &ServerClock) -> Value {
        let places: Value = self.places.values().map(|place| json!([place.member, place.is_trial])).collect();
        json!({
            "places": places,
            "releases": self.releases,
            "withdrawn": self.withdrawn,
            "outcomes": self.outcomes,
            "counts": self.counts.to_json(clock),
        })
    }
}

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// What comes into the next batch.
    pub(crate) changes: Changes,
    batch: Option<Batch>,
    is_on_its_way: bool,
    last_number: u64,
}

/// Changes under their number.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) number: u64,
    pub(crate) changes: Arc<Value>,
}

impl Outbox {
    /// The batch to send now. `None` if there is nothing to tell, or another one is on its way.
    pub(crate) fn take(&mut self, clock: &ServerClock) -> Option<Batch> {
        if self.is_on_its_way {
            return None;
        }
        if self.batch.is_none() && !self.changes.is_empty() {
            self.last_number += 1;
            let changes = std::mem::take(&mut self.changes).to_json(clock);
            self.batch = Some(Batch { number: self.last_number, changes: Arc::new(changes) });
        }
        self.is_on_its_way = self.batch.is_some();
        self.batch.clone()
    }

    /// The batch has arrived.
    pub(crate) fn arrived(&mut self) {
        self.batch = None;
        self.is_on_its_way = false;
    }

    /// Whether the batch has arrived is not known.
    pub(crate) fn lost(&mut self) {
        self.is_on_its_way = false;
    }

    /// Whether there is something that can be sent now.
    pub(crate) fn is_ready(&self) -> bool {
        !self.is_on_its_way && !self.is_empty()
    }

    /// Whether everything is told.
    pub(crate) fn is_empty(&self) -> bool {
        self.batch.is_none() && self.changes.is_empty()
    }
}

/// Requests and tokens, by the second in which they were counted.
#[derive(Debug, Default)]
pub(crate) struct Seconds(Vec<Second>);

#[derive(Debug)]
struct Second {
    at: tokio::time::Instant,
    requests: u64,
    tokens: u64,
}

/// How many seconds are kept apart.
const KEPT_APART: usize = 64;

impl Seconds {
    /// Counts now.
    pub(crate) fn add(&mut self, requests: u64, tokens: u64) {
        if requests == 0 && tokens == 0 {
            return;
        }
        let now = tokio::time::Instant::now();
        match self.0.last_mut() {
            Some(last) if now.duration_since(last.at).as_secs() == 0 => {
                last.requests = last.requests.saturating_add(requests);
                last.tokens = last.tokens.saturating_add(tokens);
            }
            _ => self.0.push(Second { at: now, requests, tokens }),
        }
        if self.0.len() > KEPT_APART {
            // Both are too old for a minute's limits; a budget counts them still.
            let oldest = self.0.remove(0);
            if let Some(next) = self.0.first_mut() {
                next.requests = next.requests.saturating_add(oldest.requests);
                next.tokens = next.tokens.saturating_add(oldest.tokens);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Second since 1970, requests and tokens of each.
    pub(crate) fn to_json(&self, clock: &ServerClock) -> Value {
        let entry = |second: &Second| {
            let at = clock.at(second.at).unwrap_or_default() / 1000;
            Value::from(vec![at, bounded(second.requests), bounded(second.tokens)])
        };
        self.0.iter().map(entry).collect()
    }
}

/// The largest number that a script counts exactly and writes without an exponent.
const LARGEST: u64 = 99_999_999_999_999;

/// A number as a script can count it.
pub(crate) fn bounded(number: u64) -> u64 {
    number.min(LARGEST)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lost_batch_is_sent_again_as_it_was_and_later_changes_come_after_it() {
        let (clock, mut outbox) = (ServerClock::default(), Outbox::default());
        assert!(outbox.take(&clock).is_none());
        outbox.changes.add_outcome("a".into());
        let first = outbox.take(&clock).unwrap();
        outbox.changes.add_outcome("b".into());
        assert!(outbox.take(&clock).is_none() && !outbox.is_ready(), "one batch at a time");
        outbox.lost();
        let again = outbox.take(&clock).unwrap();
        assert_eq!((again.number, &again.changes["outcomes"]), (first.number, &json!(["a"])));
        outbox.arrived();
        assert!(outbox.is_ready());
        let next = outbox.take(&clock).unwrap();
        assert_eq!((next.number, &next.changes["outcomes"]), (first.number + 1, &json!(["b"])));
        outbox.arrived();
        assert!(outbox.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_hour_of_seconds_stays_small_and_loses_nothing() {
        let (clock, mut seconds) = (ServerClock::default(), Seconds::default());
        for _ in 0..3600 {
            seconds.add(1, 10);
            seconds.add(0, 5);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        clock.shows(10_000_000);
        let json = seconds.to_json(&clock);
        let entries = json.as_array().unwrap();
        let sum = |index: usize| entries.iter().filter_map(|entry| entry[index].as_u64()).sum::<u64>();
        assert_eq!((entries.len(), sum(1), sum(2)), (KEPT_APART, 3600, 54_000));
        assert_eq!(entries.last().unwrap()[0], 9_999);
    }
}
