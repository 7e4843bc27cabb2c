//! Calls made with boto3.

use std::{
    future::Future,
    path::Path,
    pin::Pin,
    process::{Command, Stdio},
};

use sagewire_emulator::Emulator;
use serde_json::{Value, json};

/// One case: given the Python, it makes its calls and judges them.
pub(crate) type Case = for<'a> fn(&'a Path) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

pub(crate) fn run(python: &Path, case: Case) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(case(python));
}

/// Who calls, and what.
pub(crate) struct Session<'a> {
    pub(crate) python: &'a Path,
    pub(crate) url: Option<String>,
    pub(crate) region: Option<&'static str>,
    pub(crate) service: &'static str,
    pub(crate) access_key_id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) attempts: u32,
    /// Are the keys given, or does boto3 look for some?
    pub(crate) keys: bool,
    pub(crate) environment: Vec<(&'static str, String)>,
    /// What is pasted into a shell before; empty: there is no shell.
    pub(crate) exports: String,
}

impl<'a> Session<'a> {
    pub(crate) fn new(python: &'a Path, emulator: &Emulator) -> Self {
        Self {
            python,
            url: Some(emulator.url()),
            region: Some("eu-west-1"),
            service: "sagemaker-runtime",
            access_key_id: sagewire_emulator::EXAMPLE_ACCESS_KEY_ID.to_owned(),
            secret: sagewire_emulator::EXAMPLE_SECRET_ACCESS_KEY.to_owned(),
            token: None,
            attempts: 1,
            keys: true,
            environment: Vec::new(),
            exports: String::new(),
        }
    }

    /// The outcome of each call, in order.
    pub(crate) async fn calls(&self, calls: &[(&str, Value)]) -> Vec<Value> {
        let calls: Vec<Value> =
            calls.iter().map(|(method, arguments)| json!({"method": method, "arguments": arguments})).collect();
        let plan = json!({
            "service": self.service,
            "region": self.region,
            "url": self.url,
            "access_key_id": self.keys.then_some(&self.access_key_id),
            "secret": self.keys.then_some(&self.secret),
            "token": self.token,
            "attempts": self.attempts,
            "calls": calls,
        });
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/boto3/calls.py");
        let mut command = if self.exports.is_empty() {
            Command::new(self.python)
        } else {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", &format!("{}exec \"$0\" \"$@\"", self.exports)]).arg(self.python);
            shell
        };
        // Nothing of this machine's own AWS settings may matter.
        command.arg(script).arg(plan.to_string()).env_clear().env("HOME", "/nonexistent").stderr(Stdio::piped());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) async fn call(&self, method: &str, arguments: Value) -> Value {
        self.calls(&[(method, arguments)]).await.remove(0)
    }
}
