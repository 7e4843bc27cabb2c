//! Where the recorded vectors are, for the conformance tests: `$SAGEWIRE_VECTORS`, or
//! `../shared/vectors` beside the project's root. They are read, never copied; where they are
//! absent, tests are counted as ignored.

#![allow(dead_code, reason = "every test uses some of it")]

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

/// A folder of vectors, if it is there.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the tests' own configuration, read before any thread starts")]
    let root = std::env::var_os("SAGEWIRE_VECTORS").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let folder = root.unwrap_or_else(beside).join(name);
    folder.is_dir().then_some(folder)
}

/// The lines of a JSON Lines file. Lines end at "\n" only: other separators occur in texts.
pub(crate) fn json_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.split('\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}", path.display()))).collect()
}

/// The time at which the vectors were recorded: 2026-01-15 12:00:00 UTC.
pub(crate) fn recorded_at() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_768_478_400)
}

/// A test that is counted as ignored, because its vectors are not there.
pub(crate) fn absent(name: &str) -> Trial {
    Trial::test(name, || Ok(())).with_ignored_flag(true)
}

/// Fails with all differences at once, if there are any.
pub(crate) fn report(differences: &[String]) -> Result<(), Failed> {
    if differences.is_empty() {
        return Ok(());
    }
    let shown: Vec<String> = differences.iter().take(4).map(|text| text.chars().take(1_200).collect()).collect();
    Err(format!("{} differ, among them:\n{}", differences.len(), shown.join("\n")).into())
}
