//! The Python that has botocore, and the scripts beside this file that ask it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::Failed;
use serde_json::Value;

/// A Python interpreter that has botocore.
pub(crate) struct Python(OsString);

impl Python {
    /// The one that `SAGEWIRE_PYTHON` names, if it has botocore.
    #[expect(clippy::disallowed_methods, reason = "a test harness reads its own settings from the environment")]
    pub(crate) fn named() -> Option<Self> {
        let python = Self(std::env::var_os("SAGEWIRE_PYTHON")?);
        python.has("botocore").then_some(python)
    }

    /// Whether it has a module.
    pub(crate) fn has(&self, module: &str) -> bool {
        let import = Command::new(&self.0).args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
        import.is_ok_and(|status| status.success())
    }

    /// Runs a script in an environment of its own and reads its answer.
    pub(crate) fn ask(
        &self,
        script: &str,
        arguments: &[&str],
        env: &BTreeMap<String, String>,
    ) -> Result<Value, Failed> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/botocore").join(script);
        let output = Command::new(&self.0).arg(script).args(arguments).env_clear().envs(env).output()?;
        let mut answer: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))?;
        if let Some(source) = answer.get_mut("source") {
            *source = theirs(source.as_str().unwrap()).into();
        }
        Ok(answer)
    }
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
