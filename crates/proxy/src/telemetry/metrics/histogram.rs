//! How often something took how long, or was how many.
//!
//! Owns the buckets; observing is a few atomic additions.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::reading::Value;

/// Counts by upper bound: of times in seconds, or of plain numbers.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: &'static [f64],
    /// One for each bound; what is above the last is in `count` alone.
    buckets: Box<[AtomicU64]>,
    count: AtomicU64,
    /// What was observed in all: seconds and their billionths, or whole numbers.
    whole: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Histogram {
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            buckets: bounds.iter().map(|_| AtomicU64::new(0)).collect(),
            count: AtomicU64::new(0),
            whole: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
        }
    }

    pub(crate) fn observe(&self, took: Duration) {
        self.note(took.as_secs_f64());
        self.nanoseconds.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Notes a plain number.
    #[expect(clippy::cast_precision_loss, reason = "only the bucket is found by it")]
    pub(crate) fn observe_count(&self, number: u64) {
        self.note(number as f64);
        self.whole.fetch_add(number, Relaxed);
    }

    fn note(&self, value: f64) {
        if let Some((_, bucket)) = self.bounds.iter().zip(&self.buckets).find(|(bound, _)| value <= **bound) {
            bucket.fetch_add(1, Relaxed);
        }
        self.count.fetch_add(1, Relaxed);
    }

    /// For each bound, how many were at most that.
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut sum = 0;
        self.bounds.iter().zip(&self.buckets).map(move |(bound, bucket)| {
            sum += bucket.load(Relaxed);
            (*bound, sum)
        })
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// All of them together: seconds, or the numbers' sum.
    #[expect(clippy::cast_precision_loss, reason = "no sum of tokens is near 2^52")]
    pub(crate) fn sum(&self) -> f64 {
        self.whole.load(Relaxed) as f64 + Duration::from_nanos(self.nanoseconds.load(Relaxed)).as_secs_f64()
    }

    /// All of it at one moment. The count is what the buckets hold, so that a reader's checks agree.
    pub(crate) fn read(&self) -> Value {
        let mut buckets: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        let within: u64 = buckets.iter().sum();
        let count = self.count().max(within);
        buckets.push(count - within);
        Value::Distribution { bounds: self.bounds, buckets, count, sum: self.sum() }
    }
}
