//! How often something took how long.
//!
//! Owns the buckets; observing is a few atomic additions.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Counts by upper bound, in seconds.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: &'static [f64],
    /// One for each bound; what is above the last is in `count` alone.
    buckets: Box<[AtomicU64]>,
    count: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Histogram {
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            buckets: bounds.iter().map(|_| AtomicU64::new(0)).collect(),
            count: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
        }
    }

    pub(crate) fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        if let Some((_, bucket)) = self.bounds.iter().zip(&self.buckets).find(|(bound, _)| seconds <= **bound) {
            bucket.fetch_add(1, Relaxed);
        }
        self.count.fetch_add(1, Relaxed);
        self.nanoseconds.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
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

    /// All of them together, in seconds.
    pub(crate) fn sum(&self) -> f64 {
        Duration::from_nanos(self.nanoseconds.load(Relaxed)).as_secs_f64()
    }
}
