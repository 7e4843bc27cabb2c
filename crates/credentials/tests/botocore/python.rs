//! The scripts beside this file that ask botocore.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Failed;
use serde_json::Value;

/// Runs a script with the given environment alone and reads its answer.
pub(crate) fn ask(
    python: &Path,
    script: &str,
    arguments: &[&str],
    env: &BTreeMap<String, String>,
) -> Result<Value, Failed> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/botocore").join(script);
    let output = Command::new(python).arg(script).args(arguments).env_clear().envs(env).output()?;
    let mut answer: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))?;
    if let Some(source) = answer.get_mut("source") {
        *source = theirs(source.as_str().unwrap()).into();
    }
    Ok(answer)
}

/// A source by the name that the cases use. botocore tells the two files apart, which we do not.
fn theirs(method: &str) -> &str {
    match method {
        "shared-credentials-file" | "config-file" => "profile",
        "assume-role-with-web-identity" => "web-identity",
        "custom-process" => "process",
        "container-role" => "container",
        "iam-role" => "imds",
        other => other,
    }
}
