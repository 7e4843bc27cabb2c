//! `latency-based-routing`: the soonest answer.
//!
//! Owns how measured times compare and how deployments without one get one.

use std::time::Duration;

use fastrand::Rng;

use super::{Candidate, lowest};
use crate::state::Measure;

pub(super) fn choose(
    candidates: &[impl AsRef<Candidate>],
    measure: Measure,
    ttl: Duration,
    buffer: f64,
    rng: &mut Rng,
) -> Option<usize> {
    let measured = |candidate: &Candidate| {
        candidate.state.latencies.of(measure).filter(|latency| latency.age <= ttl).map(|latency| latency.average)
    };
    // One call at a time finds out how fast an unmeasured deployment is; the others need not wait for
    // what may be slow.
    let unmeasured =
        |candidate: &Candidate| (measured(candidate).is_none() && candidate.state.in_flight == 0).then_some(());
    if let Some(index) = lowest(candidates, rng, unmeasured) {
        return Some(index);
    }
    let Some(best) = candidates.iter().filter_map(|candidate| measured(candidate.as_ref())).min() else {
        return super::least_busy::choose(candidates, rng);
    };
    let bound = best.as_secs_f64() * (1.0 + buffer.max(0.0));
    lowest(candidates, rng, |candidate| (measured(candidate)?.as_secs_f64() <= bound).then_some(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{DeploymentState, Latencies, Latency};

    fn candidate(millis: Option<u64>, age: u64, in_flight: u32) -> Candidate {
        let latency =
            millis.map(|millis| Latency { average: Duration::from_millis(millis), age: Duration::from_secs(age) });
        let latencies = Latencies { first_chunk: latency, ..Latencies::default() };
        Candidate {
            state: DeploymentState { in_flight, latencies, ..DeploymentState::default() },
            ..Candidate::default()
        }
    }

    fn chosen(candidates: &[Candidate], buffer: f64) -> Vec<usize> {
        let mut rng = Rng::with_seed(3);
        let ttl = Duration::from_secs(60);
        let mut chosen: Vec<_> =
            (0..200).map(|_| choose(candidates, Measure::FirstChunk, ttl, buffer, &mut rng).unwrap()).collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

    #[test]
    fn the_fastest_wins_and_a_buffer_shares_among_the_nearly_as_fast() {
        let candidates = [candidate(Some(140), 0, 1), candidate(Some(100), 0, 1), candidate(Some(160), 0, 1)];
        assert_eq!(chosen(&candidates, 0.0), [1]);
        assert_eq!(chosen(&candidates, 0.5), [0, 1]);
    }

    #[test]
    fn the_unmeasured_and_the_stale_are_measured_by_one_call_at_a_time() {
        assert_eq!(chosen(&[candidate(Some(1), 0, 0), candidate(None, 0, 0)], 0.0), [1]);
        assert_eq!(chosen(&[candidate(Some(1), 0, 0), candidate(Some(900), 61, 0)], 0.0), [1]);
        assert_eq!(chosen(&[candidate(Some(1), 0, 0), candidate(None, 0, 1)], 0.0), [0]);
    }

    #[test]
    fn where_nothing_is_measured_yet_the_least_busy_wins() {
        assert_eq!(chosen(&[candidate(None, 0, 3), candidate(None, 0, 2)], 0.0), [1]);
    }
}
