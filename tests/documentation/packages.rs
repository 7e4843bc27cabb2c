//! What is published and deployed: every crate's package, the container's recipe, the service, the
//! cluster's objects, the book.
//!
//! Owns what each must have. A case whose program is not named is reported as ignored.

use std::{fs, path::Path, process::Command};

use libtest_mimic::{Failed, Trial};
use sagewire_test_programs::MdBook;

use crate::{Outcome, data, page, tools::Tools};

pub(crate) fn trials(tools: &'static Tools) -> Vec<Trial> {
    vec![
        Trial::test("packages::each_has_what_a_registry_shows", each_has_what_a_registry_shows),
        Trial::test("deploy::kubernetes_objects", kubernetes_objects),
        Trial::test("deploy::alerts", alerts),
        Trial::test("deploy::configuration", || {
            data::yaml(&fs::read_to_string(page::root().join("deploy/config.yaml"))?)
        }),
        Trial::test("deploy::compose_file", compose_file),
        Trial::test("deploy::mounts", mounts),
        sagewire_test_programs::hadolint().trial("deploy::container_recipe", |hadolint| container_recipe(hadolint)),
        sagewire_test_programs::systemd_analyze().trial("deploy::service", |analyze| service(analyze, tools)),
        Trial::test("book::picture", || picture(tools)),
        sagewire_test_programs::mdbook().trial("book::builds", book),
    ]
}

fn each_has_what_a_registry_shows() -> Outcome {
    let mut missing = Vec::new();
    for folder in page::crates() {
        let manifest: toml::Table = toml::from_str(&fs::read_to_string(folder.join("Cargo.toml"))?)?;
        let package = manifest.get("package").and_then(toml::Value::as_table).ok_or("a manifest without a package")?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for key in ["description", "license", "repository", "keywords", "categories", "rust-version", "authors"] {
            if !package.contains_key(key) {
                missing.push(format!("{name}: `{key}`"));
            }
        }
        // What crates.io accepts.
        let keywords = package.get("keywords").and_then(toml::Value::as_array).map_or(0, Vec::len);
        if !(1..=5).contains(&keywords) {
            missing.push(format!("{name}: 1 to 5 keywords"));
        }
        for file in ["README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
            if !folder.join(file).is_file() {
                missing.push(format!("{name}: {file}"));
            }
        }
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            if fs::read(folder.join(licence)).ok() != fs::read(page::root().join(licence)).ok() {
                missing.push(format!("{name}: the project's {licence}"));
            }
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(format!("packages lack {}", missing.join(", ")).into()) }
}

/// Every object has a kind, and a pod neither runs as root nor may write outside its own folders.
fn kubernetes_objects() -> Outcome {
    let files = page::files_below(&page::root().join("deploy/kubernetes"), "yaml");
    let mut kinds = Vec::new();
    for file in &files {
        for object in data::yaml_objects(&fs::read_to_string(file)?)? {
            let kind =
                object["kind"].as_str().ok_or_else(|| format!("{}: an object without a kind", file.display()))?;
            if object["apiVersion"].as_str().is_none() || object["metadata"]["name"].as_str().is_none() {
                return Err(format!("{}: a {kind} without a version or a name", file.display()).into());
            }
            if kind == "Deployment" {
                let pod = &object["spec"]["template"]["spec"];
                let container = &pod["containers"][0];
                expect(&pod["securityContext"]["runAsNonRoot"], "the pod runs as root")?;
                expect(&container["securityContext"]["readOnlyRootFilesystem"], "the container may write anywhere")?;
                for probe in ["readinessProbe", "livenessProbe"] {
                    let path = container[probe]["httpGet"]["path"].as_str().unwrap_or_default();
                    if !path.starts_with("/health/") {
                        return Err(format!("{probe} asks for `{path}`").into());
                    }
                }
            }
            if kind == "ConfigMap"
                && let Some(config) = object["data"]["config.yaml"].as_str()
            {
                data::yaml(config)?;
            }
            kinds.push(kind.to_owned());
        }
    }
    for kind in ["ConfigMap", "Deployment", "Service", "ServiceAccount"] {
        if !kinds.iter().any(|found| found == kind) {
            return Err(format!("there is no {kind} among {kinds:?}").into());
        }
    }
    Ok(())
}

fn expect(value: &serde_json::Value, otherwise: &str) -> Outcome {
    if value == &serde_json::Value::Bool(true) { Ok(()) } else { Err(otherwise.into()) }
}

/// Rules that Prometheus could read; their metrics are compared in `lists`.
fn alerts() -> Outcome {
    let text = fs::read_to_string(page::root().join("deploy/alerts.yaml"))?;
    let rules = data::yaml_objects(&text)?;
    let rules = rules.first().and_then(|file| file["groups"][0]["rules"].as_array()).ok_or("there are no rules")?;
    for rule in rules {
        let has = |key: &str| rule[key].as_str().is_some_and(|text| !text.is_empty());
        let has_summary = rule["annotations"]["summary"].as_str().is_some();
        if !(has("alert") && has("expr") && has_summary) {
            return Err(format!("a rule is not whole: {rule}").into());
        }
    }
    Ok(())
}

/// What the services of a file mount is there.
fn mounts() -> Outcome {
    let folder = page::root().join("deploy");
    let files = page::files_below(&folder, "yaml");
    let is_compose =
        |path: &&std::path::PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("compose"));
    for file in files.iter().filter(is_compose) {
        let objects = data::yaml_objects(&fs::read_to_string(file)?)?;
        let services = objects.first().and_then(|file| file["services"].as_object()).ok_or("there is no service")?;
        let volumes = services.values().filter_map(|service| service["volumes"].as_array()).flatten();
        for path in volumes.filter_map(|volume| volume.as_str()?.strip_prefix("./")?.split(':').next()) {
            if !folder.join(path).exists() {
                return Err(format!("{}: {path} is not there", file.display()).into());
            }
        }
    }
    Ok(())
}

/// The service runs the image's own health check, and what it mounts is there.
fn compose_file() -> Outcome {
    let folder = page::root().join("deploy");
    let objects = data::yaml_objects(&fs::read_to_string(folder.join("compose.yaml"))?)?;
    let service = &objects.first().ok_or("the file is empty")?["services"]["sagewire"];
    let test = service["healthcheck"]["test"].as_array().ok_or("there is no health check")?;
    let words: Vec<_> = test.iter().filter_map(serde_json::Value::as_str).collect();
    // `CMD-SHELL` would need a shell, and the image has none.
    let Some(("CMD", command)) = words.split_first().map(|(first, rest)| (*first, rest)) else {
        return Err(format!("the health check is {words:?}").into());
    };
    let own = format!("CMD {}", serde_json::to_string(command)?.replace(',', ", "));
    if !fs::read_to_string(page::root().join("Dockerfile"))?.contains(&own) {
        return Err(format!("the Dockerfile's HEALTHCHECK is not `{own}`").into());
    }
    let mounted = service["volumes"][0].as_str().and_then(|volume| volume.split(':').next()).ok_or("no volume")?;
    if folder.join(mounted).is_file() { Ok(()) } else { Err(format!("{mounted} is not there").into()) }
}

fn container_recipe(hadolint: &Path) -> Outcome {
    succeeds(Command::new(hadolint).arg(page::root().join("Dockerfile")))
}

/// The unit, with a program that is there in place of the one that will be.
fn service(analyze: &Path, tools: &Tools) -> Outcome {
    let folder = tempfile::Builder::new().prefix("sagewire").tempdir()?;
    let text = fs::read_to_string(page::root().join("deploy/sagewire.service"))?;
    let unit = folder.path().join("sagewire.service");
    fs::write(&unit, text.replace("/usr/local/bin/sagewire", &tools.sagewire.display().to_string()))?;
    succeeds(Command::new(analyze).args(["verify", "--man=no"]).arg(unit))
}

/// The book's preprocessor is run by the Python that is named, and not by the one of the page's
/// settings.
fn book(mdbook: &MdBook) -> Outcome {
    let folder = tempfile::Builder::new().prefix("sagewire").tempdir()?;
    let preprocessor = format!("{} links_out.py", mdbook.python.display());
    let mut command = Command::new(&mdbook.program);
    command.env("MDBOOK_PREPROCESSOR__LINKS_OUT__COMMAND", preprocessor);
    succeeds(command.arg("build").arg("--dest-dir").arg(folder.path()).arg(page::root().join("docs")))?;
    let mut files = fs::read_dir(folder.path())?.filter_map(Result::ok);
    let has_search = files.any(|file| file.file_name().to_string_lossy().starts_with("searchindex"));
    if has_search { Ok(()) } else { Err("the book has no search".into()) }
}

/// The picture shows what the demo prints of its first call; what changes with each run (the port,
/// times) is not compared.
fn picture(tools: &Tools) -> Outcome {
    let output = Command::new(&tools.sagewire).args(["demo", "--once"]).output()?;
    let shown = String::from_utf8(output.stdout)?;
    let picture = fs::read_to_string(page::root().join("docs/picture/demo.svg"))?;
    let mut compared = 0;
    for line in shown.lines().take_while(|line| !line.starts_with("2. ")) {
        let Some((label, text)) = line.trim_start().split_once(": ").filter(|(label, _)| *label != "time") else {
            continue;
        };
        // Long lines are cut in the picture, and marks have a colour of their own.
        let text: String = text.trim().trim_end_matches("(verified)").chars().take(60).collect();
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        compared += 1;
        if !picture.contains(&text) {
            return Err(format!(
                "the picture lacks the {label} `{text}`: make it anew, as docs/picture/terminal.py says"
            )
            .into());
        }
    }
    if compared >= 5 { Ok(()) } else { Err(format!("only {compared} lines were compared").into()) }
}

fn succeeds(command: &mut Command) -> Outcome {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(Failed::from(String::from_utf8_lossy(&said).into_owned()))
}
