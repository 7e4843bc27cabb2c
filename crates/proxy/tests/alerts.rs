//! The alerting rules that are shipped, tested by Prometheus's own `promtool`, which
//! `SAGEWIRE_PROMTOOL` names.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::{Arguments, Failed};

fn main() {
    let promtool = sagewire_test_programs::promtool();
    let trial = promtool.trial("the_rules_fire_when_they_should", test_rules);
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit();
}

fn test_rules(promtool: &PathBuf) -> Result<(), Failed> {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/alerts.test.yaml");
    let output = Command::new(promtool).args(["test", "rules"]).arg(rules).output()?;
    if output.status.success() {
        return Ok(());
    }
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{out}{err}").into())
}
