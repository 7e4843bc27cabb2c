//! What LiteLLM sent and returned, against what we send and return: the same input, the body as JSON and the outcome.
//!
//! Each recorded case is a test. Where we differ on purpose the case stands in `differences.rs` with its reason; a case that is listed
//! and does not differ fails too, so that the list stays true. Cases are read from `$SAGEWIRE_VECTORS/litellm`; where that is absent they
//! are reported as ignored.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use std::{path::PathBuf, process::ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

mod case;
mod compare;
mod differences;
mod replay;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    match cases() {
        Some(paths) => {
            for path in paths {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                trials.push(Trial::test(format!("litellm::{name}"), move || run(&path)));
            }
            trials.push(Trial::test("litellm::every_listed_difference_is_a_case", listed_cases_exist));
        }
        None => trials.push(
            Trial::test("litellm (set SAGEWIRE_VECTORS to the recorded cases)", || Ok(())).with_ignored_flag(true),
        ),
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn cases() -> Option<Vec<PathBuf>> {
    let mut paths: Vec<_> = std::fs::read_dir(folder()?).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    Some(paths).filter(|paths| !paths.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "the test's own setting, read once at its start")]
fn folder() -> Option<PathBuf> {
    let vectors = std::env::var_os("SAGEWIRE_VECTORS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"), PathBuf::from);
    Some(vectors.join("litellm")).filter(|folder| folder.is_dir())
}

fn listed_cases_exist() -> Result<(), Failed> {
    let names: Vec<_> = cases()
        .unwrap_or_default()
        .iter()
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let listed = differences::LISTED.iter().flat_map(|difference| difference.cases);
    match listed.into_iter().find(|listed| !names.iter().any(|name| name == *listed)) {
        Some(unknown) => Err(format!("`{unknown}` is listed and no case").into()),
        None => Ok(()),
    }
}

fn run(path: &std::path::Path) -> Result<(), Failed> {
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
