//! The load: `oha`, in a process of its own.
//!
//! Owns its installation, its arguments and the reading of its report. <https://github.com/hatoo/oha>

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::Failure;

/// Where a load goes and what is sent.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) body: String,
}

/// How it is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) seconds: f64,
    /// Requests a second; without one each connection asks again as soon as it is answered.
    /// Latencies at a fixed rate count from when a request was due, not from when it was sent.
    pub(crate) rate: Option<u32>,
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) requests_per_second: f64,
    pub(crate) answered: u64,
    /// Seconds.
    pub(crate) average: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

#[derive(Debug)]
pub(crate) struct Oha(PathBuf);

impl Oha {
    /// The one that is installed, or a new one below `target`.
    pub(crate) fn find(target: &Path) -> Result<Self, Failure> {
        if Command::new("oha").arg("--version").output().is_ok_and(|output| output.status.success()) {
            return Ok(Self("oha".into()));
        }
        let root = target.join("oha");
        let program = root.join("bin/oha");
        if !program.exists() {
            eprintln!("installing oha");
            let installed = Command::new("cargo")
                .args([
                    "install",
                    "oha",
                    "--locked",
                    "--version",
                    "1.16.0",
                    "--no-default-features",
                    "--features",
                    "rustls",
                    "--root",
                ])
                .arg(&root)
                .status()?;
            if !installed.success() {
                return Err("oha could not be installed: install it, so that `oha --version` works".into());
            }
        }
        Ok(Self(program))
    }

    /// Drives one target. Every answer must be a 200.
    pub(crate) fn run(&self, target: &Target, load: Load) -> Result<Measured, Failure> {
        let body = std::env::temp_dir().join(format!("sagewire-compare-{}.json", std::process::id()));
        std::fs::write(&body, &target.body)?;
        let mut command = Command::new(&self.0);
        command
            .args(["--no-tui", "--output-format", "json", "-m", "POST"])
            .args(["-c", &load.connections.to_string(), "-z", &format!("{}ms", load.seconds * 1000.0)])
            .args(["-H", "content-type: application/json", "-H", "authorization: Bearer sk-bench", "-D"])
            .arg(&body);
        if let Some(rate) = load.rate {
            command.args(["-q", &rate.to_string(), "--latency-correction"]);
        }
        let output = command.arg(&target.url).output()?;
        std::fs::remove_file(&body)?;
        if !output.status.success() {
            return Err(format!("oha failed: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        read(&serde_json::from_slice(&output.stdout)?).map_err(|reason| format!("{}: {reason}", target.url).into())
    }
}

fn read(report: &Value) -> Result<Measured, String> {
    let number =
        |pointer: &str| report.pointer(pointer).and_then(Value::as_f64).ok_or(format!("no {pointer} in oha's report"));
    let counts = |name: &str| -> BTreeMap<String, u64> {
        let map = report.get(name).and_then(Value::as_object).into_iter().flatten();
        map.filter_map(|(key, count)| Some((key.clone(), count.as_u64()?))).collect()
    };
    let statuses = counts("statusCodeDistribution");
    // Requests that were under way when the time was over say nothing.
    let errors: Vec<String> =
        counts("errorDistribution").into_keys().filter(|error| !error.contains("deadline")).collect();
    let answered = statuses.get("200").copied().unwrap_or_default();
    if answered == 0 && statuses.is_empty() && errors.is_empty() {
        return Err("no answer was whole before the time was over".to_owned());
    }
    if answered == 0 || statuses.len() > 1 || !errors.is_empty() {
        return Err(format!("not every answer was a 200: {statuses:?} {errors:?}"));
    }
    Ok(Measured {
        requests_per_second: answered as f64 / number("/summary/total")?,
        answered,
        average: number("/summary/average")?,
        p50: number("/latencyPercentiles/p50")?,
        p99: number("/latencyPercentiles/p99")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_whole_success_is_a_measurement() {
        let report = |statuses: Value, errors: Value| {
            json!({
                "summary": {"total": 2.0, "average": 0.001},
                "latencyPercentiles": {"p50": 0.001, "p99": 0.002},
                "statusCodeDistribution": statuses,
                "errorDistribution": errors,
            })
        };
        let measured = read(&report(json!({"200": 10}), json!({"aborted due to deadline": 3}))).unwrap();
        assert_eq!((measured.requests_per_second, measured.p99), (5.0, 0.002));
        assert!(read(&report(json!({"200": 10, "500": 1}), json!({}))).is_err());
        assert!(read(&report(json!({"200": 10}), json!({"connection closed": 1}))).is_err());
        assert!(read(&report(json!({}), json!({}))).unwrap_err().contains("before the time was over"));
    }
}
