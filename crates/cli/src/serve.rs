//! `sagewire serve`: the OpenAI-compatible proxy, from LiteLLM's `config.yaml` or over the emulator.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use clap::Args;
use sagewire::credentials::seam::World;
use sagewire_proxy::{
    Config, LogSettings, Reloader, Server, ServerError, ServerOptions, Wiring, Workers, init_logs, shutdown_signal,
};

use crate::{Failure, announce, open_files};

/// What helps where an address cannot be listened on.
pub(crate) const OTHER_PORT: &str =
    "`--port` names another; with 0 it takes any free one, and the first line says which";

/// LiteLLM's port.
const DEFAULT_PORT: u16 = 4000;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire serve --config config.yaml
  sagewire serve --demo --port 4000

Then:
  curl http://127.0.0.1:4000/v1/chat/completions -H 'content-type: application/json' \\
    -d '{\"model\": \"messages\", \"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}], \"stream\": true}'

The file is read again when it changes, and on SIGHUP. SIGTERM and Ctrl-C let requests at work finish.")]
pub(crate) struct ServeArguments {
    /// LiteLLM's configuration file
    #[arg(long, short, value_name = "FILE")]
    #[cfg_attr(feature = "emulator", arg(required_unless_present = "demo"))]
    #[cfg_attr(not(feature = "emulator"), arg(required = true))]
    config: Option<PathBuf>,
    /// Serves the models `tgi`, `messages` and `embedding` of an embedded emulator, without a key
    #[cfg(feature = "emulator")]
    #[arg(long, conflicts_with = "config")]
    demo: bool,
    /// The address to listen on [default: every one with a key, 127.0.0.1 without]
    #[arg(long)]
    host: Option<IpAddr>,
    /// The port to listen on; 0 for any free one
    #[arg(long, default_value_t = DEFAULT_PORT)]
    port: u16,
    /// Lets anyone who reaches the machine call without a key
    #[arg(long)]
    permit_no_key: bool,
}

pub(crate) async fn run(arguments: ServeArguments) -> Result<(), Failure> {
    open_files::raise_limit();
    let world = World::system();
    #[cfg(feature = "emulator")]
    let emulator =
        if arguments.demo { Some(sagewire_emulator::Emulator::start().await.map_err(Failure::work)?) } else { None };
    #[cfg(feature = "emulator")]
    let demo = emulator.as_ref().map(|emulator| demo_config(&emulator.url()));
    #[cfg(not(feature = "emulator"))]
    let demo: Option<String> = None;

    let environment = |name: &str| world.var(name);
    let (config, warnings) = match (&demo, &arguments.config) {
        (Some(yaml), _) => Config::from_yaml(yaml, &environment).map_err(Failure::usage)?,
        (None, Some(path)) => Config::from_file(path, &environment).map_err(Failure::usage)?,
        (None, None) => return Err(Failure::usage("name the configuration with `--config`")),
    };
    init_logs(&LogSettings::from_config(&config)).map_err(Failure::usage)?;
    for warning in &warnings {
        eprintln!("warning: {warning}");
    }
    let wiring = Wiring::new(world.clone());
    #[cfg(feature = "otlp")]
    let (wiring, exporter) = with_exporter(wiring, &config, &environment)?;
    let wiring = Arc::new(wiring);
    let app = wiring.app(&config, None).map_err(Failure::usage)?;
    let has_key = app.asks_for_key();
    let default_host = if has_key { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
    let address = SocketAddr::new(arguments.host.unwrap_or(IpAddr::V4(default_host)), arguments.port);
    let mut options = ServerOptions::from_config(&config);
    options.permit_no_key |= arguments.permit_no_key;
    let workers = Workers::by_processors().map_err(Failure::work)?;
    let server = Server::bind(address, app, options).await.map_err(|error| match error {
        ServerError::Bind { .. } => Failure::usage(error).with_hint(OTHER_PORT),
        error => Failure::usage(error),
    })?;
    let server = server.with_workers(workers);
    #[cfg(feature = "otlp")]
    let exporter = exporter.map(|exporter| exporter.with_metrics(server.handle()));
    let scheme = if config.sagewire_settings.tls.is_some() { "https" } else { "http" };
    announce::line(format!("{scheme}://{}", server.local_addr()));
    announce::line(format!("models: {}", model_names(&config)));
    if !has_key {
        announce::line("no key is set: anyone who reaches this address can call (set `general_settings.master_key`)");
    }
    match arguments.config.filter(|_| demo.is_none()) {
        Some(path) => {
            let reloader = Reloader::new(path, world, wiring, server.handle());
            tokio::select! {
                () = server.serve(shutdown_signal()) => {}
                () = reloader.run() => {}
            }
        }
        None => {
            // It holds an end of the exporter's queue, which must close for the last spans to go out.
            drop(wiring);
            server.serve(shutdown_signal()).await;
        }
    }
    #[cfg(feature = "otlp")]
    if let Some(exporter) = exporter {
        exporter.flush().await;
    }
    #[cfg(feature = "emulator")]
    if let Some(emulator) = emulator {
        emulator.shutdown().await;
    }
    Ok(())
}

/// Sends spans where the configuration or OpenTelemetry's variables name a collector.
#[cfg(feature = "otlp")]
fn with_exporter(
    wiring: Wiring,
    config: &Config,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(Wiring, Option<sagewire_proxy::OtlpExporter>), Failure> {
    let Some(settings) = sagewire_proxy::OtlpSettings::from_config(config, environment) else {
        return Ok((wiring, None));
    };
    let exporter = sagewire_proxy::OtlpExporter::start(settings).map_err(Failure::usage)?;
    Ok((wiring.with_spans(exporter.sink()), Some(exporter)))
}

/// The names that callers use, each once, in the file's order.
pub(crate) fn model_names(config: &Config) -> String {
    let mut names: Vec<&str> = Vec::new();
    for deployment in &config.deployments {
        if !names.contains(&deployment.model_name.as_str()) {
            names.push(&deployment.model_name);
        }
    }
    names.join(", ")
}

#[cfg(feature = "emulator")]
fn demo_config(url: &str) -> String {
    use std::fmt::Write as _;

    use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY};

    let mut yaml = "model_list:\n".to_owned();
    for (name, model) in
        [("tgi", "sagemaker/tgi"), ("messages", "sagemaker_chat/messages"), ("embedding", "sagemaker/embedding")]
    {
        let _ = write!(
            yaml,
            "  - model_name: {name}\n    litellm_params:\n      model: {model}\n      sagemaker_base_url: {url}\n      aws_region_name: us-east-1\n      \
             aws_access_key_id: {EXAMPLE_ACCESS_KEY_ID}\n      aws_secret_access_key: {EXAMPLE_SECRET_ACCESS_KEY}\n"
        );
        if name == "embedding" {
            yaml.push_str("    model_info:\n      mode: embedding\n");
        }
    }
    yaml
}
