//! Cargo's commands on the pages.
//!
//! Owns their comparison with the manifests: packages, targets, features and profiles must be
//! there. They are not run: the tests would build what is building them.

use std::{collections::BTreeMap, fs, sync::LazyLock};

use libtest_mimic::Failed;

use sagewire_tests::page;

pub(crate) enum Command {
    /// It names nothing that is not there.
    Checked,
    /// It runs the command line, with these arguments.
    Run(String),
}

pub(crate) fn checked(words: &[String]) -> Result<Command, Failed> {
    let (own, rest) = match words.iter().position(|word| word == "--") {
        Some(at) => (&words[..at], &words[at + 1..]),
        None => (words, [].as_slice()),
    };
    let subcommand = own.get(1).map(String::as_str).unwrap_or_default();
    let value = |flags: &[&str]| {
        own.iter().position(|word| flags.contains(&word.as_str())).and_then(|at| own.get(at + 1)).map(String::as_str)
    };
    let package = value(&["-p", "--package"]).unwrap_or("sagewire-cli");
    let path = value(&["--path"]).map(|path| path.trim_start_matches("./"));
    let manifests = manifests();
    let manifest = match path {
        Some(path) => manifests.values().find(|manifest| manifest.folder == path),
        None => manifests.get(package),
    };
    let manifest = manifest.ok_or_else(|| format!("there is no package `{}`", path.unwrap_or(package)))?;
    for (flag, list) in [("--example", "example"), ("--test", "test"), ("--bench", "bench"), ("--bin", "bin")] {
        if let Some(name) = value(&[flag]) {
            manifest.has_target(list, name)?;
        }
    }
    for feature in value(&["--features", "-F"]).unwrap_or_default().split(',').filter(|name| !name.is_empty()) {
        if manifest.table.get("features").and_then(|features| features.get(feature)).is_none() {
            return Err(format!("`{package}` has no feature `{feature}`").into());
        }
    }
    if let Some(profile) = value(&["--profile"])
        && manifests["workspace"].table.get("profile").and_then(|profiles| profiles.get(profile)).is_none()
    {
        return Err(format!("there is no profile `{profile}`").into());
    }
    match subcommand {
        "run" if value(&["--example"]).is_none() => {
            let quoted = |word: &String| {
                let is_plain =
                    word.chars().all(|character| character.is_ascii_alphanumeric() || "-_./=:".contains(character));
                if is_plain { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
            };
            Ok(Command::Run(rest.iter().map(quoted).collect::<Vec<_>>().join(" ")))
        }
        "run" | "test" | "build" | "check" | "doc" | "bench" | "install" | "package" => Ok(Command::Checked),
        other => Err(format!("`cargo {other}` is not checked: mark the block with `<!-- not run: ... -->`").into()),
    }
}

struct Manifest {
    folder: String,
    table: toml::Table,
}

impl Manifest {
    fn has_target(&self, list: &str, name: &str) -> Result<(), Failed> {
        let listed = self.table.get(list).and_then(toml::Value::as_array).into_iter().flatten();
        let is_listed = listed.filter_map(|target| target.get("name")?.as_str()).any(|listed| listed == name);
        let folder = page::root().join(&self.folder).join(format!("{list}s"));
        if is_listed || folder.join(format!("{name}.rs")).is_file() || folder.join(name).join("main.rs").is_file() {
            return Ok(());
        }
        Err(format!("{} has no {list} `{name}`", self.folder).into())
    }
}

/// The manifests by their packages' names, and that of the workspace.
fn manifests() -> &'static BTreeMap<String, Manifest> {
    static MANIFESTS: LazyLock<BTreeMap<String, Manifest>> = LazyLock::new(|| {
        let root = page::root();
        let mut folders = page::crates();
        folders.extend(["", "examples", "tests", "benches"].map(|name| root.join(name)));
        let mut manifests = BTreeMap::new();
        for folder in folders {
            let Ok(text) = fs::read_to_string(folder.join("Cargo.toml")) else { continue };
            let table: toml::Table = toml::from_str(&text).unwrap();
            let name = table
                .get("package")
                .and_then(|package| package.get("name")?.as_str())
                .unwrap_or("workspace")
                .to_owned();
            let folder = folder.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            manifests.insert(name, Manifest { folder, table });
        }
        manifests
    });
    &MANIFESTS
}
