//! What the doctor found: steps with a mark, a sentence, what lies behind it, and the cure.
//!
//! Owns how that looks, for people and as JSON. Steps are printed as they are done, since some of them wait for the network.

use std::io::{Write, stdout};

use sagewire::credentials::seam::{Clock, SystemClock};
use serde::Serialize;

use super::unix_seconds;
use crate::{
    Failure,
    terminal::{Colour, Style, harmless},
};

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Ok,
    /// Worth a look, and no fault in itself.
    Warning,
    Failed,
    Skipped,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) status: Status,
    pub(super) summary: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) details: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cure: Option<String>,
}

impl Step {
    pub(super) fn new(name: &'static str, status: Status, summary: impl Into<String>) -> Self {
        Self { name, status, summary: summary.into(), details: Vec::new(), cure: None }
    }

    pub(super) fn ok(name: &'static str, summary: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, summary)
    }

    pub(super) fn failed(name: &'static str, summary: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { cure: Some(cure.into()), ..Self::new(name, Status::Failed, summary) }
    }

    pub(super) fn warning(name: &'static str, summary: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { cure: Some(cure.into()), ..Self::new(name, Status::Warning, summary) }
    }

    pub(super) fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self::new(name, Status::Skipped, why)
    }

    pub(super) fn with_details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }

    pub(super) fn has_failed(&self) -> bool {
        self.status == Status::Failed
    }
}

/// All the steps for one model.
#[derive(Debug, Serialize)]
pub(super) struct Examination {
    #[serde(rename = "model")]
    title: String,
    steps: Vec<Step>,
    /// Whether each step is printed as it is added.
    #[serde(skip)]
    prints: bool,
}

impl Examination {
    pub(super) fn new(title: String, prints: bool) -> Self {
        let examination = Self { title, steps: Vec::new(), prints };
        if prints {
            print(format_args!("{}\n", Style::of_stdout().paint(Colour::Bold, &examination.title)));
        }
        examination
    }

    pub(super) fn add(&mut self, step: Step) {
        if self.prints {
            print(text(&step, Style::of_stdout()));
        }
        self.steps.push(step);
    }

    pub(super) fn is_healthy(&self) -> bool {
        !self.steps.iter().any(Step::has_failed)
    }

    /// Says what is to be done, once more and together.
    pub(super) fn conclude(&self) {
        if !self.prints {
            return;
        }
        let failed: Vec<_> = self.steps.iter().filter(|step| step.has_failed()).map(|step| step.name).collect();
        let style = Style::of_stdout();
        match failed.as_slice() {
            [] => print(format_args!("\n{}\n", style.paint(Colour::Green, "nothing is wrong"))),
            failed => {
                let text = format!("something is wrong with: {}", failed.join(", "));
                print(format_args!("\n{}\n", style.paint(Colour::Red, text)));
            }
        }
    }
}

/// A step as people read it.
fn text(step: &Step, style: Style) -> String {
    let (mark, colour) = match step.status {
        Status::Ok => ("✓", Colour::Green),
        Status::Warning => ("!", Colour::Yellow),
        Status::Failed => ("✗", Colour::Red),
        Status::Skipped => ("–", Colour::Dim),
    };
    let mut text = format!("{} {:<12} {}\n", style.paint(colour, mark), step.name, harmless(&step.summary));
    for line in step.details.iter().flat_map(|detail| detail.lines()) {
        text.push_str(&format!("               {}\n", style.paint(Colour::Dim, harmless(line))));
    }
    if let Some(cure) = &step.cure {
        text.push_str(&format!("             {} {}\n", style.paint(Colour::Bold, "→"), harmless(cure)));
    }
    text
}

/// Prints, if anyone still reads.
fn print(text: impl std::fmt::Display) {
    let mut out = stdout().lock();
    let _ = write!(out, "{text}").and_then(|()| out.flush());
}

/// Everything as one JSON object.
pub(super) fn print_json(examinations: &[Examination]) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Report<'a> {
        sagewire: &'static str,
        system: String,
        unix_time: u64,
        healthy: bool,
        examinations: &'a [Examination],
    }
    let report = Report {
        sagewire: env!("CARGO_PKG_VERSION"),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        unix_time: unix_seconds(SystemClock.now()),
        healthy: examinations.iter().all(Examination::is_healthy),
        examinations,
    };
    let text = serde_json::to_string_pretty(&report).map_err(Failure::work)?;
    writeln!(stdout().lock(), "{text}").map_err(Failure::output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_shows_mark_sentence_details_and_cure() {
        let step =
            Step::failed("region", "there is none", "set AWS_REGION").with_details(["AWS_REGION: not set".to_owned()]);
        let expected =
            "✗ region       there is none\n               AWS_REGION: not set\n             → set AWS_REGION\n";
        assert_eq!(text(&step, Style::plain()), expected);
        let json = serde_json::to_value(Step::skipped("clock", "nobody was asked")).unwrap();
        assert_eq!(json, serde_json::json!({"name": "clock", "status": "skipped", "summary": "nobody was asked"}));
    }

    #[test]
    fn only_a_failure_is_a_fault() {
        let mut examination = Examination::new("m".to_owned(), false);
        examination.add(Step::ok("a", ""));
        examination.add(Step::warning("b", "", ""));
        examination.add(Step::skipped("c", ""));
        assert!(examination.is_healthy());
        examination.add(Step::failed("d", "", ""));
        assert!(!examination.is_healthy());
    }
}
