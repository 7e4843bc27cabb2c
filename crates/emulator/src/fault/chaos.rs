//! Faults by chance, the same chance in every run.
//!
//! Owns the schedule: which request gets which fault follows from the seed alone.

use crate::{fault::Fault, operation::Operation};

/// A seeded schedule of faults.
///
/// ```
/// use sagewire_emulator::{Chaos, Fault};
///
/// let chaos = Chaos::seeded(7).rate(0.5).faults([Fault::ResetBeforeHeaders, Fault::CutAt(10)]);
/// let first: Vec<_> = (0..100).map(|number| chaos.fault_at(number)).collect();
/// assert_eq!(first.iter().flatten().count(), 46);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Chaos {
    seed: u64,
    rate: f64,
    burst: u64,
    faults: Drawn,
    operations: Vec<Operation>,
}

/// What a schedule draws from.
#[derive(Clone, Debug, PartialEq)]
enum Drawn {
    From(Vec<Fault>),
    /// Each fault with its own share of the requests.
    Rated(Vec<(Fault, f64)>),
    Any,
}

impl Chaos {
    /// One request in five meets a fault of [`Fault::catalog`], of those that harm no later
    /// request; only SageMaker Runtime's operations do.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            rate: 0.2,
            burst: 1,
            faults: Drawn::From(Fault::catalog().into_iter().filter(|fault| !fault.lasts()).collect()),
            operations: vec![
                Operation::InvokeEndpoint,
                Operation::InvokeEndpointWithResponseStream,
                Operation::InvokeEndpointAsync,
            ],
        }
    }

    /// The share of requests that meet a fault, from 0 to 1.
    #[must_use]
    pub const fn rate(mut self, rate: f64) -> Self {
        self.rate = rate;
        self
    }

    /// Faults come in bursts: so many requests in a row meet the same one, or none. 0 is taken as
    /// 1.
    #[must_use]
    pub const fn burst(mut self, requests: u64) -> Self {
        self.burst = if requests == 0 { 1 } else { requests };
        self
    }

    /// The faults to draw from.
    #[must_use]
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults = Drawn::From(faults.into_iter().collect());
        self
    }

    /// Each fault for its own share of the requests, from 0 to 1, in place of one rate for all.
    /// Shares beyond a sum of 1 are cut off.
    #[must_use]
    pub fn rated(mut self, faults: impl IntoIterator<Item = (Fault, f64)>) -> Self {
        self.faults = Drawn::Rated(faults.into_iter().collect());
        self
    }

    /// Draws from all faults with all values: [`Fault::any`]. Some last: without fresh credentials
    /// and a client that corrects its clock, everything fails after one of them.
    #[must_use]
    pub fn any(mut self) -> Self {
        self.faults = Drawn::Any;
        self
    }

    /// The operations that meet faults.
    #[must_use]
    pub fn operations(mut self, operations: impl IntoIterator<Item = Operation>) -> Self {
        self.operations = operations.into_iter().collect();
        self
    }

    /// What the request of this number meets. Only accepted requests for the schedule's operations
    /// are counted, from 0.
    #[must_use]
    pub fn fault_at(&self, number: u64) -> Option<Fault> {
        let burst = number / self.burst;
        let chance = mixed(self.seed ^ mixed(burst.wrapping_mul(2)));
        let choice = mixed(self.seed ^ mixed(burst.wrapping_mul(2) + 1));
        // The upper 32 bits as a number from 0 to 1.
        let drawn = f64::from(u32::try_from(chance >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        match &self.faults {
            Drawn::Rated(faults) => {
                let mut left = drawn;
                faults.iter().find_map(|(fault, rate)| {
                    let is_drawn = left < *rate;
                    left -= rate;
                    is_drawn.then(|| fault.clone())
                })
            }
            _ if drawn >= self.rate => None,
            Drawn::Any => Some(Fault::any(choice)),
            Drawn::From(faults) => {
                let count = u64::try_from(faults.len()).unwrap_or(u64::MAX);
                faults.get(usize::try_from(choice.checked_rem(count)?).unwrap_or_default()).cloned()
            }
        }
    }

    /// A request meets one fault at most, so the faults' own shares cannot exceed 1 together.
    pub(crate) fn check_rates(&self) -> Result<(), String> {
        let Drawn::Rated(faults) = &self.faults else { return Ok(()) };
        let sum: f64 = faults.iter().map(|(_, rate)| rate).sum();
        // Ten times 0.1 is a little more than 1.
        if sum > 1.0 + 1e-9 {
            return Err(format!("the rates of the faults are {sum} together: use at most 1"));
        }
        Ok(())
    }

    pub(crate) fn concerns(&self, operation: Operation) -> bool {
        self.operations.contains(&operation)
    }
}

/// SplitMix64's step: every bit of the result depends on every bit of the number.
pub(super) const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_and_the_rate_is_kept() {
        let drawn =
            |chaos: &Chaos| -> Vec<Option<Fault>> { (0..20_000).map(|number| chaos.fault_at(number)).collect() };
        let chaos = Chaos::seeded(1);
        assert_eq!(drawn(&chaos), drawn(&chaos.clone()));
        assert_ne!(drawn(&chaos), drawn(&Chaos::seeded(2)));
        let faults = drawn(&chaos).iter().flatten().count();
        assert!((3_500..4_500).contains(&faults), "{faults}");
        for fault in Fault::catalog().into_iter().filter(|fault| !fault.lasts()) {
            assert!(drawn(&chaos).contains(&Some(fault.clone())), "{fault:?} never came");
        }
        assert_eq!(drawn(&chaos.clone().rate(0.0)).iter().flatten().count(), 0);
        assert!(drawn(&chaos.clone().rate(1.1)).iter().all(Option::is_some));
        assert_eq!(drawn(&chaos.clone().faults([])).iter().flatten().count(), 0);
        assert!(drawn(&chaos).iter().flatten().all(|fault| !fault.lasts()));
        assert!(drawn(&chaos.any()).iter().flatten().any(Fault::lasts));
    }

    #[test]
    fn each_fault_may_have_its_own_share() {
        let faults = [(Fault::EmptyParts, 0.1), (Fault::ResetBeforeHeaders, 0.3)];
        let chaos = Chaos::seeded(1).rated(faults.clone());
        let drawn: Vec<_> = (0..20_000).filter_map(|number| chaos.fault_at(number)).collect();
        for (fault, rate) in faults {
            let count = drawn.iter().filter(|drawn| **drawn == fault).count();
            let expected = 20_000.0 * rate;
            assert!((expected * 0.9..expected * 1.1).contains(&(count as f64)), "{fault:?}: {count}");
        }
        let always = Chaos::seeded(1).rated([(Fault::EmptyParts, 1.1)]);
        assert!((0..1000).all(|number| always.fault_at(number) == Some(Fault::EmptyParts)));
    }

    #[test]
    fn bursts_are_of_one_kind() {
        let chaos = Chaos::seeded(3).rate(0.5).burst(4);
        for burst in 0..50 {
            let same: Vec<_> = (burst * 4..burst * 4 + 4).map(|number| chaos.fault_at(number)).collect();
            assert!(same.windows(2).all(|pair| pair[0] == pair[1]));
        }
        assert_eq!(Chaos::seeded(3).burst(0), Chaos::seeded(3).burst(1));
    }
}
