//! The numbers as they stand at one moment, for whoever sends them elsewhere than to `/metrics`.
//!
//! Owns the form of a reading. How it is written is the exporter's.

/// All numbers of one name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) points: Vec<Point>,
}

/// One number with its labels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) labels: Vec<(&'static str, String)>,
    pub(crate) value: Value,
}

/// A number, or how often it was how large.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Grows only.
    Count(u64),
    /// Goes up and down.
    Level(f64),
    /// How many were within each bound, and how many above the last.
    Distribution {
        bounds: &'static [f64],
        /// One more than there are bounds, each without those before it.
        buckets: Vec<u64>,
        count: u64,
        sum: f64,
    },
}
