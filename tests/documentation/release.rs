//! A release: what is uploaded is what its readers are told to download.
//!
//! Owns the names of archives, which stand in the release's workflow, in `.ci/archive` and in the
//! metadata of `cargo binstall`.

use std::{collections::BTreeSet, fs};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::{Outcome, data, page};

pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("release::archives_are_found_by_binstall", archives_are_found_by_binstall)]
}

fn read(name: &str) -> Result<String, Failed> {
    Ok(fs::read_to_string(page::root().join(name))?)
}

/// Systems on which `cargo binstall` may ask for another target than the one that was built: static
/// programs run there, too.
const STATIC: [(&str, &str); 2] = [
    ("x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu"),
    ("aarch64-unknown-linux-musl", "aarch64-unknown-linux-gnu"),
];

fn archives_are_found_by_binstall() -> Outcome {
    let archive = read(".ci/archive")?;
    for line in [
        r#"name="sagewire-${2:?"#,
        r#"*windows*) rm -f "$name.zip""#,
        r#"*) tar -czf "$name.tar.gz" -C "$folder" "$name""#,
        r#"cp "$program" "#,
    ] {
        if !archive.contains(line) {
            return Err(format!("`.ci/archive` no longer has `{line}`: compare the names again").into());
        }
    }
    let workflow = read(".github/workflows/release.yml")?;
    let workflow = data::yaml_objects(&workflow)?.into_iter().next().ok_or("the workflow is empty")?;
    let programs = &workflow["jobs"]["programs"];
    let targets: BTreeSet<&str> = programs["strategy"]["matrix"]["include"]
        .as_array()
        .ok_or("the workflow builds nothing")?
        .iter()
        .filter_map(|entry| entry["target"].as_str())
        .collect();
    let uploads = programs["steps"].to_string();
    if targets.len() < 5 || !uploads.contains("sagewire-${{ matrix.target }}.*") {
        return Err(format!("the workflow uploads other files: {uploads}").into());
    }
    let manifest: toml::Table = toml::from_str(&read("crates/cli/Cargo.toml")?)?;
    let metadata: Value = serde_json::to_value(&manifest["package"]["metadata"]["binstall"])?;
    let asked = targets.iter().map(|target| (*target, *target)).chain(STATIC);
    for (target, built) in asked {
        if !targets.contains(built) {
            return Err(format!("{built} is not built").into());
        }
        let told = |key: &str| {
            let own = &metadata["overrides"][target][key];
            own.as_str().or_else(|| metadata[key].as_str()).unwrap_or_default().to_owned()
        };
        // <https://github.com/cargo-bins/cargo-binstall/blob/main/SUPPORT.md>
        let suffix = match told("pkg-fmt").as_str() {
            "tgz" => ".tar.gz",
            "zip" => ".zip",
            other => return Err(format!("{target}: unknown format `{other}`").into()),
        };
        let is_windows = target.contains("windows");
        let filled = |text: String| {
            text.replace("{ target }", target)
                .replace("{ archive-suffix }", suffix)
                .replace("{ bin }", "sagewire")
                .replace("{ binary-ext }", if is_windows { ".exe" } else { "" })
        };
        let url = filled(told("pkg-url"));
        let file = format!("sagewire-{built}{}", if is_windows { ".zip" } else { ".tar.gz" });
        let expected = format!("{{ repo }}/releases/download/v{{ version }}/{file}");
        if url != expected {
            return Err(format!("{target}: `cargo binstall` asks for {url} instead of {expected}").into());
        }
        let program = format!("sagewire-{built}/sagewire{}", if is_windows { ".exe" } else { "" });
        let told = filled(told("bin-dir"));
        if told != program {
            return Err(format!("{target}: `cargo binstall` looks for {told} instead of {program}").into());
        }
    }
    Ok(())
}
