//! What LiteLLM sent and returned, compared with what sagewire sends and returns for the same
//! input: the body as JSON, and the outcome.
//!
//! Each case in `recorded/` is a test. `record.py` wrote them with the version of LiteLLM that
//! `requirements-litellm-library.txt` pins. A case that differs on purpose is listed in
//! `differences.rs` with its reason. A listed case that does not differ fails too, so that the list
//! stays true.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use libtest_mimic::{Arguments, Failed, Trial};

mod case;
mod compare;
mod differences;
mod replay;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials: Vec<_> =
        cases().into_iter().map(|path| Trial::test(format!("litellm::{}", name(&path)), move || run(&path))).collect();
    trials.push(Trial::test("litellm::every_listed_difference_is_a_case", listed_cases_exist));
    trials.push(Trial::test("litellm::every_case_is_of_the_pinned_version", one_version));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/litellm/recorded");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

fn listed_cases_exist() -> Result<(), Failed> {
    let names: Vec<_> = cases().iter().map(|path| name(path)).collect();
    let listed = differences::LISTED.iter().flat_map(|difference| difference.cases);
    match listed.into_iter().find(|listed| !names.iter().any(|name| name == *listed)) {
        Some(unknown) => Err(format!("`{unknown}` is listed but is not a case").into()),
        None => Ok(()),
    }
}

/// The pages that compare with LiteLLM name one version: that of every recording.
fn one_version() -> Result<(), Failed> {
    let pinned = include_str!("requirements-litellm-library.txt")
        .lines()
        .find_map(|line| line.strip_prefix("litellm=="))
        .unwrap();
    match cases().iter().map(|path| case::Case::read(path)).find(|case| case.litellm != pinned) {
        Some(case) => Err(format!("`{}` was recorded with LiteLLM {}, not {pinned}", case.name, case.litellm).into()),
        None => Ok(()),
    }
}

fn run(path: &Path) -> Result<(), Failed> {
    let case = case::Case::read(path);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let ours = runtime.block_on(replay::replay(&case));
    let found = compare::compare(&case, &ours);
    let listed = differences::of(&case.name);
    let unlisted: Vec<_> = found.iter().filter(|found| !listed.iter().any(|(what, _)| *what == found.what)).collect();
    if !unlisted.is_empty() {
        let texts: Vec<_> = unlisted.iter().map(|found| format!("{:?}: {}", found.what, found.text)).collect();
        return Err(texts.join("\n").into());
    }
    match listed.iter().find(|(what, _)| !found.iter().any(|found| found.what == *what)) {
        Some((what, reason)) => Err(format!("{what:?} is listed ({reason}) and does not differ").into()),
        None => Ok(()),
    }
}
