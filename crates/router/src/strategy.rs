//! Which of the deployments that could take a call does.
//!
//! Owns the strategies' names and what they choose from; each strategy has its own file. They see
//! snapshots alone: where those come from is the state's.

use std::{fmt, str::FromStr, time::Duration};

use fastrand::Rng;

use crate::state::{DeploymentState, Limits, Measure};

mod latency;
mod least_busy;
mod shuffle;
mod usage;

/// How a router chooses among the deployments of a model that could take a call.
///
/// The names in configurations are LiteLLM's, and are read by [`FromStr`]:
///
/// ```
/// use sagewire_router::Strategy;
///
/// assert_eq!("usage-based-routing-v2".parse(), Ok(Strategy::UsageBased));
/// assert!("round-robin".parse::<Strategy>().unwrap_err().to_string().contains("simple-shuffle"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Strategy {
    /// At random: by `weight` where any deployment has one, else by `rpm`, else by `tpm`, else
    /// evenly.
    #[default]
    SimpleShuffle,
    /// The one with the fewest calls in flight.
    LeastBusy,
    /// The one that answers soonest: for streams, by the time to the first chunk; else by the time
    /// for each token.
    LatencyBased {
        /// How old a measured time may be. A deployment without one is tried before the others.
        ttl: Duration,
        /// Deployments within this share of the lowest latency count as equally fast: 0.5 is half
        /// as much again.
        lowest_latency_buffer: f64,
    },
    /// The one with the fewest tokens in the last minute, as a share of its `tpm` where all have
    /// one.
    UsageBased,
}

impl Strategy {
    /// [`Strategy::LatencyBased`] with LiteLLM's defaults: times of up to an hour ago, no buffer.
    #[must_use]
    pub fn latency_based() -> Self {
        Self::LatencyBased { ttl: Duration::from_secs(3600), lowest_latency_buffer: 0.0 }
    }

    /// The names in configurations.
    pub(crate) const NAMES: [&str; 5] =
        ["simple-shuffle", "least-busy", "latency-based-routing", "usage-based-routing", "usage-based-routing-v2"];

    /// The name in a configuration.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::SimpleShuffle => "simple-shuffle",
            Self::LeastBusy => "least-busy",
            Self::LatencyBased { .. } => "latency-based-routing",
            Self::UsageBased => "usage-based-routing",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(name: &str) -> Result<Self, UnknownStrategy> {
        match name {
            "simple-shuffle" => Ok(Self::SimpleShuffle),
            "least-busy" => Ok(Self::LeastBusy),
            "latency-based-routing" => Ok(Self::latency_based()),
            "usage-based-routing" | "usage-based-routing-v2" => Ok(Self::UsageBased),
            _ => Err(UnknownStrategy { name: name.to_owned() }),
        }
    }
}

/// A name that is no strategy's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown routing strategy `{name}`; expected one of `simple-shuffle`, `least-busy`, `latency-based-routing` or `usage-based-routing`"
)]
pub struct UnknownStrategy {
    name: String,
}

/// What a strategy knows about a deployment that could take the call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Candidate {
    pub(crate) weight: Option<f64>,
    pub(crate) limits: Limits,
    pub(crate) state: DeploymentState,
}

impl AsRef<Self> for Candidate {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// The index of the chosen candidate; `None` where there is none.
pub(crate) fn choose(
    strategy: Strategy,
    candidates: &[impl AsRef<Candidate>],
    measure: Measure,
    rng: &mut Rng,
) -> Option<usize> {
    if candidates.len() < 2 {
        return candidates.first().map(|_| 0);
    }
    match strategy {
        Strategy::SimpleShuffle => shuffle::choose(candidates, rng),
        Strategy::LeastBusy => least_busy::choose(candidates, rng),
        Strategy::LatencyBased { ttl, lowest_latency_buffer } => {
            latency::choose(candidates, measure, ttl, lowest_latency_buffer, rng)
        }
        Strategy::UsageBased => usage::choose(candidates, rng),
    }
}

/// The index of the candidate with the lowest cost, one of them at random where several share it.
/// Candidates without a cost are passed over.
fn lowest<C: PartialOrd>(
    candidates: &[impl AsRef<Candidate>],
    rng: &mut Rng,
    cost: impl Fn(&Candidate) -> Option<C>,
) -> Option<usize> {
    let mut best: Option<(usize, C)> = None;
    let mut ties = 0;
    for (index, candidate) in candidates.iter().enumerate() {
        let Some(cost) = cost(candidate.as_ref()) else { continue };
        let better = best.as_ref().is_none_or(|(_, lowest)| cost < *lowest);
        let equal = best.as_ref().is_some_and(|(_, lowest)| cost == *lowest);
        if better {
            ties = 1;
            best = Some((index, cost));
        } else if equal {
            // The n-th of equals replaces the choice with probability 1/n, which leaves each with the same
            // chance.
            ties += 1;
            if rng.u32(0..ties) == 0 {
                best = Some((index, cost));
            }
        }
    }
    best.map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for strategy in [Strategy::SimpleShuffle, Strategy::LeastBusy, Strategy::latency_based(), Strategy::UsageBased]
        {
            assert_eq!(strategy.as_str().parse(), Ok(strategy));
        }
    }

    #[test]
    fn no_candidate_is_no_choice_and_one_is_the_choice_of_all() {
        let mut rng = Rng::with_seed(1);
        for strategy in [Strategy::SimpleShuffle, Strategy::LeastBusy, Strategy::latency_based(), Strategy::UsageBased]
        {
            assert_eq!(choose(strategy, &[] as &[Candidate], Measure::Whole, &mut rng), None);
            assert_eq!(choose(strategy, &[Candidate::default()], Measure::Whole, &mut rng), Some(0));
            let two = [Candidate::default(), Candidate::default()];
            assert!(choose(strategy, &two, Measure::Whole, &mut rng).is_some_and(|index| index < 2));
        }
    }

    #[test]
    fn equals_share_evenly() {
        let candidates = vec![Candidate::default(); 4];
        let mut rng = Rng::with_seed(7);
        let mut counts = [0_u32; 4];
        for _ in 0..4000 {
            counts[lowest(&candidates, &mut rng, |candidate| Some(candidate.state.in_flight)).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
    }
}
