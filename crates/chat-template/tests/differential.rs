//! Random templates and conversations, rendered by us and by Python's `transformers`: both give the
//! same text, or fail in the same way.
//!
//! `SAGEWIRE_TRANSFORMERS_PYTHON` names a Python with `transformers` (it needs no torch). Without
//! it, the test is ignored. `$SAGEWIRE_DIFFERENTIAL` is the number of cases and `$SAGEWIRE_SEED`
//! the seed, for longer runs; `$SAGEWIRE_CASES` names a file with cases to run instead, one JSON
//! object per line.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

#[path = "differential/generator.rs"]
mod generator;
#[path = "differential/grammar.rs"]
mod grammar;
#[path = "differential/transformers.rs"]
mod transformers;
mod vectors;

use std::path::Path;

use libtest_mimic::{Arguments, Failed};
use serde_json::Value;

use transformers::Transformers;

/// How many cases a plain run has.
const CASES: usize = 600;

fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the tests' own configuration, read before any thread starts")]
    std::env::var(name).ok()
}

fn main() {
    let arguments = Arguments::from_args();
    let number = |name: &str| variable(name).and_then(|text| text.parse::<usize>().ok());
    let cases = number("SAGEWIRE_DIFFERENTIAL").unwrap_or(CASES);
    let seed = number("SAGEWIRE_SEED").unwrap_or(1);
    let python = sagewire_test_programs::transformers();
    let test = python.trial("random templates", move |python| compare(python, cases, seed as u64));
    libtest_mimic::run(&arguments, vec![test]).exit();
}

fn compare(python: &Path, cases: usize, seed: u64) -> Result<(), Failed> {
    let mut random = generator::Random::new(seed);
    let cases: Vec<Value> = match variable("SAGEWIRE_CASES") {
        Some(file) => vectors::json_lines(file.as_ref()),
        None => (0..cases).map(|_| generator::case(&mut random)).collect(),
    };
    let mut python = Transformers::start(python)?;
    let mut differences = Vec::new();
    let mut rendered = 0;
    for case in &cases {
        let ours = transformers::render(case);
        rendered += usize::from(ours.is_ok());
        if let Some(difference) = transformers::difference(&python.render(case)?, &ours) {
            differences.push(format!("{case}\n  {difference}"));
        }
    }
    python.end()?;
    assert!(rendered * 6 > cases.len(), "nearly all cases fail: {rendered} of {} render", cases.len());
    vectors::report(&differences)
}
