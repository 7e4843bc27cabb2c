//! Real clients against the proxy on the emulator: a script for each case, in the folder of its client.
//!
//! A script is told the proxy's address as `PROXY_URL` and its key as `PROXY_KEY`; it passes if it ends well. A new case is a new
//! file. What a client needs is looked for: a Python with `openai` and `langchain-openai` in `$SAGEWIRE_PYTHON`, the virtual environment
//! `venv-clients` in the target folder, or `python3`; the npm package `openai` in `$SAGEWIRE_NODE_MODULES` or `node_modules` in the
//! target folder; and `curl`. Where one is missing, its cases are reported as ignored.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod proxy;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::proxy::Running;

/// How the scripts of a folder are run.
#[derive(Clone)]
struct Client {
    folder: &'static str,
    program: Option<PathBuf>,
    environment: Vec<(&'static str, PathBuf)>,
}

fn main() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned();
    let clients = [python(&target), node(&target), curl()];
    let mut trials = Vec::new();
    for client in clients {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(client.folder);
        let mut scripts: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        scripts.sort();
        assert!(!scripts.is_empty(), "no scripts in {}", folder.display());
        for script in scripts {
            let client = client.clone();
            let missing = client.program.is_none();
            let name = format!("{}::{}", client.folder, script.file_stem().unwrap().to_string_lossy());
            trials.push(Trial::test(name, move || run(&client, &script)).with_ignored_flag(missing));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

#[expect(clippy::disallowed_methods, reason = "a test is told by its environment where its clients are")]
fn told(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn python(target: &Path) -> Client {
    let candidates = match told("SAGEWIRE_PYTHON") {
        Some(chosen) => vec![chosen],
        None => vec![target.join("venv-clients/bin/python"), PathBuf::from("python3")],
    };
    let program = candidates
        .into_iter()
        .find(|python| succeeds(Command::new(python).args(["-c", "import openai, langchain_openai"])));
    Client { folder: "python", program, environment: Vec::new() }
}

fn node(target: &Path) -> Client {
    let modules = told("SAGEWIRE_NODE_MODULES").unwrap_or_else(|| target.join("node_modules"));
    let found = succeeds(Command::new("node").args(["-e", "require('openai')"]).env("NODE_PATH", &modules));
    Client { folder: "node", program: found.then(|| PathBuf::from("node")), environment: vec![("NODE_PATH", modules)] }
}

fn curl() -> Client {
    let found = succeeds(Command::new("curl").arg("--version")) && succeeds(Command::new("bash").arg("--version"));
    Client { folder: "curl", program: found.then(|| PathBuf::from("bash")), environment: Vec::new() }
}

fn run(client: &Client, script: &Path) -> Result<(), Failed> {
    let program = client.program.as_ref().ok_or("the client is missing")?;
    let proxy = Running::start();
    let path = told("PATH").unwrap_or_default();
    let output = Command::new(program)
        .arg(script)
        // Nothing of this machine's own settings may matter: no key, no proxy in between.
        .env_clear()
        .env("PATH", path)
        .env("HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("PROXY_URL", proxy.url())
        .env("PROXY_KEY", proxy::KEY)
        .envs(client.environment.iter().map(|(name, value)| (name, value)))
        .output()?;
    if output.status.success() {
        Ok(())
    } else {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Err(format!("{}\n{}", text(&output.stdout), text(&output.stderr)).into())
    }
}
