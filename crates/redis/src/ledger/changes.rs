//! What a replica tells of one key.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    clock::ServerClock,
    outbox::{Changes, Seconds},
};

#[derive(Debug, Default)]
pub(super) struct LedgerChanges {
    calls: BTreeMap<u64, String>,
    releases: Vec<String>,
    pub(super) counts: Seconds,
}

impl LedgerChanges {
    /// The reservation is held, and its lease begins anew.
    pub(super) fn hold(&mut self, id: u64, call: &str) {
        self.calls.insert(id, call.to_owned());
    }

    pub(super) fn release(&mut self, id: u64, call: &str) {
        self.calls.remove(&id);
        self.give_back(call);
    }

    /// Gives back a reservation that Redis may know.
    pub(super) fn give_back(&mut self, call: &str) {
        self.releases.push(call.to_owned());
    }
}

impl Changes for LedgerChanges {
    fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.releases.is_empty() && self.counts.is_empty()
    }

    fn to_json(&self, clock: &ServerClock) -> Value {
        let calls: Value = self.calls.values().map(String::as_str).collect();
        json!({ "calls": calls, "releases": self.releases, "counts": self.counts.to_json(clock) })
    }
}
