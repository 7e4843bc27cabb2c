//! Every example runs on the emulator to its end, and the list in the README is complete.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn examples() -> Vec<String> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert!(names.len() > 5, "{names:?}");
    names
}

/// Where cargo puts an example: beside the folder that this test is in. A plain `cargo test` builds
/// both.
fn program(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let program =
        here.parent().unwrap().with_file_name("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.is_file(), "{} is not built: run `cargo test -p sagewire-examples`", program.display());
    program
}

#[test]
fn each_runs_to_its_end_and_shows_something() {
    for name in examples() {
        // Without the AWS settings of the person who runs the tests.
        let output = Command::new(program(&name)).env_clear().output().unwrap();
        let (shown, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{name}: {complaint}");
        assert!(!shown.trim().is_empty(), "{name} shows nothing");
        assert!(complaint.is_empty(), "{name}: {complaint}");
    }
}

#[test]
fn each_is_in_the_manifest_and_in_the_readme_in_the_readmes_own_words() {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    for name in examples() {
        assert!(manifest.contains(&format!("[[example]]\nname = \"{name}\"\npath = \"{name}.rs\"")), "{name}");
        assert!(readme.contains(&format!("| [`{name}`]({name}.rs) | ")), "{name}");
    }
}

#[test]
fn settings_in_the_environment_lead_away_from_the_emulator() {
    // A port without a listener: only a program that has read the variable asks there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let output = Command::new(program("chat"))
        .env_clear()
        .env("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", format!("http://127.0.0.1:{port}"))
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("SAGEWIRE_MODEL", "sagemaker/mine")
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && complaint.contains("no connection"), "{complaint}");
}
