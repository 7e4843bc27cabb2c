//! The demo of Prometheus and Grafana in `deploy/`: its services, their configuration and what they
//! mount fit together.
//!
//! Owns what must be equal in several of these files. `deploy` looks at each compose file alone,
//! and `promtool` reads the rules in a test of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::{Outcome, data, page, tools::Tools};

pub(crate) fn trials(tools: &'static Tools) -> Vec<Trial> {
    vec![
        Trial::test("deploy::prometheus", prometheus),
        Trial::test("deploy::grafana", grafana),
        Trial::test("deploy::what_the_demo_publishes", published),
        Trial::test("deploy::demo", || demo(tools)),
    ]
}

fn read(name: &str) -> Result<String, Failed> {
    Ok(fs::read_to_string(page::root().join("deploy").join(name))?)
}

fn yaml(name: &str) -> Result<Value, Failed> {
    data::yaml_objects(&read(name)?)?.into_iter().next().ok_or_else(|| format!("{name} is empty").into())
}

fn compose() -> Result<Value, Failed> {
    yaml("compose-demo.yaml")
}

/// Where a service finds which file of the folder.
fn mounts(service: &Value) -> BTreeMap<String, String> {
    let volumes = service["volumes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let parts = volumes.iter().filter_map(|volume| {
        let (here, rest) = volume.as_str()?.strip_prefix("./")?.split_once(':')?;
        Some((rest.trim_end_matches(":ro").to_owned(), here.to_owned()))
    });
    parts.collect()
}

fn texts(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// Prometheus reads the rules, and asks the proxy where it listens.
fn prometheus() -> Outcome {
    let compose = compose()?;
    let mounted = mounts(&compose["services"]["prometheus"]);
    let own = mounted.get("/etc/prometheus/prometheus.yml").ok_or("Prometheus has no configuration")?;
    let configuration = yaml(own)?;
    for rules in texts(&configuration["rule_files"]) {
        let here = mounted.get(&rules).ok_or_else(|| format!("{rules} is not mounted"))?;
        if yaml(here)?["groups"].as_array().is_none() {
            return Err(format!("{here} has no groups of rules").into());
        }
    }
    let targets = texts(&configuration["scrape_configs"][0]["static_configs"][0]["targets"]);
    let targets: Vec<_> = targets.iter().filter_map(|target| target.split_once(':')).collect();
    let Some(&(host, port)) = targets.first() else { return Err("Prometheus asks nobody".into()) };
    let published = texts(&compose["services"][host]["ports"]);
    let port = format!(":{port}");
    if published.iter().any(|published| published.ends_with(&port)) {
        Ok(())
    } else {
        Err(format!("the service `{host}` does not listen on {port}: {published:?}").into())
    }
}

/// Grafana finds the dashboard, and its data source is Prometheus.
fn grafana() -> Outcome {
    let compose = compose()?;
    let grafana = &compose["services"]["grafana"];
    let mounted = mounts(grafana);
    let in_repository = |path: &str| -> Result<String, Failed> {
        let found = mounted.iter().find_map(|(there, here)| Some(format!("{here}{}", path.strip_prefix(there)?)));
        found.ok_or_else(|| format!("{path} is not mounted").into())
    };
    let provisioning = in_repository("/etc/grafana/provisioning")?;
    let dashboards = yaml(&format!("{provisioning}/dashboards/sagewire.yaml"))?;
    let folder = dashboards["providers"][0]["options"]["path"].as_str().unwrap_or_default();
    let folder = page::root().join("deploy").join(in_repository(folder)?);
    if page::files_below(&folder, "json").is_empty() {
        return Err(format!("{} has no dashboard", folder.display()).into());
    }
    let home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].as_str().unwrap_or_default();
    let dashboard: Value = serde_json::from_str(&read(&in_repository(home)?)?)?;
    let sources = yaml(&format!("{provisioning}/datasources/prometheus.yaml"))?;
    let source = &sources["datasources"][0];
    let url = source["url"].as_str().unwrap_or_default();
    let host = url.strip_prefix("http://").and_then(|rest| rest.split(':').next()).unwrap_or_default();
    if !compose["services"][host].is_object() || source["type"] != "prometheus" {
        return Err(format!("the data source is {source}").into());
    }
    // A panel names its source by the variable, by the id that is provisioned, or not at all.
    let known = ["${datasource}", "-- Grafana --", source["uid"].as_str().unwrap_or_default()];
    let panels = dashboard["panels"].as_array().ok_or("the dashboard has no panels")?;
    let uids = panels.iter().filter_map(|panel| panel["datasource"]["uid"].as_str());
    let unknown: Vec<_> = uids.filter(|uid| !known.contains(uid)).collect();
    if panels.len() > 5 && unknown.is_empty() { Ok(()) } else { Err(format!("unknown sources: {unknown:?}").into()) }
}

/// What the demo publishes is for this machine alone.
fn published() -> Outcome {
    let compose = compose()?;
    let services = compose["services"].as_object().ok_or("there is no service")?;
    let ports: BTreeSet<String> = services.values().flat_map(|service| texts(&service["ports"])).collect();
    let open: Vec<_> = ports.iter().filter(|port| !port.starts_with("127.0.0.1:")).collect();
    if ports.len() == 3 && open.is_empty() {
        Ok(())
    } else {
        Err(format!("of {ports:?}, {open:?} are open to other machines").into())
    }
}

/// The program starts as the file says, and has every model that the traffic asks for.
fn demo(tools: &Tools) -> Outcome {
    let compose = compose()?;
    let words = compose["services"]["sagewire"]["command"].as_array().ok_or("there is no command")?;
    let words = words.iter().filter_map(Value::as_str);
    let mut command = Command::new(&tools.sagewire);
    command.args(words).args(["--port", "0"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = command.spawn()?;
    let told = server.stdout.take().map(BufReader::new).ok_or("no standard output")?;
    // Its address, and its models.
    let said: Vec<_> = told.lines().take(2).filter_map(Result::ok).collect();
    server.kill()?;
    server.wait()?;
    if !said.first().is_some_and(|line| line.starts_with("http://")) {
        return Err(format!("it did not start: {said:?}").into());
    }
    let traffic = compose["services"]["traffic"]["command"][0].as_str().ok_or("there is no traffic")?;
    let asked = traffic.split(r#""model": ""#).skip(1).filter_map(|rest| rest.split('"').next());
    let missing: Vec<_> = asked.filter(|model| *model != "missing" && !said[1].contains(model)).collect();
    if traffic.contains(r#""model": ""#) && missing.is_empty() {
        Ok(())
    } else {
        Err(format!("{missing:?} are not among {said:?}").into())
    }
}
