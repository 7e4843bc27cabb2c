//! `usage-based-routing`: the fewest tokens in the last minute.
//!
//! Owns how usage compares: as a share of the limit where every candidate has one, because equal
//! counts are not equal loads then.

use fastrand::Rng;

use super::{Candidate, lowest};

#[expect(clippy::cast_precision_loss, reason = "a share need not be exact to more than 53 bits")]
pub(super) fn choose(candidates: &[impl AsRef<Candidate>], rng: &mut Rng) -> Option<usize> {
    let all_limited = candidates.iter().all(|candidate| candidate.as_ref().limits.tpm.is_some());
    lowest(candidates, rng, |candidate| {
        let state = &candidate.state;
        let tokens = state.tokens.saturating_add(state.reserved_tokens) as f64;
        let limit = candidate.limits.tpm.filter(|_| all_limited).unwrap_or(1).max(1) as f64;
        // Where no tokens are known yet, requests tell more than nothing.
        Some((tokens / limit, state.requests))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{DeploymentState, Limits};

    fn candidate(tokens: u64, requests: u64, tpm: Option<u64>) -> Candidate {
        Candidate {
            limits: Limits { tpm, ..Limits::default() },
            state: DeploymentState { tokens, requests, ..DeploymentState::default() },
            ..Candidate::default()
        }
    }

    #[test]
    fn the_fewest_tokens_win_then_the_fewest_requests() {
        let mut rng = Rng::with_seed(1);
        assert_eq!(choose(&[candidate(50, 1, None), candidate(40, 9, None)], &mut rng), Some(1));
        assert_eq!(choose(&[candidate(0, 2, None), candidate(0, 1, None)], &mut rng), Some(1));
    }

    #[test]
    fn where_all_are_limited_the_share_counts() {
        let mut rng = Rng::with_seed(1);
        assert_eq!(choose(&[candidate(50, 1, Some(1000)), candidate(40, 1, Some(100))], &mut rng), Some(0));
        assert_eq!(choose(&[candidate(50, 1, Some(1000)), candidate(40, 1, None)], &mut rng), Some(1));
    }
}
