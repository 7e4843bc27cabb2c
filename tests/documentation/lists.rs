//! Lists that claim to be complete: pages in the summary, kinds of errors.
//!
//! Owns what each is compared with.

use std::fs;

use libtest_mimic::Trial;
use sagewire_tests::page::{self, Page};
use sagewire_types::ErrorKind;

use crate::Outcome;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("lists::pages_in_the_summary", pages_in_the_summary),
        Trial::test("lists::error_kinds", error_kinds),
    ]
}

fn none(missing: &[String], what: &str) -> Outcome {
    if missing.is_empty() { Ok(()) } else { Err(format!("{what}: {}", missing.join(", ")).into()) }
}

/// A page with Rust is among those that rustdoc compiles: in `tests/src/guide.rs`, or as the front
/// page of its own crate.
pub(crate) fn is_compiled(page: &Page) -> Outcome {
    let beside = page.path.with_file_name("src").join("lib.rs");
    let own = fs::read_to_string(beside).is_ok_and(|text| text.contains("doc = include_str!(\"../README.md\")"));
    let guide = fs::read_to_string(page::root().join("tests/src/guide.rs"))?;
    if own || guide.contains(&format!("include_str!(\"../../{}\")", page.name)) {
        return Ok(());
    }
    Err(format!("{} has Rust that nothing compiles: add it to tests/src/guide.rs", page.name).into())
}

/// The summary lists every page of the guide. Records for the project's own engineers in
/// `docs/internal/` are not part of it.
fn pages_in_the_summary() -> Outcome {
    let summary = &Page::named("docs/SUMMARY.md").text;
    let pages = page::all().iter().filter_map(|page| page.name.strip_prefix("docs/"));
    let is_listed = |name: &str| name == "SUMMARY.md" || summary.contains(&format!("({name})"));
    let missing: Vec<_> =
        pages.filter(|name| !name.starts_with("internal/") && !is_listed(name)).map(str::to_owned).collect();
    none(&missing, "docs/SUMMARY.md lacks these pages")
}

/// Each kind of the one error has its entry.
fn error_kinds() -> Outcome {
    let anchors = &Page::named("docs/errors.md").anchors;
    let words = ErrorKind::ALL.iter().map(|kind| kind.as_str());
    let missing: Vec<_> = words.filter(|word| !anchors.contains(*word)).map(str::to_owned).collect();
    none(&missing, "docs/errors.md has no heading for")
}
