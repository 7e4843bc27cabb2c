//! The report of the doctor: steps with a mark, a summary, details and a fix, for people and as
//! JSON.

use std::io::{IsTerminal, Write, stdout};

use sagewire::credentials::seam::{Clock, SystemClock};
use serde::Serialize;

use super::unix_seconds;
use crate::{
    Failure,
    terminal::{Colour, Style, harmless, harmless_json},
};

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Ok,
    /// Worth a look, but not a fault.
    Warning,
    Failed,
    Skipped,
}

/// One thing that was examined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) status: Status,
    pub(super) summary: String,
    /// Facts about the result. Without `--verbose` they are shown only for a problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) details: Vec<String>,
    /// The places that were looked at, which only `--verbose` shows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) looked_at: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
    /// Whether the details are what the user asked for.
    #[serde(skip)]
    requested: bool,
}

impl Step {
    pub(super) fn new(name: &'static str, status: Status, summary: impl Into<String>) -> Self {
        Self {
            name,
            status,
            summary: summary.into(),
            details: Vec::new(),
            looked_at: Vec::new(),
            fix: None,
            requested: false,
        }
    }

    pub(super) fn ok(name: &'static str, summary: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, summary)
    }

    pub(super) fn failed(name: &'static str, summary: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..Self::new(name, Status::Failed, summary) }
    }

    pub(super) fn warning(name: &'static str, summary: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..Self::new(name, Status::Warning, summary) }
    }

    pub(super) fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self::new(name, Status::Skipped, why)
    }

    pub(super) fn with_details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }

    pub(super) fn with_looked_at(mut self, places: impl IntoIterator<Item = String>) -> Self {
        self.looked_at.extend(places);
        self
    }

    /// Shows the details without `--verbose` too.
    pub(super) fn requested(mut self) -> Self {
        self.requested = true;
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
}

impl Examination {
    pub(super) fn new(title: String) -> Self {
        Self { title, steps: Vec::new() }
    }

    pub(super) fn add(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(super) fn is_healthy(&self) -> bool {
        !self.steps.iter().any(Step::has_failed)
    }

    /// Prints the problems first, then the rest, each in the order of the examination.
    pub(super) fn print(&self, verbose: bool) {
        print(self.text(verbose, Style::of_stdout()));
    }

    fn text(&self, verbose: bool, style: Style) -> String {
        let mut text = format!("{}\n", style.paint(Colour::Bold, &self.title));
        for status in [Status::Failed, Status::Warning, Status::Ok, Status::Skipped] {
            for step in self.steps.iter().filter(|step| step.status == status) {
                write_step(&mut text, step, verbose, style);
            }
        }
        let failed: Vec<_> = self.steps.iter().filter(|step| step.has_failed()).map(|step| step.name).collect();
        let conclusion = match failed.as_slice() {
            [] => style.paint(Colour::Green, "no problem was found").to_string(),
            failed => style.paint(Colour::Red, format!("problems: {}", failed.join(", "))).to_string(),
        };
        text.push_str(&format!("\n{conclusion}\n"));
        if !verbose {
            text.push_str(&format!(
                "{}\n",
                style.paint(Colour::Dim, "`--verbose` shows everything that was looked at")
            ));
        }
        text
    }
}

/// Adds a step in the form for people.
fn write_step(text: &mut String, step: &Step, verbose: bool, style: Style) {
    let (mark, colour) = match step.status {
        Status::Ok => ("✓", Colour::Green),
        Status::Warning => ("!", Colour::Yellow),
        Status::Failed => ("✗", Colour::Red),
        Status::Skipped => ("–", Colour::Dim),
    };
    text.push_str(&format!("{} {:<12} {}\n", style.paint(colour, mark), step.name, harmless(&step.summary)));
    let is_problem = matches!(step.status, Status::Failed | Status::Warning);
    let details = step.details.iter().filter(|_| verbose || is_problem || step.requested);
    let looked_at = step.looked_at.iter().filter(|_| verbose);
    for line in details.chain(looked_at).flat_map(|detail| detail.lines()) {
        text.push_str(&format!("               {}\n", style.paint(Colour::Dim, harmless(line))));
    }
    if let Some(fix) = &step.fix {
        text.push_str(&format!("             {} {}\n", style.paint(Colour::Bold, "→"), harmless(fix)));
    }
}

/// Prints. A reader that has gone away is not an error.
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
    let mut out = stdout().lock();
    let text = if out.is_terminal() { harmless_json(&text) } else { text.into() };
    writeln!(out, "{text}").map_err(Failure::output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_come_first_and_what_was_looked_at_only_if_it_is_asked_for() {
        let mut examination = Examination::new("m".to_owned());
        examination.add(Step::ok("url", "https://a").with_details(["used as it is".to_owned()]));
        examination.add(Step::skipped("clock", "no answer"));
        examination.add(Step::ok("request", "POST").with_details(["accept: a".to_owned()]).requested());
        let region = Step::failed("region", "none is set", "set AWS_REGION").with_details(["a detail".to_owned()]);
        examination.add(region.with_looked_at(["AWS_REGION: not set".to_owned()]));
        let expected = "m\n\
            ✗ region       none is set\n               a detail\n             → set AWS_REGION\n\
            ✓ url          https://a\n\
            ✓ request      POST\n               accept: a\n\
            – clock        no answer\n\n\
            problems: region\n`--verbose` shows everything that was looked at\n";
        assert_eq!(examination.text(false, Style::plain()), expected);
        let verbose = examination.text(true, Style::plain());
        for line in ["\n               AWS_REGION: not set\n", "\n               used as it is\n"] {
            assert!(verbose.contains(line), "{verbose}");
        }
        let json = serde_json::to_value(Step::skipped("clock", "no answer")).unwrap();
        assert_eq!(json, serde_json::json!({"name": "clock", "status": "skipped", "summary": "no answer"}));
    }

    #[test]
    fn only_a_failure_is_a_fault() {
        let mut examination = Examination::new("m".to_owned());
        examination.add(Step::ok("a", ""));
        examination.add(Step::warning("b", "", ""));
        examination.add(Step::skipped("c", ""));
        assert!(examination.is_healthy());
        examination.add(Step::failed("d", "", ""));
        assert!(!examination.is_healthy());
    }
}
