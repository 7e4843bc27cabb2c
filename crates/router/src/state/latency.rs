//! How long deployments take to answer.
//!
//! Owns the measures, and their averages over the latest answers. Choosing by them is the latency
//! strategy's.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// What is measured. Only times of the same measure compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measure {
    /// From the request to the first chunk of a stream.
    FirstChunk,
    /// The time of a whole answer, divided by its tokens.
    PerToken,
    /// The time of an answer of no length of its own, such as embeddings.
    Whole,
}

/// One measured time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// What was measured.
    pub measure: Measure,
    /// How long it took.
    pub time: Duration,
}

/// The average over the latest answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// The average.
    pub average: Duration,
    /// How old the newest answer in it is.
    pub age: Duration,
}

/// How long a deployment takes, by what is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Latencies {
    /// Until the first chunk of a stream.
    pub first_chunk: Option<Latency>,
    /// For each token of a whole answer.
    pub per_token: Option<Latency>,
    /// For an answer of no length of its own.
    pub whole: Option<Latency>,
}

impl Latencies {
    /// The average of this measure, where something was measured.
    #[must_use]
    pub fn of(&self, measure: Measure) -> Option<Latency> {
        match measure {
            Measure::FirstChunk => self.first_chunk,
            Measure::PerToken => self.per_token,
            Measure::Whole => self.whole,
        }
    }
}

/// How many answers an average is over.
const LATEST: usize = 10;

/// The latest answers of one deployment.
#[derive(Debug, Default)]
pub(super) struct LatestTimings {
    first_chunk: Latest,
    per_token: Latest,
    whole: Latest,
}

#[derive(Debug, Default)]
struct Latest {
    times: VecDeque<Duration>,
    sum: Duration,
    newest: Option<Instant>,
}

impl LatestTimings {
    pub(super) fn add(&mut self, now: Instant, timing: Timing) {
        let latest = match timing.measure {
            Measure::FirstChunk => &mut self.first_chunk,
            Measure::PerToken => &mut self.per_token,
            Measure::Whole => &mut self.whole,
        };
        if latest.times.len() == LATEST {
            if let Some(oldest) = latest.times.pop_front() {
                latest.sum = latest.sum.saturating_sub(oldest);
            }
        }
        latest.times.push_back(timing.time);
        latest.sum = latest.sum.saturating_add(timing.time);
        latest.newest = Some(now);
    }

    pub(super) fn averages(&self, now: Instant) -> Latencies {
        Latencies {
            first_chunk: self.first_chunk.average(now),
            per_token: self.per_token.average(now),
            whole: self.whole.average(now),
        }
    }
}

impl Latest {
    fn average(&self, now: Instant) -> Option<Latency> {
        let age = now.saturating_duration_since(self.newest?);
        let count = u32::try_from(self.times.len()).ok().filter(|count| *count > 0)?;
        Some(Latency { average: self.sum / count, age })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_is_over_the_latest_ten_of_its_own_measure() {
        let now = Instant::now();
        let mut timings = LatestTimings::default();
        for millis in [900, 900, 900].into_iter().chain([10; 10]) {
            timings.add(now, Timing { measure: Measure::FirstChunk, time: Duration::from_millis(millis) });
        }
        let latencies = timings.averages(now + Duration::from_secs(3));
        let expected = Latency { average: Duration::from_millis(10), age: Duration::from_secs(3) };
        assert_eq!(latencies.of(Measure::FirstChunk), Some(expected));
        assert_eq!((latencies.of(Measure::PerToken), latencies.of(Measure::Whole)), (None, None));
    }
}
