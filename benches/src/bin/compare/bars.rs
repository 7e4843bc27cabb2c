//! What the project promises of its speed, and whether it holds.
//!
//! Owns the bars; each is a ratio within one run or an absolute figure, and each becomes a row of
//! the report.

use crate::{
    measure::{Ask, CALLS, CONNECTIONS, FIRST_TOKEN, IDLE, OPEN, P99, SIZES, START},
    results::{Results, Subject},
};

/// One promise.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) what: String,
    pub(crate) bar: String,
    pub(crate) measured: Option<f64>,
    met: Limit,
    unit: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

impl Bar {
    fn at_least(what: &str, limit: f64, unit: &'static str, measured: Option<f64>) -> Self {
        Self {
            what: what.to_owned(),
            bar: format!("at least {limit}{unit}"),
            measured,
            met: Limit::AtLeast(limit),
            unit,
        }
    }

    fn at_most(what: &str, limit: f64, unit: &'static str, measured: Option<f64>) -> Self {
        Self { what: what.to_owned(), bar: format!("at most {limit}{unit}"), measured, met: Limit::AtMost(limit), unit }
    }

    /// Whether it holds; `None` where it was not measured.
    pub(crate) fn is_met(&self) -> Option<bool> {
        Some(match self.met {
            Limit::AtLeast(limit) => self.measured? >= limit,
            Limit::AtMost(limit) => self.measured? <= limit,
        })
    }

    pub(crate) fn shown(&self) -> String {
        self.measured.map_or_else(|| "not run".to_owned(), |measured| format!("{}{}", number(measured), self.unit))
    }
}

/// A number with as many digits as say something.
pub(crate) fn number(number: f64) -> String {
    match number.abs() {
        size if size >= 1000.0 => {
            let whole = format!("{number:.0}");
            let cut = whole.len() - 3;
            format!("{},{}", whole.get(..cut).unwrap_or_default(), whole.get(cut..).unwrap_or_default())
        }
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

/// Figures that no load gives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sizes {
    pub(crate) binary_mb: Option<f64>,
    pub(crate) crates: Option<usize>,
    /// Seconds of our cold build and of the SDK's.
    pub(crate) cold: Option<(f64, f64)>,
    /// The time of a signature as a share of `aws-sigv4`'s, and both times.
    pub(crate) signing: Option<(f64, String)>,
}

/// Every promise, with what was measured.
pub(crate) fn all(results: &Results, sizes: &Sizes) -> Vec<Bar> {
    use Subject::{Forwarder, Library, Limited, Reqwest, Sagewire, Upstream};

    let (whole, stream, embeddings) = (Ask::Whole.name(), Ask::Stream.name(), Ask::Embeddings.name());
    let added = Some(()).and_then(|()| Some(results.get(FIRST_TOKEN, Sagewire)? - results.get(FIRST_TOKEN, Upstream)?));
    vec![
        Bar::at_least(
            "proxy, whole answers, against the bare forwarder",
            0.75,
            "",
            results.ratio(whole, Sagewire, Forwarder),
        ),
        Bar::at_least(
            "the same with limits of keys, metrics and the access log",
            0.7,
            "",
            results.ratio(whole, Limited, Forwarder),
        ),
        Bar::at_most(
            "proxy, p99 at 1,000/s, against the bare forwarder",
            1.2,
            "",
            results.ratio(P99, Sagewire, Forwarder),
        ),
        Bar::at_least(
            "proxy, 64-token streams, against the upstream alone",
            0.55,
            "",
            results.ratio(stream, Sagewire, Upstream),
        ),
        Bar::at_most("time to first token added by the proxy, p50", 0.2, " ms", added),
        translated("Messages", Ask::Messages, results),
        translated("Responses", Ask::Responses, results),
        Bar::at_least("library call against a bare reqwest POST", 0.85, "", results.ratio(CALLS, Library, Reqwest)),
        Bar::at_most(
            "signing 1 KiB, key cached, against aws-sigv4",
            0.4,
            "",
            sizes.signing.as_ref().map(|(share, _)| *share),
        ),
        Bar::at_least(
            "embeddings 32 x 1,024 against the bare forwarder",
            0.6,
            "",
            results.ratio(embeddings, Sagewire, Forwarder),
        ),
        Bar::at_most("memory, idle", 12.0, " MB", results.get(IDLE, Sagewire)),
        Bar::at_most("memory, 1,000 open streams", 60.0, " MB", results.get(OPEN, Sagewire)),
        Bar::at_most("start to first answer", 50.0, " ms", results.get(START, Sagewire)),
        Bar::at_most("binary, stripped", 15.0, " MB", sizes.binary_mb),
        Bar::at_most("crates in the facade's tree, ours included", 145.0, "", sizes.crates.map(|crates| crates as f64)),
        Bar::at_most(
            "cold release build against aws-config + aws-sdk-sagemakerruntime",
            0.6,
            "",
            sizes.cold.map(|(ours, theirs)| ours / theirs),
        ),
        Bar::at_most(
            "CPU for each request, 1,000 connections against 16",
            1.3,
            " times",
            growth_of_connections(results),
        ),
        Bar::at_most("cost of a body's byte beyond the forwarder's", 2.0, " ns", cost_of_byte(results)),
    ]
}

fn translated(api: &str, ask: Ask, results: &Results) -> Bar {
    let what = format!("CPU for a stream translated to the {api} API, against a chat stream");
    let measured = results.growth(ask.cpu(), Ask::Stream.cpu(), Subject::Sagewire);
    Bar::at_most(&what, 1.3, " times", measured)
}

fn growth_of_connections(results: &Results) -> Option<f64> {
    let [_, (_, sixteen), _, (_, thousand)] = CONNECTIONS;
    results.growth(thousand, sixteen, Subject::Sagewire)
}

/// Nanoseconds that a body's byte takes more here than at the forwarder.
fn cost_of_byte(results: &Results) -> Option<f64> {
    let [(small, small_name), _, (large, large_name)] = SIZES;
    let added = |name| Some(results.get(name, Subject::Sagewire)? - results.get(name, Subject::Forwarder)?);
    Some((added(large_name)? - added(small_name)?) * 1e6 / (large - small) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_met_missed_or_not_measured() {
        let bar = |measured| Bar::at_least("x", 0.75, "", measured);
        assert_eq!(
            [bar(Some(0.75)).is_met(), bar(Some(0.7)).is_met(), bar(None).is_met()],
            [Some(true), Some(false), None]
        );
        assert_eq!(Bar::at_most("x", 2.0, " ns", Some(1.0)).shown(), "1.00 ns");
        assert_eq!([number(31_999.6), number(12.34), number(0.1234)], ["32,000", "12.3", "0.123"]);
    }

    #[test]
    fn a_bytes_cost_is_the_slope_beyond_the_forwarders() {
        let mut results = Results::default();
        for ((bytes, name), _) in SIZES.iter().zip(0..) {
            results.add(name, Subject::Forwarder, *bytes as f64 * 1e-6);
            results.add(name, Subject::Sagewire, 0.05 + *bytes as f64 * 2e-6);
        }
        assert!((cost_of_byte(&results).unwrap() - 1.0).abs() < 1e-9);
    }
}
