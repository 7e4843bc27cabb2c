//! Other gateways, where they install from PyPI.
//!
//! Owns how they are installed, configured and started; each is given what its documentation asks
//! for, no database, and the same upstream. Where one cannot be had, its rows say why.

use std::{path::Path, process::Command};

use tokio::time::Duration;

use crate::{
    Failure,
    results::Subject,
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

/// What PyPI has of each: the module that shows that it is there, and its packages.
fn packages(peer: Subject) -> (&'static str, &'static [&'static str]) {
    match peer {
        Subject::Smg => ("smg", &["smg==1.13.0"]),
        Subject::VllmRouter => ("vllm_router", &["vllm-router==0.1.17"]),
        Subject::TensorZero => ("tensorzero", &["tensorzero==2026.6.0"]),
        // The proxy of later versions needs a package that PyPI does not have.
        _ => ("litellm.proxy.proxy_server", &["litellm[proxy]==1.108.7", "boto3"]),
    }
}

/// Installs it into a virtual environment, unless it is there.
fn install(venv: &Path, peer: Subject) -> Result<(), Failure> {
    let python = venv.join("bin/python");
    if !python.exists() {
        Command::new("python3").args(["-m", "venv"]).arg(venv).status()?;
    }
    let (module, packages) = packages(peer);
    let import = || Command::new(&python).args(["-c", &format!("import {module}")]).output();
    if !import()?.status.success() {
        eprintln!("installing {}", packages.join(" "));
        Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(packages).status()?;
    }
    if import()?.status.success() { Ok(()) } else { Err("not installed".into()) }
}

fn free_port() -> Result<u16, Failure> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Starts one of them. It is answering when this returns.
pub(crate) async fn start(peer: Subject, venv: &Path, programs: &Programs, upstream: &str) -> Result<Server, Failure> {
    install(venv, peer)?;
    match peer {
        Subject::Smg => worker_router(venv, &["smg", "launch"], upstream).await,
        Subject::VllmRouter => worker_router(venv, &["vllm-router"], upstream).await,
        Subject::TensorZero => tensorzero(venv, programs, upstream).await,
        _ => litellm(venv, programs, upstream).await,
    }
}

/// A router of workers that speak OpenAI's API: the upstream is the only one.
async fn worker_router(venv: &Path, program: &[&str], upstream: &str) -> Result<Server, Failure> {
    let (port, metrics) = (free_port()?, free_port()?);
    let [name, arguments @ ..] = program else { return Err("no program".into()) };
    let mut command = Command::new(venv.join("bin").join(name));
    command.args(arguments).args(["--host", "127.0.0.1", "--port", &port.to_string(), "--worker-urls", upstream]);
    command.args(["--prometheus-port", &metrics.to_string(), "--policy", "round_robin"]);
    let mut server = Server::at(&mut command, format!("http://127.0.0.1:{port}"))?;
    let body = sagewire_benches::bodies::chat("chat", false);
    server.first_answer("/v1/chat/completions", &body, PATIENCE).await?;
    Ok(server)
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
