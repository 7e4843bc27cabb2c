//! When a deployment is left alone, and how it comes back.
//!
//! Owns the circuit of one deployment as a pure value: too many failures open it, its cooldown's
//! end half-opens it, and the outcome of one trial closes or reopens it.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use crate::FailureSort;

/// Whether a deployment may be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Circuit {
    /// It may.
    #[default]
    Closed,
    /// It failed too often and rests.
    CoolingDown {
        /// How soon the rest is over.
        ends_in: Duration,
    },
    /// It has rested: one request at a time finds out whether it is well.
    HalfOpen {
        /// Whether such a request is on its way.
        probing: bool,
    },
}

/// When failures start a cooldown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CooldownPolicy {
    /// How many failures in a row are borne; one more starts the cooldown.
    pub allowed_fails: u32,
    /// The sort that the failure is counted as, where the operator gives its sort a number of its
    /// own; all others are counted together.
    pub counted_as: Option<FailureSort>,
    /// How long a cooldown lasts; zero means that there is none.
    pub cooldown_time: Duration,
}

/// How long a failure counts.
const FAILURE_COUNTS_FOR: Duration = Duration::from_secs(60);
/// The longest cooldown; a longer one would outlive the process.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// The circuit of one deployment.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Failures in a row, by what they are counted as.
    failures: BTreeMap<Option<FailureSort>, u32>,
    last_failure: Option<Instant>,
    /// When the cooldown ends or ended; `None` while the circuit is closed.
    open_until: Option<Instant>,
    trials: u32,
}

impl Breaker {
    pub(super) fn circuit(&self, now: Instant) -> Circuit {
        match self.open_until {
            None => Circuit::Closed,
            Some(end) if now < end => Circuit::CoolingDown { ends_in: end.duration_since(now) },
            Some(_) => Circuit::HalfOpen { probing: self.trials > 0 },
        }
    }

    /// Failures in a row that still count.
    pub(super) fn failures(&self, now: Instant) -> u32 {
        let recent = self.last_failure.is_some_and(|last| now.duration_since(last) < FAILURE_COUNTS_FOR);
        if recent { self.failures.values().fold(0, |sum, count| sum.saturating_add(*count)) } else { 0 }
    }

    /// Whether a request that begins now is a trial; it is counted as one then.
    pub(super) fn begin(&mut self) -> bool {
        let trial = self.open_until.is_some();
        self.trials += u32::from(trial);
        trial
    }

    /// Ends a trial that says nothing.
    pub(super) fn end_trial(&mut self) {
        self.trials = self.trials.saturating_sub(1);
    }

    pub(super) fn answered(&mut self, trial: bool) {
        if trial {
            self.end_trial();
            self.open_until = None;
        }
        // An answer to what was asked before the cooldown began says nothing about now.
        if self.open_until.is_none() {
            self.failures.clear();
            self.last_failure = None;
        }
    }

    /// Counts a failure. Gives the length of the cooldown that it starts, if it starts one.
    pub(super) fn failed(
        &mut self,
        now: Instant,
        trial: bool,
        policy: CooldownPolicy,
        retry_after: Option<Duration>,
    ) -> Option<Duration> {
        if trial {
            self.end_trial();
        }
        if self.failures(now) == 0 {
            self.failures.clear();
        }
        let count = self.failures.entry(policy.counted_as).or_default();
        *count = count.saturating_add(1);
        let count = *count;
        self.last_failure = Some(now);
        if policy.cooldown_time.is_zero() {
            self.open_until = None;
            return None;
        }
        // What was asked before the cooldown began does not prolong it.
        let may_open = trial || self.open_until.is_none();
        let too_many = trial || count > policy.allowed_fails;
        // The operator's own number for this sort stands above what the service asks for.
        let asked = retry_after.filter(|_| too_many || policy.counted_as.is_none()).unwrap_or_default();
        let rest = if too_many { asked.max(policy.cooldown_time) } else { asked }.min(LONGEST);
        if !may_open || rest.is_zero() {
            return None;
        }
        self.open_until = Some(now + rest);
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: CooldownPolicy =
        CooldownPolicy { allowed_fails: 2, counted_as: None, cooldown_time: Duration::from_secs(5) };

    fn at(seconds: u64) -> Instant {
        // One base for the whole test thread, so that instants of one test compare.
        thread_local!(static BASE: Instant = Instant::now());
        BASE.with(|base| *base + Duration::from_secs(seconds))
    }

    fn fail(breaker: &mut Breaker, seconds: u64) -> Option<Duration> {
        breaker.failed(at(seconds), false, POLICY, None)
    }

    #[test]
    fn the_failure_after_the_allowed_ones_starts_the_cooldown() {
        let mut breaker = Breaker::default();
        assert_eq!((fail(&mut breaker, 0), fail(&mut breaker, 1)), (None, None));
        assert_eq!(fail(&mut breaker, 2), Some(Duration::from_secs(5)));
        assert_eq!(breaker.circuit(at(3)), Circuit::CoolingDown { ends_in: Duration::from_secs(4) });
        assert_eq!(breaker.circuit(at(7)), Circuit::HalfOpen { probing: false });
    }

    #[test]
    fn an_answer_between_or_a_minute_between_starts_the_count_anew() {
        let mut breaker = Breaker::default();
        fail(&mut breaker, 0);
        fail(&mut breaker, 0);
        breaker.answered(false);
        assert_eq!((fail(&mut breaker, 1), fail(&mut breaker, 2)), (None, None));
        assert_eq!(fail(&mut breaker, 62), None);
        assert_eq!(breaker.failures(at(62)), 1);
    }

    #[test]
    fn one_trial_closes_or_reopens() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            fail(&mut breaker, 0);
        }
        assert!(breaker.begin());
        assert_eq!(breaker.circuit(at(5)), Circuit::HalfOpen { probing: true });
        assert_eq!(breaker.failed(at(6), true, POLICY, None), Some(Duration::from_secs(5)));
        assert_eq!(breaker.circuit(at(6)), Circuit::CoolingDown { ends_in: Duration::from_secs(5) });
        assert!(breaker.begin());
        breaker.answered(true);
        assert_eq!((breaker.circuit(at(12)), breaker.failures(at(12))), (Circuit::Closed, 0));
    }

    #[test]
    fn what_began_before_the_cooldown_neither_ends_nor_prolongs_it() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            fail(&mut breaker, 0);
        }
        assert_eq!(fail(&mut breaker, 4), None);
        breaker.answered(false);
        assert_eq!(breaker.circuit(at(4)), Circuit::CoolingDown { ends_in: Duration::from_secs(1) });
    }

    #[test]
    fn a_trial_that_says_nothing_leaves_room_for_the_next() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            fail(&mut breaker, 0);
        }
        breaker.begin();
        breaker.end_trial();
        assert_eq!(breaker.circuit(at(9)), Circuit::HalfOpen { probing: false });
    }

    #[test]
    fn a_service_that_names_a_time_is_left_alone_for_it_at_once() {
        let asked = Some(Duration::from_secs(20));
        assert_eq!(Breaker::default().failed(at(0), false, POLICY, asked), asked);
    }

    #[test]
    fn a_sort_with_a_number_of_its_own_is_counted_alone_whatever_the_service_asks_for() {
        let limits = CooldownPolicy { allowed_fails: 100, counted_as: Some(FailureSort::RateLimit), ..POLICY };
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            assert_eq!(breaker.failed(at(0), false, limits, Some(Duration::from_secs(20))), None);
        }
        assert_eq!((fail(&mut breaker, 0), fail(&mut breaker, 0)), (None, None), "others have their own count");
        assert_eq!(breaker.failures(at(0)), 102);
        assert_eq!(breaker.failed(at(0), false, limits, Some(Duration::from_secs(20))), Some(Duration::from_secs(20)));
    }

    #[test]
    fn no_cooldown_time_means_no_cooldown() {
        let policy = CooldownPolicy { allowed_fails: 0, cooldown_time: Duration::ZERO, ..POLICY };
        let mut breaker = Breaker::default();
        assert_eq!(breaker.failed(at(0), false, policy, Some(Duration::from_secs(9))), None);
        assert_eq!(breaker.circuit(at(0)), Circuit::Closed);
    }
}
