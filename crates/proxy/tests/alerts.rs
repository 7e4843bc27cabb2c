//! The alerting rules and Prometheus's configuration that are shipped, tested by Prometheus's own
//! `promtool`, which `SAGEWIRE_PROMTOOL` names.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::{Arguments, Failed};

fn main() {
    let promtool = sagewire_test_programs::promtool();
    let trials = vec![
        promtool.clone().trial("the_rules_fire_when_they_should", test_rules),
        promtool.trial("prometheus_takes_the_configuration_of_the_demo", check_configuration),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

fn test_rules(promtool: &PathBuf) -> Result<(), Failed> {
    succeeds(Command::new(promtool).args(["test", "rules"]).arg(deploy().join("alerts.test.yaml")))
}

/// With the rules where they are, and not where the container has them.
fn check_configuration(promtool: &PathBuf) -> Result<(), Failed> {
    let deploy = deploy();
    let text = fs::read_to_string(deploy.join("prometheus.yaml"))?;
    let rules = deploy.join("alerts.yaml").canonicalize()?;
    let here = text.replace("/etc/prometheus/alerts.yaml", &rules.display().to_string());
    if here == text {
        return Err("the configuration names no rules".into());
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("prometheus.yaml");
    fs::write(&file, here)?;
    succeeds(Command::new(promtool).args(["check", "config"]).arg(file))
}

fn succeeds(command: &mut Command) -> Result<(), Failed> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{out}{err}").into())
}
