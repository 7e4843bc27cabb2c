//! The emulator, called by other people's clients, each from a script of its own: whole, streamed,
//! asynchronous, with wrong keys, throttled and tried again by the client's own policy, and a
//! stream that breaks.
//!
//! The scripts use the control port alone, as a program in any language would. They run where
//! variables name the prepared packages.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_emulator::{Emulator, ObjectStore, Parts};
use sagewire_test_programs::{Prepared, emulator_clients, node, sagemaker_sdk};

/// Scripts of the clients that can be installed together.
const SCRIPTS: [&str; 8] = [
    "boto3_client.py",
    "aioboto3_client.py",
    "aws_cli.py",
    "litellm_client.py",
    "langchain_client.py",
    "llama_index_client.py",
    "strands_client.py",
    "haystack_client.py",
];
/// Scripts of SageMaker's own SDKs, which need older packages.
const SDK_SCRIPTS: [&str; 2] = ["sagemaker_sdk_client.py", "sagemaker_core_client.py"];

fn main() {
    let (clients, sdk, node) = (emulator_clients(), sagemaker_sdk(), node());
    let mut trials: Vec<Trial> = SCRIPTS.into_iter().map(|script| python_trial(&clients, script)).collect();
    trials.extend(SDK_SCRIPTS.into_iter().map(|script| python_trial(&sdk, script)));
    trials.push(node.trial("javascript_client.mjs", |node| {
        let mut command = Command::new(&node.program);
        // Packages are looked up from the script's folder upward.
        let script = node.modules.with_file_name("javascript_client.mjs");
        std::fs::copy(folder().join("javascript_client.mjs"), &script)?;
        command.arg(script);
        run(command, Parts::Awkward, None)
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn python_trial(python: &Prepared<PathBuf>, script: &'static str) -> Trial {
    python.trial(script, move |python| {
        let mut command = Command::new(python);
        command.arg(folder().join(script));
        let moto = Moto::start(python)?;
        // LiteLLM and Strands of these versions cannot read a character that two parts share.
        let parts = match script {
            "litellm_client.py" | "strands_client.py" => Parts::Events,
            _ => Parts::Awkward,
        };
        run(command, parts, Some(&moto))
    })
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/scripts")
}

/// Runs a script against an emulator of its own.
fn run(mut command: Command, parts: Parts, moto: Option<&Moto>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut builder = Emulator::builder().control().parts(parts);
    if let Some(moto) = moto {
        let s3 = ObjectStore::s3(&moto.url, "AKIDMOTO", "moto-takes-any");
        builder = builder.object_store(s3).async_output("s3://mine/async");
        command.env("S3_URL", &moto.url);
    }
    let emulator = runtime.block_on(builder.start())?;
    let home = tempfile::tempdir()?;
    command.env("HOME", home.path()).env("EMULATOR_URL", emulator.url()).env("AWS_EC2_METADATA_DISABLED", "true");
    command.envs(emulator.variables()).current_dir(home.path()).stdin(Stdio::null());
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let (said, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{}\n{said}{complaint}", output.status).into())
}

/// moto's S3, which ends with its standard input.
struct Moto {
    server: Child,
    url: String,
}

impl Moto {
    fn start(python: &Path) -> Result<Self, Failed> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../credentials/tests/moto/serve.py");
        let mut command = Command::new(python);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn()?;
        let mut url = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut url)?;
        if url.is_empty() {
            return Err(format!("moto's server did not start: {}", server.wait()?).into());
        }
        Ok(Self { server, url: url.trim().to_owned() })
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        drop(self.server.wait());
    }
}
