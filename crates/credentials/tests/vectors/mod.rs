//! Where AWS's recorded cases are. They are not part of this repository: where they are absent, tests count as ignored.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

/// The folder of the recorded cases: `$SAGEWIRE_VECTORS`, else `../shared/vectors` beside the project's root.
#[expect(clippy::disallowed_methods, reason = "a test harness reads its own settings from the environment")]
pub(crate) fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("SAGEWIRE_VECTORS").map(PathBuf::from);
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    Some(named.unwrap_or_else(|| beside.into())).filter(|folder| folder.is_dir())
}

/// One file of cases as JSON, if it is there. A file that is there and unreadable ends the test.
pub(crate) fn json(path: &str) -> Option<Value> {
    let file = folder()?.join(path);
    if !file.exists() {
        return None;
    }
    let text = fs::read_to_string(&file).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}
