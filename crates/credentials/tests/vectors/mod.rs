//! Where AWS's recorded cases are. They are not part of this repository: where they are absent,
//! tests count as ignored.

use std::fs;
use std::path::PathBuf;

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

/// The folder of the recorded cases: `$SAGEWIRE_VECTORS`, else `../shared/vectors` beside the
/// project's root.
#[expect(clippy::disallowed_methods, reason = "a test harness reads its own settings from the environment")]
pub(crate) fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("SAGEWIRE_VECTORS").map(PathBuf::from);
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    Some(named.unwrap_or_else(|| beside.into())).filter(|folder| folder.is_dir())
}

/// One file of cases as JSON, if it is there. A file that is there and unreadable ends the test.
fn json(path: &str) -> Option<Value> {
    let file = folder()?.join(path);
    if !file.exists() {
        return None;
    }
    let text = fs::read_to_string(&file).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// Whether two things are the same, as a test's outcome.
pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(got: &T, want: &T) -> Result<(), Failed> {
    if got == want { Ok(()) } else { Err(format!("got {got:?}, want {want:?}").into()) }
}

/// One trial for each case in the array `list` of a file (or in the file itself, where that is an
/// array), and one for their number, so that a file that lost its cases does not pass. A single
/// ignored one where the file is absent.
pub(crate) fn suite(
    name: &str,
    path: &str,
    list: &str,
    count: usize,
    check: fn(&Value) -> Result<(), Failed>,
) -> Vec<Trial> {
    let Some(file) = json(path) else {
        return vec![Trial::test(format!("{name}: {path} is absent"), || Ok(())).with_ignored_flag(true)];
    };
    let cases = file.get(list).unwrap_or(&file).as_array().unwrap().clone();
    let found = cases.len();
    let all = Trial::test(format!("{name}: all cases are there"), move || equal(&found, &count));
    let each = cases.into_iter().enumerate().map(|(index, case)| {
        let title = ["name", "docs", "documentation", "id"].iter().find_map(|key| case.get(*key)?.as_str()).unwrap();
        Trial::test(format!("{name} {index:02}: {title}"), move || check(&case))
    });
    each.chain([all]).collect()
}
