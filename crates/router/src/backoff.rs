//! How long to wait before the same deployment is asked again.
//!
//! Owns the pauses; whether there is anything to wait for is the caller's.

use std::time::Duration;

use fastrand::Rng;
use sagewire_types::Error;

/// The first pause; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(500);
/// The longest pause that a service did not ask for.
const LONGEST: Duration = Duration::from_secs(8);
/// The longest that a service may ask to be left alone. A service that asks for more is not asked again by the same call.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// How long the service asked to be left alone, for a cooldown: no longer than any call would wait.
pub(crate) fn asked(error: &Error) -> Option<Duration> {
    error.retry_after().map(|asked| asked.min(LONGEST_RETRY_AFTER))
}

/// The pause before repeat number `repeat`, from 0: at least `least`, and half of the rest is chance, so that calls which failed together
/// do not come back together.
pub(crate) fn pause(repeat: u32, least: Duration, rng: &mut Rng) -> Duration {
    let full = FIRST.saturating_mul(1 << repeat.min(16)).min(LONGEST);
    let jittered = full / 2 + (full / 2).mul_f64(rng.f64());
    jittered.max(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_half_is_chance() {
        let mut rng = Rng::with_seed(5);
        for (repeat, full) in [(0, 500), (1, 1000), (2, 2000), (4, 8000), (5, 8000), (u32::MAX, 8000)] {
            let full = Duration::from_millis(full);
            let pauses: Vec<_> = (0..100).map(|_| pause(repeat, Duration::ZERO, &mut rng)).collect();
            assert!(pauses.iter().all(|pause| (full / 2..=full).contains(pause)), "{repeat}: {pauses:?}");
            assert!(pauses.iter().max() > pauses.iter().min());
        }
    }

    #[test]
    fn what_the_service_or_the_operator_asks_for_is_kept() {
        let asked = Duration::from_secs(20);
        assert_eq!(pause(0, asked, &mut Rng::with_seed(5)), asked);
    }
}
