//! Where recorded vectors are: inside published crates, and in `$SAGEWIRE_VECTORS`.
//!
//! Owns the search alone. Each gives a folder, or the reason why there is none, which a test
//! reports as an ignored case.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A folder below `$SAGEWIRE_VECTORS`, by default `../shared/vectors` beside the project.
///
/// # Errors
/// With the reason why there is none.
pub fn recorded(folder: &str) -> Result<PathBuf, String> {
    #[expect(clippy::disallowed_methods, reason = "a test is told by its environment where the vectors are")]
    let root = std::env::var_os("SAGEWIRE_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    existing(root.join(folder))
}

/// A folder inside the sources of a dependency, as cargo has unpacked them.
///
/// # Errors
/// With the reason why there is none.
pub fn published(package: &str, folder: &str) -> Result<PathBuf, String> {
    // Only this platform's packages need to be there, as after an ordinary build.
    let version = cargo(&["-vV"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("cargo -vV names no host")?;
    let listing = cargo(&["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform", host])?;
    let metadata: serde_json::Value =
        serde_json::from_str(&listing).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let manifest = packages
        .iter()
        .find(|listed| listed["name"] == package)
        .and_then(|listed| listed["manifest_path"].as_str())
        .ok_or_else(|| format!("{package} is not a dependency"))?;
    existing(Path::new(manifest).with_file_name(folder))
}

fn cargo(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .map_err(|error| format!("cargo {}: {error}", arguments.join(" ")))?;
    if output.status.success() {
        String::from_utf8(output.stdout).map_err(|error| error.to_string())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("cargo failed").to_owned())
    }
}

fn existing(folder: PathBuf) -> Result<PathBuf, String> {
    if folder.is_dir() { Ok(folder) } else { Err("the folder is not there".to_owned()) }
}
