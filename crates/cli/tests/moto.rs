//! A second opinion on `sagewire init`: moto's server describes endpoints that boto3 made in it.
//!
//! `SAGEWIRE_MOTO_PYTHON` names a Python with `moto[server]`. Without it, the case is ignored.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    path::Path,
    process::{Command, ExitCode},
    sync::Arc,
};

use libtest_mimic::{Arguments, Failed};
use sagewire_test_programs::Served;

fn main() -> ExitCode {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../discovery/tests/moto/serve.py");
    let moto = sagewire_test_programs::moto().and_then(|python| Served::start(&python, &script, &[])).map(Arc::new);
    let trial = moto.trial("init over endpoints that boto3 made", |moto| init(moto));
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

fn init(moto: &Served) -> Result<(), Failed> {
    let home = tempfile::tempdir()?;
    let sagewire = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sagewire"));
        command.args(arguments).current_dir(home.path()).env_clear().env("HOME", home.path());
        command.envs([
            ("AWS_ENDPOINT_URL_SAGEMAKER", moto.url()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ]);
        let output = command.output().unwrap();
        let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{printed}");
        printed
    };
    let table = sagewire(&["init", "--name-contains", "chat-"]);
    assert_eq!(table.matches("chat (messages)  Qwen/Qwen3-8B  vLLM").count(), 12, "{table}");
    let file = std::fs::read_to_string(home.path().join("config.yaml"))?;
    assert_eq!(file.matches("model: sagemaker_chat/chat-").count(), 12, "{file}");
    sagewire(&["check", "--no-env", "--config", "config.yaml"]);
    Ok(())
}
