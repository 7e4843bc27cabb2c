//! What was measured, by what was done and to whom.
//!
//! Owns the samples of all rounds. A figure is the median of its samples, a ratio the median of the
//! rounds' own ratios, so that both sides of it saw the same machine.

use std::collections::BTreeMap;

use crate::machine::median;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    Upstream,
    Forwarder,
    Sagewire,
    Plain,
    /// Our proxy for callers whose keys have limits.
    Limited,
    Smg,
    VllmRouter,
    TensorZero,
    LiteLlm,
    Library,
    Reqwest,
}

impl Subject {
    /// Other gateways, as they are installed from PyPI.
    pub(crate) const PEERS: [Self; 4] = [Self::Smg, Self::VllmRouter, Self::TensorZero, Self::LiteLlm];

    pub(crate) fn is_peer(self) -> bool {
        Self::PEERS.contains(&self)
    }

    /// Whether it answers on OpenAI's routes.
    pub(crate) fn is_gateway(self) -> bool {
        self.is_peer() || matches!(self, Self::Sagewire | Self::Plain | Self::Limited)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Upstream => "the upstream alone",
            Self::Forwarder => "bare forwarder",
            Self::Sagewire => "sagewire's proxy",
            Self::Plain => "the same, not guided",
            Self::Limited => "the same, with limits of keys",
            Self::Smg => "SMG",
            Self::VllmRouter => "vllm-router",
            Self::TensorZero => "TensorZero's gateway",
            Self::LiteLlm => "LiteLLM's proxy",
            Self::Library => "sagewire's library",
            Self::Reqwest => "bare reqwest",
        }
    }
}

/// All samples, and why some are missing.
#[derive(Debug, Default)]
pub(crate) struct Results {
    samples: BTreeMap<(&'static str, Subject), Vec<f64>>,
    pub(crate) missing: Vec<(Subject, String)>,
    /// The largest share of the processors that others took during a measurement.
    pub(crate) others: f64,
}

impl Results {
    pub(crate) fn add(&mut self, what: &'static str, subject: Subject, sample: f64) {
        self.samples.entry((what, subject)).or_default().push(sample);
    }

    pub(crate) fn get(&self, what: &'static str, subject: Subject) -> Option<f64> {
        median(self.samples.get(&(what, subject))?)
    }

    /// The first's figure as a multiple of the second's.
    pub(crate) fn ratio(&self, what: &'static str, of: Subject, to: Subject) -> Option<f64> {
        median_of_ratios(self.samples.get(&(what, of))?, self.samples.get(&(what, to))?)
    }

    /// One figure of a subject as a multiple of another.
    pub(crate) fn growth(&self, of: &'static str, to: &'static str, subject: Subject) -> Option<f64> {
        median_of_ratios(self.samples.get(&(of, subject))?, self.samples.get(&(to, subject))?)
    }
}

fn median_of_ratios(of: &[f64], to: &[f64]) -> Option<f64> {
    let ratios: Vec<f64> = of.iter().zip(to).map(|(of, to)| of / to).collect();
    median(&ratios)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        let mut results = Results::default();
        for (ours, theirs) in [(10.0, 10.0), (1.0, 2.0), (30.0, 40.0)] {
            results.add("unary", Subject::Sagewire, ours);
            results.add("unary", Subject::Forwarder, theirs);
        }
        assert_eq!(results.ratio("unary", Subject::Sagewire, Subject::Forwarder), Some(0.75));
        assert_eq!(results.get("unary", Subject::Sagewire), Some(10.0));
        assert_eq!(results.get("unary", Subject::LiteLlm), None);
        for sample in [5.0, 4.0, 90.0] {
            results.add("streams", Subject::Sagewire, sample);
        }
        assert_eq!(results.growth("streams", "unary", Subject::Sagewire), Some(3.0));
    }
}
