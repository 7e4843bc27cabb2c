//! What many runs came to.
//!
//! Owns the counts, and the demand that the runs were worth having: that faults came, that answers
//! came whole, cut and not at all.

use std::{collections::BTreeMap, fmt};

use crate::{
    model::{End, Evidence},
    schedule::Schedule,
};

#[derive(Debug, Default)]
pub(crate) struct Tally {
    runs: u64,
    requests: u64,
    attempts: usize,
    faults: BTreeMap<String, u64>,
    whole: u64,
    whole_after_faults: u64,
    begun_and_failed: u64,
    failed: BTreeMap<String, u64>,
    abandoned: u64,
    most_memory: u64,
}

impl Tally {
    /// The most bytes that a run held at a time.
    pub(crate) fn weigh(&mut self, most: u64) {
        self.most_memory = self.most_memory.max(most);
    }

    pub(crate) fn add(&mut self, schedule: &Schedule, evidence: &Evidence) {
        self.runs += 1;
        self.attempts += evidence.sent.len();
        for fault in evidence.received.iter().filter_map(|received| received.fault.as_ref()) {
            let name = format!("{fault:?}");
            let kind = name.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
            *self.faults.entry(kind.to_owned()).or_default() += 1;
        }
        for outcome in &evidence.outcomes {
            self.requests += 1;
            match &outcome.end {
                End::Whole => {
                    self.whole += 1;
                    let attempts =
                        evidence.sent.iter().filter(|sent| sent.number == Some(outcome.asked.number)).count();
                    self.whole_after_faults += u64::from(attempts > 1);
                }
                End::Failed { kind, .. } => {
                    self.begun_and_failed += u64::from(!outcome.text.is_empty());
                    *self.failed.entry(kind.clone()).or_default() += 1;
                }
                End::Abandoned => self.abandoned += 1,
                End::Never | End::CutOff(_) => {}
            }
        }
        debug_assert!(evidence.outcomes.len() == schedule.requests.len());
    }

    /// A check of runs in which nothing happens would be none.
    pub(crate) fn assert_worth_having(&self) {
        assert!(self.faults.len() >= 20, "only {} kinds of faults came", self.faults.len());
        assert!(self.whole * 5 > self.requests, "too few answers were whole: {self}");
        assert!(self.whole_after_faults > 0 && self.begun_and_failed > 0 && self.abandoned > 0, "{self}");
        assert!(self.failed.len() >= 6, "only {:?}", self.failed.keys());
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: u64 = self.faults.values().sum();
        let failed: u64 = self.failed.values().sum();
        writeln!(
            f,
            "{} schedules, {} requests, {} attempts, {faults} faults of {} kinds",
            self.runs,
            self.requests,
            self.attempts,
            self.faults.len()
        )?;
        writeln!(
            f,
            "  whole {} ({} after more than one attempt), failed with one error {failed} ({} after some text), given up by the caller {}",
            self.whole, self.whole_after_faults, self.begun_and_failed, self.abandoned
        )?;
        writeln!(f, "  all memory given back after each run; at most {} KiB at a time", self.most_memory / 1024)?;
        writeln!(f, "  faults {:?}", self.faults)?;
        write!(f, "  errors {:?}", self.failed)
    }
}
