//! `simple-shuffle`: at random, in proportion to what the operator says deployments can take.
//!
//! Owns the proportions.

use fastrand::Rng;

use super::Candidate;

pub(super) fn choose(candidates: &[impl AsRef<Candidate>], rng: &mut Rng) -> Option<usize> {
    let shares = shares(candidates);
    let total: f64 = shares.iter().sum();
    if !(total > 0.0 && total.is_finite()) {
        return Some(rng.usize(0..candidates.len().max(1)));
    }
    let mut left = rng.f64() * total;
    let mut last = None;
    for (index, share) in shares.into_iter().enumerate().filter(|(_, share)| *share > 0.0) {
        last = Some(index);
        if left < share {
            break;
        }
        left -= share;
    }
    last
}

/// What each candidate's chance is proportional to.
fn shares(candidates: &[impl AsRef<Candidate>]) -> Vec<f64> {
    if candidates.iter().any(|candidate| candidate.as_ref().weight.is_some()) {
        return candidates.iter().map(|candidate| candidate.as_ref().weight.unwrap_or(1.0)).collect();
    }
    by_limit(candidates, |candidate| candidate.limits.rpm)
        .or_else(|| by_limit(candidates, |candidate| candidate.limits.tpm))
        .unwrap_or_else(|| vec![1.0; candidates.len()])
}

/// In proportion to a limit. A candidate without one can take at least as much as any other, so it
/// counts as the largest.
#[expect(clippy::cast_precision_loss, reason = "a share need not be exact to more than 53 bits")]
fn by_limit(candidates: &[impl AsRef<Candidate>], limit: impl Fn(&Candidate) -> Option<u64>) -> Option<Vec<f64>> {
    let limits = || candidates.iter().map(|candidate| limit(candidate.as_ref()));
    let largest = limits().flatten().max()?;
    Some(limits().map(|limit| limit.unwrap_or(largest) as f64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Limits;

    fn counts(candidates: &[Candidate]) -> Vec<u32> {
        let mut rng = Rng::with_seed(42);
        let mut counts = vec![0; candidates.len()];
        for _ in 0..10_000 {
            counts[choose(candidates, &mut rng).unwrap()] += 1;
        }
        counts
    }

    fn weighted(weight: impl Into<Option<f64>>) -> Candidate {
        Candidate { weight: weight.into(), ..Candidate::default() }
    }

    fn rpm(rpm: impl Into<Option<u64>>) -> Candidate {
        Candidate { limits: Limits { rpm: rpm.into(), ..Limits::default() }, ..Candidate::default() }
    }

    #[track_caller]
    fn assert_near(counts: &[u32], expected: &[u32]) {
        assert!(counts.iter().zip(expected).all(|(count, expected)| count.abs_diff(*expected) < 150), "{counts:?}");
    }

    #[test]
    fn weights_are_honoured_and_none_is_one() {
        assert_near(&counts(&[weighted(8.0), weighted(None), weighted(1.0)]), &[8000, 1000, 1000]);
    }

    #[test]
    fn weight_zero_gets_nothing_unless_all_are_zero() {
        assert_eq!(counts(&[weighted(0.0), weighted(1.0), weighted(0.0)]), [0, 10_000, 0]);
        assert_near(&counts(&[weighted(0.0), weighted(0.0)]), &[5000, 5000]);
    }

    #[test]
    fn without_weights_the_rpm_decides_and_none_counts_as_the_largest() {
        assert_near(&counts(&[rpm(100), rpm(400), rpm(None)]), &[1111, 4444, 4444]);
    }

    #[test]
    fn without_either_the_tpm_decides() {
        let tpm = |tpm| Candidate { limits: Limits { tpm: Some(tpm), ..Limits::default() }, ..Candidate::default() };
        assert_near(&counts(&[tpm(100), tpm(900)]), &[1000, 9000]);
        assert_near(&counts(&[Candidate::default(), Candidate::default()]), &[5000, 5000]);
    }
}
