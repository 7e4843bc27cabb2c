//! `sagewire serve`: the OpenAI-compatible proxy, from LiteLLM's `config.yaml`, for models named on
//! the command line, or over the emulator.

use std::{
    future::{Future as _, poll_fn},
    net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs},
    path::PathBuf,
    pin::pin,
    sync::Arc,
    task::Poll,
};

use clap::Args;
use sagewire::{SageMaker, credentials::seam::World};
use sagewire_proxy::{
    Config, Discoverer, LogFormat, LogSettings, Reloader, Server, ServerError, ServerOptions, Wiring, Workers,
    config::{Mode, Reading},
    init_logs, shutdown_signal,
};
use serde_json::json;

use crate::{Failure, announce::say, interrupt, open_files};

/// What helps if an address cannot be listened on.
pub(crate) const OTHER_PORT: &str =
    "choose another port with `--port`; 0 takes any free one, and the first line printed shows it";

/// LiteLLM's port.
const DEFAULT_PORT: u16 = 4000;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire serve --config config.yaml
  sagewire serve --model sagemaker/my-endpoint
  sagewire serve --demo --port 4000

Then:
  curl http://127.0.0.1:4000/v1/chat/completions -H 'content-type: application/json' \\
    -d '{\"model\": \"messages\", \"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}], \"stream\": true}'

The file is read again when it changes, and on SIGHUP. SIGTERM and Ctrl-C let requests in flight finish; a second Ctrl-C ends at once.
RUST_LOG selects log lines, as in RUST_LOG=info,sagewire=debug.")]
pub(crate) struct ServeArguments {
    /// LiteLLM's configuration file
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Serves this model without a configuration file, as in `sagemaker/my-endpoint`. Repeatable
    #[arg(long, short, value_name = "MODEL", conflicts_with = "config")]
    model: Vec<String>,
    /// Serves the models `tgi`, `messages` and `embedding` of an embedded emulator, without a key
    #[cfg(feature = "emulator")]
    #[arg(long, conflicts_with_all = ["config", "model"])]
    demo: bool,
    /// The address to listen on: an IP address or a name such as `localhost` [default: all
    /// addresses if a key is set, else 127.0.0.1]
    #[arg(long, value_parser = host)]
    host: Option<IpAddr>,
    /// The port to listen on; 0 for any free one
    #[arg(long, default_value_t = DEFAULT_PORT)]
    port: u16,
    /// Accepts calls without a key from other machines
    #[arg(long)]
    permit_no_key: bool,
    /// Logs debug lines too: every attempt of a call, without prompts and answers
    #[arg(long)]
    debug: bool,
}

/// An address, or a name that has one. IPv4 comes first, as clients try it for `localhost`.
fn host(text: &str) -> Result<IpAddr, String> {
    let invalid = || "expected an IP address, or a name that resolves to one".to_owned();
    let mut addresses: Vec<IpAddr> = match text.parse() {
        Ok(address) => vec![address],
        Err(_) => (text, 0).to_socket_addrs().map_err(|_| invalid())?.map(|address| address.ip()).collect(),
    };
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.first().copied().ok_or_else(invalid)
}

pub(crate) async fn run(arguments: ServeArguments) -> Result<(), Failure> {
    open_files::raise_limit();
    let world = World::system();
    #[cfg(feature = "emulator")]
    let emulator = if arguments.demo { Some(crate::demo::emulator().await?) } else { None };
    #[cfg(feature = "emulator")]
    let demo = emulator.as_ref().map(|emulator| demo_config(&emulator.url()));
    #[cfg(not(feature = "emulator"))]
    let demo: Option<String> = None;

    let environment = |name: &str| world.var(name);
    let reading = match (demo, &arguments.config) {
        (Some(demo), _) => Reading::of_yaml(&demo, &environment),
        (None, Some(path)) => Reading::of_file(path, &environment),
        (None, None) if arguments.model.is_empty() => {
            let demo = if cfg!(feature = "emulator") { ", `--model MODEL` or `--demo`" } else { " or `--model MODEL`" };
            return Err(Failure::usage("nothing to serve").with_hint(format!("use `--config FILE`{demo}")));
        }
        (None, None) => Reading::of_yaml(&models_config(&arguments.model)?, &environment),
    }
    .map_err(Failure::usage)?;
    let mut logs = LogSettings::from_config(&reading.config);
    if arguments.debug {
        logs = logs.verbose();
    }
    let logs = logs.with_filter(world.var("RUST_LOG"));
    let wiring = Wiring::new(world.clone());
    // Before the log is written: what it finds has its place in the file then.
    let reading = wiring.checked(reading).await;
    // The lines that wait are written when it is dropped.
    let _guard = init_logs(&logs).map_err(Failure::usage)?;
    for warning in &reading.warnings {
        tracing::warn!(target: "sagewire::config", "{warning}");
    }
    let outcome = match reading.finish() {
        Ok((config, _)) => serve(arguments, &config, world, wiring).await,
        Err(error) => Err(Failure::usage(error)),
    };
    #[cfg(feature = "emulator")]
    if let Some(emulator) = emulator {
        emulator.shutdown().await;
    }
    match outcome {
        // A stream of JSON lines holds nothing else.
        Err(failure) if logs.format == LogFormat::Json => Err(failure.logged()),
        outcome => outcome,
    }
}

async fn serve(arguments: ServeArguments, config: &Config, world: World, wiring: Wiring) -> Result<(), Failure> {
    #[cfg(feature = "otlp")]
    let (wiring, exporter) = with_exporter(wiring, config, &|name| world.var(name))?;
    let wiring = Arc::new(wiring);
    let app = wiring.app(config, None).map_err(Failure::usage)?;
    let has_key = app.asks_for_key();
    let default_host = if has_key { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
    let address = SocketAddr::new(arguments.host.unwrap_or(IpAddr::V4(default_host)), arguments.port);
    let mut options = ServerOptions::from_config(config);
    options.permit_no_key |= arguments.permit_no_key;
    let workers = Workers::by_processors().map_err(Failure::work)?;
    let server = Server::bind(address, app, options).await.map_err(|error| match error {
        ServerError::Bind { .. } => Failure::usage(error).with_hint(OTHER_PORT),
        error => Failure::usage(error),
    })?;
    let server = server.with_workers(workers);
    #[cfg(feature = "otlp")]
    let exporter = match exporter {
        Some(exporter) => Some(exporter.with_metrics(server.handle()).map_err(Failure::usage)?),
        None => None,
    };
    wiring.connect().await;
    let handle = server.handle();
    let mut discoverer = Discoverer::new(Arc::clone(&wiring), handle.clone());
    discoverer.start().await;
    introduce(config, server.local_addr(), has_key);
    if config.sagewire_settings.discover.is_some() {
        let found = handle.app().found_models().count();
        say!("models found in the account: {found}");
    }
    let serving = server.serve(shutdown_signal());
    let keeper = Arc::clone(&wiring);
    let reloading = async {
        match arguments.config {
            Some(path) => Reloader::new(path, world, wiring, handle).run().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = serving => {}
        () = reloading => {}
        () = keeper.keep() => {}
        () = discoverer.run() => {}
        () = impatient() => return Err(Failure::interrupted()),
    }
    keeper.finish().await;
    #[cfg(feature = "otlp")]
    if let Some(exporter) = exporter {
        exporter.flush().await;
    }
    Ok(())
}

/// Ends with a Ctrl-C after the signal that lets requests finish.
async fn impatient() {
    shutdown_signal().await;
    let mut second = pin!(interrupt::ctrl_c());
    // It listens from its first poll on: a signal right after the announcement must not be missed.
    if poll_fn(|cx| Poll::Ready(second.as_mut().poll(cx).is_ready())).await {
        return;
    }
    say!("stopping after the requests in flight; Ctrl-C ends at once");
    second.await;
}

/// Prints the URL, the models and a call to paste.
fn introduce(config: &Config, address: SocketAddr, has_key: bool) {
    let scheme = if config.sagewire_settings.tls.is_some() { "https" } else { "http" };
    say!("{scheme}://{address}");
    say!("models: {}", model_names(config));
    if !has_key {
        say!("no key is set: anyone who reaches this address can call it (set `general_settings.master_key`)");
    }
    // An address that stands for all of them cannot be called.
    let host = if address.ip().is_unspecified() {
        "localhost".to_owned()
    } else {
        SocketAddr::new(address.ip(), 0).to_string()
    };
    let host = host.trim_end_matches(":0");
    let url = format!("{scheme}://{host}:{}/v1", address.port());
    say!("\nOpenAI clients: base URL {url}");
    if let Some(call) = example_call(config, &url, has_key) {
        say!("{call}");
    }
}

/// A call of the first model, for a POSIX shell.
fn example_call(config: &Config, url: &str, has_key: bool) -> Option<String> {
    let deployment = config.deployments.first()?;
    let name = &deployment.model_name;
    let (path, body) = match deployment.mode {
        Some(Mode::Embedding) => ("embeddings", json!({"model": name, "input": "Hello"})),
        Some(Mode::Rerank) => ("rerank", json!({"model": name, "query": "Hello", "documents": ["Hello", "Goodbye"]})),
        _ => ("chat/completions", json!({"model": name, "messages": [{"role": "user", "content": "Hello"}]})),
    };
    let key = if has_key { " -H \"authorization: Bearer $KEY\"" } else { "" };
    let body = body.to_string().replace('\'', r"'\''");
    Some(format!("  curl {url}/{path}{key} -H 'content-type: application/json' -d '{body}'"))
}

/// Sends spans if the configuration or OpenTelemetry's variables name a collector.
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
    let wiring = match exporter.sink() {
        Some(sink) => wiring.with_spans(sink),
        None => wiring,
    };
    Ok((wiring, Some(exporter)))
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

/// The configuration of models that are named on the command line. JSON is YAML too.
fn models_config(models: &[String]) -> Result<String, Failure> {
    let mut deployments = Vec::new();
    for model in models {
        if !model.split_once('/').is_some_and(|(prefix, _)| SageMaker::PREFIXES.contains(&prefix)) {
            let what =
                format!("unsupported model `{model}` in `--model`; expected one such as `sagemaker/my-endpoint`");
            return Err(Failure::usage(what));
        }
        deployments.push(json!({"model_name": model, "litellm_params": {"model": model}}));
    }
    Ok(json!({"model_list": deployments}).to_string())
}

#[cfg(feature = "emulator")]
fn demo_config(url: &str) -> String {
    use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY};
    use serde_json::{Map, Value};

    let deployment = |name: &str, mode: &str, params: Value| {
        let connection = json!({
            "sagemaker_base_url": url,
            "aws_region_name": "us-east-1",
            "aws_access_key_id": EXAMPLE_ACCESS_KEY_ID,
            "aws_secret_access_key": EXAMPLE_SECRET_ACCESS_KEY,
        });
        let params: Map<_, _> =
            [params, connection].into_iter().filter_map(|value| value.as_object().cloned()).flatten().collect();
        json!({"model_name": name, "litellm_params": params, "model_info": {"mode": mode}})
    };
    let text = json!({"model": "sagemaker/tgi", "hf_model_name": "meta-llama/Llama-3.1-8B-Instruct"});
    json!({"model_list": [
        deployment("messages", "chat", json!({"model": "sagemaker_chat/messages"})),
        deployment("tgi", "chat", text),
        deployment("embedding", "embedding", json!({"model": "sagemaker/embedding"})),
        deployment("reranker", "rerank", json!({"model": "sagemaker/reranker"})),
    ]})
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(yaml: &str) -> Config {
        Config::from_yaml(yaml, &|_| None).unwrap().0
    }

    #[test]
    fn a_host_is_an_address_or_a_name() {
        assert_eq!(host("0.0.0.0").unwrap(), Ipv4Addr::UNSPECIFIED);
        assert_eq!(host("::1").unwrap().to_string(), "::1");
        assert!(host("localhost").unwrap().is_loopback());
        assert!(host("").is_err());
    }

    #[test]
    fn models_of_the_command_line_are_served_under_their_names() {
        let models = ["sagemaker/my-endpoint".to_owned(), "sagemaker_chat/other".to_owned()];
        let config = config(&models_config(&models).unwrap());
        assert_eq!(model_names(&config), "sagemaker/my-endpoint, sagemaker_chat/other");
        assert_eq!(config.deployments[0].model.to_string(), "sagemaker/my-endpoint");
        assert!(models_config(&["bedrock/m".to_owned()]).is_err());
    }

    #[test]
    fn the_call_to_paste_fits_the_first_model_and_its_name() {
        let yaml = |name: &str, mode: &str| {
            let deployment = json!({
                "model_name": name, "litellm_params": {"model": "sagemaker/x"}, "model_info": {"mode": mode}
            });
            json!({"model_list": [deployment]}).to_string()
        };
        let call = |name, mode, key| example_call(&config(&yaml(name, mode)), "http://h:1/v1", key).unwrap();
        assert_eq!(
            call("m", "chat", false),
            r#"  curl http://h:1/v1/chat/completions -H 'content-type: application/json' -d '{"model":"m","messages":[{"role":"user","content":"Hello"}]}'"#
        );
        let embedding = call("it's", "embedding", true);
        assert!(embedding.contains(r#"/v1/embeddings -H "authorization: Bearer $KEY" "#), "{embedding}");
        assert!(embedding.ends_with(r#"-d '{"model":"it'\''s","input":"Hello"}'"#), "{embedding}");
    }
}
