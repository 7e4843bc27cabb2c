//! What `deploy/` has: the container's recipe, compose files, the cluster's objects, the service, Valkey's settings.
//!
//! Owns what each must have to fit the program: its configuration is accepted, its ports and probes are the program's, what it names is there. A
//! case whose program is not named is reported as ignored.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::{Failed, Trial};
use sagewire::credentials::seam::World;
use sagewire_proxy::{Config, Wiring};
use serde_json::Value;

use crate::{Outcome, data, packages::succeeds, page, tools::Tools};

/// Where the image's own command reads its configuration.
const CONFIG: &str = "/etc/sagewire/config.yaml";

pub(crate) fn trials(tools: &'static Tools) -> Vec<Trial> {
    vec![
        Trial::test("deploy::configurations_are_accepted", || configurations(tools)),
        Trial::test("deploy::ports_are_the_programs", || ports(tools)),
        Trial::test("deploy::compose_services_fit_together", compose),
        Trial::test("deploy::pods_have_no_rights_and_ask_real_routes", pods),
        Trial::test("deploy::services_lead_to_pods", services),
        Trial::test("deploy::an_image_has_one_tag", images),
        Trial::test("deploy::valkey_has_the_same_settings_everywhere", valkey),
        Trial::test("deploy::alerts", alerts),
        sagewire_test_programs::redis_server().trial("deploy::valkey_accepts_its_settings", |server| starts(server)),
        sagewire_test_programs::hadolint().trial("deploy::container_recipe", |hadolint| {
            succeeds(Command::new(hadolint).arg(page::root().join("Dockerfile")))
        }),
        sagewire_test_programs::systemd_analyze().trial("deploy::service", |analyze| service(analyze, tools)),
    ]
}

fn folder() -> PathBuf {
    page::root().join("deploy")
}

fn read(name: &str) -> Result<String, Failed> {
    Ok(fs::read_to_string(page::root().join(name))?)
}

/// The services of each compose file.
fn compose_files() -> Result<Vec<(String, BTreeMap<String, Value>)>, Failed> {
    let mut files = Vec::new();
    for path in page::files_below(&folder(), "yaml") {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("compose") {
            let file: Value = data::yaml_objects(&fs::read_to_string(&path)?)?.remove(0);
            files.push((name, serde_json::from_value(file["services"].clone())?));
        }
    }
    if files.len() < 3 { Err(format!("only {} compose files were found", files.len()).into()) } else { Ok(files) }
}

/// The cluster's objects, each with its file.
fn objects() -> Result<Vec<(String, Value)>, Failed> {
    let mut objects = Vec::new();
    for path in page::files_below(&folder().join("kubernetes"), "yaml") {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for object in data::yaml_objects(&fs::read_to_string(&path)?)? {
            let kind = text(&object["kind"]);
            if kind.is_empty() || text(&object["apiVersion"]).is_empty() || text(&object["metadata"]["name"]).is_empty()
            {
                return Err(format!("{name}: `{kind}` has no kind, version or name").into());
            }
            objects.push((format!("{name}: {kind}"), object));
        }
    }
    Ok(objects)
}

/// The objects that run pods.
fn workloads() -> Result<Vec<(String, Value)>, Failed> {
    let mut objects = objects()?;
    objects.retain(|(_, object)| object["spec"]["template"]["spec"]["containers"].is_array());
    if objects.len() < 2 { Err("there are fewer than two workloads".into()) } else { Ok(objects) }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).iter().filter_map(Value::as_str).collect()
}

fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

/// The configuration of the cluster's proxies.
fn configuration_of_the_cluster() -> Result<String, Failed> {
    let objects = objects()?;
    let map = objects.iter().find(|(_, object)| object["kind"] == "ConfigMap").ok_or("there is no ConfigMap")?;
    Ok(text(&map.1["data"]["config.yaml"]).to_owned())
}

/// By the program itself, as it stands in the file and with what the comments say to add.
fn configurations(tools: &Tools) -> Outcome {
    let temporary = tempfile::Builder::new().prefix("sagewire").tempdir()?;
    let mut files = vec![folder().join("config.yaml"), folder().join("config-replicas.yaml")];
    let plain = configuration_of_the_cluster()?;
    let comment = read("deploy/kubernetes/valkey.yaml")?;
    let added = comment.lines().find_map(|line| line.strip_prefix("#   ")).ok_or("valkey.yaml says nothing to add")?;
    let shared = plain.replace("general_settings:\n", &format!("general_settings:\n  {added}\n"));
    require(shared != plain, || "the ConfigMap has no `general_settings`".into())?;
    for (name, config) in [("cluster.yaml", plain), ("cluster-with-valkey.yaml", shared)] {
        let path = temporary.path().join(name);
        fs::write(&path, config)?;
        files.push(path);
    }
    for file in files {
        let output =
            Command::new(&tools.sagewire).args(["check", "--no-env", "--json", "--config"]).arg(&file).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        require(output.status.success() && said.is_empty(), || format!("{}: {said}", file.display()))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let shares = fs::read_to_string(&file)?.contains("coordination_redis");
        require(shares == (name.contains("replicas") || name.contains("valkey")), || format!("{name} shares nothing"))?;
    }
    Ok(())
}

/// The port that the program listens on if it is told none.
fn port(tools: &Tools) -> Result<u64, Failed> {
    let help = Command::new(&tools.sagewire).args(["serve", "--help"]).output()?;
    let help = String::from_utf8(help.stdout)?;
    let line = help.lines().find(|line| line.contains("--port <PORT>")).ok_or("`serve` has no `--port`")?;
    let default = line.split("[default: ").nth(1).and_then(|rest| rest.strip_suffix(']'));
    Ok(default.ok_or("`--port` has no default")?.parse()?)
}

fn ports(tools: &Tools) -> Outcome {
    let port = port(tools)?;
    require(read("Dockerfile")?.contains(&format!("\nEXPOSE {port}\n")), || {
        format!("the image does not expose {port}")
    })?;
    for (file, services) in compose_files()? {
        for published in texts(&services["sagewire"]["ports"]) {
            let inside = published.rsplit(':').next().unwrap_or_default();
            require(inside == port.to_string(), || format!("{file} publishes `{published}`"))?;
        }
    }
    let prometheus = data::yaml_objects(&read("deploy/prometheus.yaml")?)?.remove(0);
    let target = text(&prometheus["scrape_configs"][0]["static_configs"][0]["targets"][0]).to_owned();
    require(target == format!("sagewire:{port}"), || format!("Prometheus asks `{target}`"))?;
    for (name, object) in workloads()?.iter().filter(|(_, object)| object["metadata"]["name"] == "sagewire") {
        let pod = &object["spec"]["template"];
        require(pod["spec"]["containers"][0]["ports"][0]["containerPort"] == port, || {
            format!("{name}: containerPort")
        })?;
        let annotated = text(&pod["metadata"]["annotations"]["prometheus.io/port"]);
        require(annotated == port.to_string(), || format!("{name}: prometheus.io/port is `{annotated}`"))?;
    }
    Ok(())
}

/// Commands read what is mounted, what is mounted is there, variables that a configuration reads are passed on, and what a service waits for or calls
/// is another service.
fn compose() -> Outcome {
    let recipe = read("Dockerfile")?;
    require(recipe.contains(&format!(r#"CMD ["serve", "--config", "{CONFIG}"]"#)), || "the image's command".into())?;
    for (file, services) in compose_files()? {
        for (name, service) in &services {
            let at = format!("{file}: {name}");
            let mut mounted = BTreeMap::new();
            for volume in texts(&service["volumes"]) {
                let (source, target) = volume.split_once(':').ok_or_else(|| format!("{at} mounts `{volume}`"))?;
                if let Some(path) = source.strip_prefix("./") {
                    require(folder().join(path).exists(), || format!("{at}: {path} is not there"))?;
                    mounted.insert(target.trim_end_matches(":ro").to_owned(), folder().join(path));
                }
            }
            if name == "sagewire" && !texts(&service["command"]).contains(&"--demo") {
                let command = texts(&service["command"]);
                let read = command.iter().skip_while(|word| **word != "--config").nth(1).copied().unwrap_or(CONFIG);
                let config = mounted.get(read).ok_or_else(|| format!("{at} does not mount {read}"))?;
                variables_are_set(&at, service, config)?;
            }
            health_check(&at, service, &recipe, name == "sagewire")?;
            let waits = service["depends_on"].as_object().into_iter().flat_map(|services| services.keys());
            let url = text(&service["environment"]["REDIS_URL"]).to_owned();
            let called = url.strip_prefix("redis://").and_then(|rest| rest.split(':').next()).map(str::to_owned);
            for other in waits.cloned().chain(called) {
                let is_healthy = services.get(&other).is_some_and(|service| service["healthcheck"].is_object());
                require(is_healthy, || format!("{at} waits for `{other}`, which has no health check"))?;
            }
        }
    }
    Ok(())
}

/// A file and what it includes name no variable that the service does not have.
fn variables_are_set(at: &str, service: &Value, config: &Path) -> Outcome {
    let mut text = fs::read_to_string(config)?;
    if let Some(included) = text.lines().find_map(|line| line.strip_prefix("include: ")).map(str::to_owned) {
        text.push_str(&fs::read_to_string(config.with_file_name(included))?);
    }
    if text.contains("coordination_redis: {}") {
        text.push_str(" os.environ/REDIS_URL");
    }
    for rest in text.split("os.environ/").skip(1) {
        let name: String = rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
        require(service["environment"].get(&name).is_some(), || format!("{at} does not pass on `{name}`"))?;
    }
    Ok(())
}

/// `CMD-SHELL` would need a shell, and the proxy's image has none; its own check is the Dockerfile's.
fn health_check(at: &str, service: &Value, recipe: &str, is_proxy: bool) -> Outcome {
    let test = texts(&service["healthcheck"]["test"]);
    let Some((form, command)) = test.split_first() else { return Ok(()) };
    require(*form == "CMD", || format!("{at}: the health check is {test:?}"))?;
    let own = format!("CMD {}", serde_json::to_string(command)?.replace(',', ", "));
    require(!is_proxy || recipe.contains(&own), || format!("the Dockerfile's HEALTHCHECK is not `{own}`"))
}

/// A pod neither runs as root nor may write outside its own folders, mounts what is there, and its probes ask routes of the program.
fn pods() -> Outcome {
    let names: BTreeSet<String> = objects()?
        .iter()
        .map(|(_, object)| format!("{}/{}", text(&object["kind"]), text(&object["metadata"]["name"])))
        .collect();
    for (name, object) in workloads()? {
        let pod = &object["spec"]["template"]["spec"];
        require(pod["securityContext"]["runAsNonRoot"] == true, || format!("{name} runs as root"))?;
        require(pod["automountServiceAccountToken"] == false, || format!("{name} can call the cluster"))?;
        let labels = &object["spec"]["template"]["metadata"]["labels"];
        require(object["spec"]["selector"]["matchLabels"] == *labels, || format!("{name} does not select its pods"))?;
        let volumes = list(&pod["volumes"]).iter().chain(list(&object["spec"]["volumeClaimTemplates"]));
        let volumes: BTreeSet<&str> = volumes
            .map(|volume| volume["name"].as_str().unwrap_or_else(|| text(&volume["metadata"]["name"])))
            .collect();
        for map in
            list(&pod["volumes"]).iter().map(|volume| text(&volume["configMap"]["name"])).filter(|map| !map.is_empty())
        {
            require(names.contains(&format!("ConfigMap/{map}")), || format!("{name}: no ConfigMap `{map}`"))?;
        }
        if let Some(account) = pod["serviceAccountName"].as_str() {
            require(names.contains(&format!("ServiceAccount/{account}")), || {
                format!("{name}: no account `{account}`")
            })?;
        }
        for container in list(&pod["containers"]) {
            let context = &container["securityContext"];
            require(context["readOnlyRootFilesystem"] == true, || format!("{name} may write anywhere"))?;
            require(context["allowPrivilegeEscalation"] == false, || format!("{name} may gain rights"))?;
            for mount in list(&container["volumeMounts"]) {
                require(volumes.contains(text(&mount["name"])), || format!("{name} mounts {mount}"))?;
            }
            let args = texts(&container["args"]);
            for path in args.iter().filter(|word| word.starts_with('/')) {
                let is_mounted = |mount: &Value| Path::new(path).starts_with(text(&mount["mountPath"]));
                let mounts = list(&container["volumeMounts"]);
                require(mounts.iter().any(is_mounted), || format!("{name} does not mount {path}"))?;
            }
            let ports: Vec<&str> = list(&container["ports"]).iter().map(|port| text(&port["name"])).collect();
            require(container["readinessProbe"].is_object(), || format!("{name} has no readiness probe"))?;
            for probe in ["readinessProbe", "livenessProbe"].map(|probe| &container[probe]["httpGet"]) {
                if probe.is_object() {
                    require(is_answered(text(&probe["path"]))?, || format!("{name}: no such route: {probe}"))?;
                    require(ports.contains(&text(&probe["port"])), || format!("{name}: no such port: {probe}"))?;
                }
            }
        }
    }
    Ok(())
}

/// Whether a proxy of the cluster's configuration answers a probe of this path.
fn is_answered(path: &str) -> Result<bool, Failed> {
    let environment = |name: &str| Some(format!("the-value-of-{name}"));
    let (config, _) = Config::from_yaml(&configuration_of_the_cluster()?, &environment)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let app = Wiring::new(World::builder().build()).app(&config, None)?;
        let request = http::Request::get(path).body(http_body_util::Empty::<bytes::Bytes>::new())?;
        Ok(app.answer(request).await.status() == http::StatusCode::OK)
    })
}

/// A service, and a budget of disruptions, selects pods that there are, and its port is one of theirs.
fn services() -> Outcome {
    let (objects, workloads) = (objects()?, workloads()?);
    let mut found = 0;
    for (name, object) in &objects {
        let selector = match text(&object["kind"]) {
            "Service" => &object["spec"]["selector"],
            "PodDisruptionBudget" => &object["spec"]["selector"]["matchLabels"],
            _ => continue,
        };
        let selected =
            workloads.iter().find(|(_, workload)| workload["spec"]["template"]["metadata"]["labels"] == *selector);
        let (_, workload) = selected.ok_or_else(|| format!("{name} selects nothing"))?;
        let ports = list(&workload["spec"]["template"]["spec"]["containers"][0]["ports"]);
        for port in list(&object["spec"]["ports"]) {
            require(ports.iter().any(|known| known["name"] == port["targetPort"]), || {
                format!("{name}: no port {port}")
            })?;
            found += 1;
        }
    }
    require(found >= 2, || format!("only {found} ports of services were found"))
}

/// Each image is named with one tag, never `latest`, and the proxy's is of this version.
fn images() -> Outcome {
    let compose = compose_files()?.into_iter().flat_map(|(_, services)| services.into_values());
    let images = compose.map(|service| text(&service["image"]).to_owned());
    let pods = workloads()?
        .into_iter()
        .flat_map(|(_, object)| list(&object["spec"]["template"]["spec"]["containers"]).to_vec());
    let images = images.chain(pods.map(|container| text(&container["image"]).to_owned()));
    let mut tags: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for image in images.filter(|image| !image.is_empty()) {
        let (name, tag) = image.rsplit_once(':').ok_or_else(|| format!("`{image}` has no tag"))?;
        tags.entry(name.to_owned()).or_default().insert(tag.to_owned());
    }
    for (name, tags) in &tags {
        require(tags.len() == 1 && !tags.contains("latest"), || format!("{name} is used as {tags:?}"))?;
    }
    let own = tags.iter().find(|(name, _)| name.ends_with("/sagewire")).ok_or("the proxy's image is not named")?;
    require(own.1.contains(env!("CARGO_PKG_VERSION")), || format!("the proxy's image is {own:?}"))
}

/// The cluster's Valkey is given by arguments what compose's reads from its file.
fn valkey() -> Outcome {
    let file = read("deploy/valkey.conf")?;
    let settings = file.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '));
    let workloads = workloads()?;
    let (_, set) = workloads.iter().find(|(_, object)| object["metadata"]["name"] == "valkey").ok_or("no valkey")?;
    let args = texts(&set["spec"]["template"]["spec"]["containers"][0]["args"]);
    let mut compared = 0;
    for (name, value) in settings {
        let given = args.iter().skip_while(|word| word.strip_prefix("--") != Some(name)).nth(1).copied();
        require(given == Some(value), || format!("`{name}` is `{value}` in valkey.conf and {given:?} in the cluster"))?;
        compared += 1;
    }
    require(compared >= 3, || format!("only {compared} settings were compared"))
}

/// A server starts with the file, in a folder of its own.
fn starts(server: &Path) -> Outcome {
    use std::io::{BufRead as _, BufReader};

    let data = tempfile::Builder::new().prefix("sagewire").tempdir()?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let mut process = Command::new(server)
        .arg(folder().join("valkey.conf"))
        .args(["--bind", "127.0.0.1", "--port", &port, "--dir"])
        .arg(data.path())
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let said = process.stdout.take().map(|out| BufReader::new(out).lines().map_while(Result::ok));
    let said: Vec<String> = said.into_iter().flatten().take_while(|line| !line.contains("Ready to accept")).collect();
    let has_ended = process.try_wait()?.is_some();
    process.kill()?;
    process.wait()?;
    require(!has_ended, || said.join("\n"))
}

/// Rules that Prometheus could read; their metrics are compared in `lists`.
fn alerts() -> Outcome {
    let rules = data::yaml_objects(&read("deploy/alerts.yaml")?)?;
    let rules = rules.first().and_then(|file| file["groups"][0]["rules"].as_array()).ok_or("there are no rules")?;
    for rule in rules {
        let has = |key: &str| !text(&rule[key]).is_empty();
        let has_summary = !text(&rule["annotations"]["summary"]).is_empty();
        require(has("alert") && has("expr") && has_summary, || format!("a rule is not whole: {rule}"))?;
    }
    Ok(())
}

/// The unit, with a program that is there in place of the one that will be.
fn service(analyze: &Path, tools: &Tools) -> Outcome {
    let folder = tempfile::Builder::new().prefix("sagewire").tempdir()?;
    let unit = folder.path().join("sagewire.service");
    let text = read("deploy/sagewire.service")?;
    fs::write(&unit, text.replace("/usr/local/bin/sagewire", &tools.sagewire.display().to_string()))?;
    succeeds(Command::new(analyze).args(["verify", "--man=no"]).arg(unit))
}
