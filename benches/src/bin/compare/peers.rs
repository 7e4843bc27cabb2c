//! Other gateways, where they install from PyPI.
//!
//! Owns how they are installed, configured and started; each is given what its documentation asks
//! for, no database, and the same upstream. Where one cannot be had, its rows say why.

use std::{path::Path, process::Command};

use tokio::time::Duration;

use crate::{
    Failure,
    server::{KEY, Programs, Server},
};

/// LiteLLM's proxy takes a while to import itself.
const PATIENCE: Duration = Duration::from_secs(60);

const TENSORZERO: &str = r#"
import sys, threading
import tensorzero
gateway = tensorzero._start_http_gateway(
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False)
print(str(gateway.base_url), flush=True)
threading.Event().wait()
"#;

/// Installs both into a virtual environment, unless they are there.
fn install(venv: &Path) -> Result<(), Failure> {
    let python = venv.join("bin/python");
    if !python.exists() {
        Command::new("python3").args(["-m", "venv"]).arg(venv).status()?;
    }
    for (module, packages) in
        [("litellm.proxy.proxy_server", &["litellm[proxy]", "boto3"][..]), ("tensorzero", &["tensorzero"])]
    {
        let there = Command::new(&python)
            .args(["-c", &format!("import {module}")])
            .output()
            .is_ok_and(|output| output.status.success());
        if !there {
            eprintln!("installing {}", packages.join(" "));
            Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(packages).status()?;
        }
    }
    Ok(())
}

fn free_port() -> Result<u16, Failure> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A gateway that runs, or why it does not.
pub(crate) type Peer = Result<Server, String>;

/// Starts both. Each is answering when this returns.
pub(crate) async fn start(venv: &Path, programs: &Programs, upstream: &str) -> (Peer, Peer) {
    let said = |failure: Failure| failure.to_string();
    if let Err(failure) = install(venv) {
        let why = format!("not installed: {failure}");
        return (Err(why.clone()), Err(why));
    }
    (litellm(venv, programs, upstream).await.map_err(said), tensorzero(venv, programs, upstream).await.map_err(said))
}

async fn litellm(venv: &Path, programs: &Programs, upstream: &str) -> Result<Server, Failure> {
    let config = programs.scratch.join("litellm.yaml");
    std::fs::write(&config, crate::server::litellm_config(upstream))?;
    let port = free_port()?;
    let mut command = Command::new(venv.join("bin/litellm"));
    command.args([
        "--host",
        "127.0.0.1",
        "--port",
        &port.to_string(),
        "--num_workers",
        "1",
        "--telemetry",
        "False",
        "--config",
    ]);
    command.arg(&config).env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env("LITELLM_LOG", "ERROR");
    let mut server = Server::at(&mut command, format!("http://127.0.0.1:{port}"))?;
    let body = sagewire_benches::bodies::chat("chat", false);
    server.first_answer("/v1/chat/completions", &body, PATIENCE).await?;
    Ok(server)
}

async fn tensorzero(venv: &Path, programs: &Programs, upstream: &str) -> Result<Server, Failure> {
    let config = programs.scratch.join("tensorzero.toml");
    std::fs::write(
        &config,
        format!(
            "[gateway]\nobservability.enabled = false\n\n[models.chat]\nrouting = [\"upstream\"]\n\n[models.chat.providers.upstream]\n\
             type = \"openai\"\nmodel_name = \"tiny\"\napi_base = \"{upstream}/v1/\"\napi_key_location = \"none\"\n"
        ),
    )?;
    let script = programs.scratch.join("tensorzero_gateway.py");
    std::fs::write(&script, TENSORZERO)?;
    let mut command = Command::new(venv.join("bin/python"));
    command.arg(&script).arg(&config).env("OPENAI_API_KEY", KEY);
    let mut server = Server::announced(&mut command)?;
    // It prints the address that OpenAI's client is to use, which has a path.
    let host = server.url.trim_start_matches("http://").split('/').next().unwrap_or_default();
    server.url = format!("http://{host}");
    let body = sagewire_benches::bodies::chat(TENSORZERO_MODEL, false);
    server.first_answer(TENSORZERO_PATH, &body, PATIENCE).await?;
    Ok(server)
}

/// How TensorZero's OpenAI-compatible route names a model.
pub(crate) const TENSORZERO_MODEL: &str = "tensorzero::model_name::chat";

/// That route.
pub(crate) const TENSORZERO_PATH: &str = "/openai/v1/chat/completions";
