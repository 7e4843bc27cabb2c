//! What no compiler sees in the text of the sources: messages have one form, and what a page claims to
//! list whole it lists whole. `.ci/run lints` runs it; it ends with 1 if it finds something.
#![expect(clippy::unwrap_used, reason = "a check may stop at the first surprise")]

use std::{fmt::Write as _, process::ExitCode};

mod lists;
mod messages;
mod sources;

fn main() -> ExitCode {
    let checks = [lists::environment_variables, lists::typed_errors, lists::metrics, messages::have_one_form];
    let found: Vec<String> = checks.into_iter().flat_map(|check| check()).collect();
    let mut report = String::new();
    for finding in &found {
        let _ = writeln!(report, "error: {finding}");
    }
    // Standard error may be closed.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), report.as_bytes());
    if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
