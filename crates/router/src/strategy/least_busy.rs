//! `least-busy`: the fewest calls in flight.
//!
//! Owns nothing but the measure: streams count until they end.

use fastrand::Rng;

use super::{Candidate, lowest};

pub(super) fn choose(candidates: &[impl AsRef<Candidate>], rng: &mut Rng) -> Option<usize> {
    lowest(candidates, rng, |candidate| Some(candidate.state.in_flight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::DeploymentState;

    #[test]
    fn the_fewest_in_flight_wins() {
        let candidates = [3, 1, 2].map(|in_flight| Candidate {
            state: DeploymentState { in_flight, ..DeploymentState::default() },
            ..Candidate::default()
        });
        assert_eq!(choose(&candidates, &mut Rng::with_seed(1)), Some(1));
    }
}
