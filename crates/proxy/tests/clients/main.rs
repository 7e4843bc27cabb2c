//! Real clients against the proxy on the emulator: a script for each case, in the folder of its
//! client.
//!
//! A script is told the proxy's address as `PROXY_URL` and its key as `PROXY_KEY`; it passes if it
//! exits with 0. A new case is a new file. The folder decides which variables name its program:
//! `openai` and `anthropic` need `SAGEWIRE_PYTHON`, `langchain` needs `SAGEWIRE_LANGCHAIN_PYTHON`,
//! `rerank` needs `SAGEWIRE_RERANK_PYTHON`,
//! `node` needs `SAGEWIRE_NODE` and `SAGEWIRE_NODE_MODULES`, `curl` needs `SAGEWIRE_CURL`,
//! `browser` needs `SAGEWIRE_NODE`, `SAGEWIRE_BROWSER_MODULES` and `SAGEWIRE_CHROMIUM`,
//! `agents_python` needs `SAGEWIRE_AGENTS_PYTHON`, `agents` and `agents_javascript` need
//! `SAGEWIRE_NODE` and `SAGEWIRE_AGENTS_MODULES`. The scripts of a folder whose program is not
//! named are reported as ignored.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod proxy;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::{Arguments, Failed};
use sagewire_test_programs::{Browser, Node, Prepared};

use crate::proxy::Running;

/// How the scripts of a folder are run.
#[derive(Clone)]
struct Client {
    program: PathBuf,
    environment: Vec<(&'static str, PathBuf)>,
}

impl Client {
    fn of(program: PathBuf) -> Self {
        Self { program, environment: Vec::new() }
    }
}

fn main() {
    let node = |node: Node| Client { program: node.program, environment: vec![("NODE_PATH", node.modules)] };
    let curl = |curl| Client { program: PathBuf::from("/bin/sh"), environment: vec![("CURL", curl)] };
    // The agents are started by a script, which checks what they did.
    let agents = |node: Node| Client {
        program: PathBuf::from("/bin/sh"),
        environment: vec![("NODE", node.program), ("NODE_PATH", node.modules)],
    };
    let browser = |browser: Browser| Client {
        program: browser.node.program,
        environment: vec![("NODE_PATH", browser.node.modules), ("CHROMIUM", browser.chromium)],
    };
    let clients: [(&str, Prepared<Client>); 10] = [
        ("openai", sagewire_test_programs::openai().map(Client::of)),
        ("anthropic", sagewire_test_programs::anthropic().map(Client::of)),
        ("langchain", sagewire_test_programs::langchain().map(Client::of)),
        ("rerank", sagewire_test_programs::rerank().map(Client::of)),
        ("node", sagewire_test_programs::node().map(node)),
        ("browser", sagewire_test_programs::browser().map(browser)),
        ("curl", sagewire_test_programs::curl().map(curl)),
        ("agents", sagewire_test_programs::agents().map(agents)),
        ("agents_javascript", sagewire_test_programs::agents().map(node)),
        ("agents_python", sagewire_test_programs::agents_python().map(Client::of)),
    ];
    let mut trials = Vec::new();
    for (name, client) in clients {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name);
        let mut scripts: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        scripts.sort();
        assert!(!scripts.is_empty(), "no scripts in {}", folder.display());
        for script in scripts {
            let name = format!("{name}::{}", script.file_stem().unwrap().to_string_lossy());
            trials.push(client.trial(name, move |client| run(client, &script)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn run(client: &Client, script: &Path) -> Result<(), Failed> {
    let proxy = Running::start();
    let output = Command::new(&client.program)
        .arg(script)
        // Nothing of this machine's own settings may matter: no key, no proxy in between.
        .env_clear()
        .env("PATH", sagewire_test_programs::search_path(&[&client.program])?)
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
