//! `sagewire emulate`: the stand-in for SageMaker Runtime, until it is interrupted.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use clap::{Args, ValueEnum};
use sagewire_emulator::{
    Account, Chaos, EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator, EmulatorBuilder, EmulatorError, Fault,
    Fixed, LONGEST_WAIT, ObjectStore, Parts,
};
use sagewire_proxy::shutdown_signal;

use self::format::Format;
use crate::{Failure, announce, serve::OTHER_PORT, terminal};

mod format;
mod log;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire emulate --port 8080
  sagewire emulate --endpoint my-endpoint=messages --key AKIDOTHER:secret
  sagewire emulate --container my-model=http://127.0.0.1:8081
  sagewire emulate --token-delay 50ms --fault throttling@0.1 --fault cut-at=200@0.05 --seed 7 --log
  sagewire emulate --port 8080 --print dotenv > .env
  sagewire emulate --control --endpoint my-endpoint=file:reply.json

The first line printed is the URL; the last ones are for a shell. With `--print`, only the variables are printed.
It ends with Ctrl-C or SIGTERM, and the exit code 0.")]
pub(crate) struct EmulateArguments {
    /// The port to listen on; 0 for any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The address to listen on; its keys are well known, so anyone who reaches it can use it
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// A running container, which answers `/invocations`, `/ping` and the routes of `route=`, and
    /// the name of its endpoint. Repeatable
    #[arg(long = "container", value_name = "NAME=URL")]
    containers: Vec<String>,
    /// One more key pair that is accepted, as `id:secret`, or `id:secret:token` for temporary keys.
    /// Repeatable
    #[arg(long = "key", value_name = "ID:SECRET[:TOKEN]")]
    keys: Vec<String>,
    /// One more endpoint with a built-in container (`name=tgi`, `lmi`, `vllm`, `embedding`,
    /// `rerank`, `cohere-rerank`, `pooling`, `transcription`, `speech-recognition`, `omni`, `toolkit`, `agent`, `native-agent`, `text-agent` or `echo`), or with the
    /// answer in a file (`name=file:reply.json`). Repeatable
    #[arg(long = "endpoint", value_name = "NAME=CONTAINER")]
    endpoints: Vec<String>,
    /// A JSON file with the resources of an account, as AWS describes them: its endpoints are
    /// served and described
    #[arg(long, value_name = "FILE")]
    account: Option<std::path::PathBuf>,
    /// An inference component of an endpoint, which then refuses calls that do not name one of its
    /// components. Repeatable
    #[arg(long = "component", value_name = "ENDPOINT/NAME")]
    components: Vec<String>,
    /// Opens the control port: scripts, faults and the log of requests over HTTP, under
    /// `/_sagewire/`
    #[arg(long)]
    control: bool,
    /// Opens the control port to anyone who sends this token
    #[arg(long, value_name = "TOKEN", conflicts_with = "control")]
    control_token: Option<String>,
    /// Where asynchronous calls read their inputs and put their outcomes: a folder, or the URL of
    /// an S3 such as moto's
    #[arg(long, value_name = "FOLDER|URL")]
    s3: Option<String>,
    /// The place of the outcomes of asynchronous calls: `-outputs/` and `-failures/` follow it
    #[arg(long, value_name = "S3_URI", requires = "s3")]
    async_output: Option<String>,
    /// Where the parts of a streamed answer end
    #[arg(long, value_enum, default_value_t = Borders::Awkward)]
    parts: Borders,
    /// The wait before each part of a stream, such as 50ms
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    token_delay: Option<Duration>,
    /// The wait before each answer, such as 200ms
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    latency: Option<Duration>,
    /// A fault of the answers, such as `throttling`, `cut-at=200` or `stall=2s`, for this share of
    /// the requests. Repeatable
    #[arg(long = "fault", value_name = "NAME[=VALUE][@RATE]", value_parser = fault)]
    faults: Vec<(Fault, f64)>,
    /// The seed that decides which requests meet a fault
    #[arg(long, default_value_t = 0, requires = "faults")]
    seed: u64,
    /// The limit of a request's body in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 6_291_456)]
    max_body_bytes: usize,
    /// Writes a line to standard error for each request; with `bodies`, its body too
    #[arg(long, value_name = "WHAT", num_args = 0..=1, default_missing_value = "requests")]
    log: Option<LogDetail>,
    /// Prints only the variables for AWS clients, in this format
    #[arg(long, value_name = "FORMAT")]
    print: Option<Format>,
}

/// Where the parts of a streamed answer end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Borders {
    /// Inside characters and events, as SageMaker may cut them
    Awkward,
    /// Behind each event
    Events,
}

/// How much of each request is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogDetail {
    Requests,
    Bodies,
}

/// A duration such as `50ms`, `2s` or `1m 30s`.
fn duration(text: &str) -> Result<Duration, String> {
    let duration = text.parse::<jiff::SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    duration
        .filter(|duration| *duration <= LONGEST_WAIT)
        .ok_or_else(|| "expected a duration of at most an hour, such as 50ms or 2s".to_owned())
}

/// `name`, `name=value`, `name@rate` or `name=value@rate`. Without a rate, every request meets the
/// fault.
fn fault(text: &str) -> Result<(Fault, f64), String> {
    let (fault, rate) = match text.rsplit_once('@').and_then(|(fault, rate)| Some((fault, rate.parse().ok()?))) {
        Some((fault, rate)) => (fault, rate),
        None => (text, 1.0),
    };
    if !(0.0..=1.0).contains(&rate) {
        return Err(format!("invalid rate {rate}: expected a number from 0 to 1"));
    }
    Ok((fault.parse::<Fault>().map_err(|error| error.to_string())?, rate))
}

pub(crate) async fn run(arguments: EmulateArguments) -> Result<(), Failure> {
    let emulator = builder(&arguments)?.start().await.map_err(|error| match error {
        EmulatorError::Listen { .. } => Failure::usage(error).with_hint(OTHER_PORT),
        error => Failure::usage(error),
    })?;
    match arguments.print {
        Some(format) => announce::line(format.text(&emulator)),
        None => {
            announce::line(emulator.url());
            announce::line(format!("endpoints: {}", emulator.endpoints().join(", ")));
            announce::line(format!(
                "keys: {EXAMPLE_ACCESS_KEY_ID} / {EXAMPLE_SECRET_ACCESS_KEY} (AWS's documented example)"
            ));
            announce::line(format!("Try it with any AWS client:\n\n{}", emulator.exports()));
        }
    }
    if !arguments.host.is_loopback() {
        let address = emulator.addr();
        terminal::warn(format_args!("anyone who reaches {address} can use the emulator: its keys are well known"));
    }
    for (name, _) in arguments.containers.iter().filter_map(|container| container.split_once('=')) {
        match emulator.ping(name).await {
            Ok(()) if arguments.print.is_none() => announce::line(format!("the container of `{name}` answers /ping")),
            Ok(()) => {}
            Err(why) => {
                terminal::note(None, format_args!("the container of `{name}` does not answer /ping yet: {why}"));
            }
        }
    }
    shutdown_signal().await;
    emulator.shutdown().await;
    Ok(())
}

fn builder(arguments: &EmulateArguments) -> Result<EmulatorBuilder, Failure> {
    let pace = arguments.token_delay.unwrap_or_default();
    let mut builder = Emulator::builder()
        .host(arguments.host)
        .port(arguments.port)
        .parts(match arguments.parts {
            Borders::Awkward => Parts::Awkward,
            Borders::Events => Parts::Events,
        })
        .pace(pace)
        .latency(arguments.latency.unwrap_or_default())
        .max_body_bytes(arguments.max_body_bytes);
    for key in &arguments.keys {
        builder = match key.splitn(3, ':').collect::<Vec<_>>().as_slice() {
            [id, secret] => builder.credentials(*id, *secret),
            [id, secret, token] => builder.session(*id, *secret, *token),
            _ => return Err(Failure::usage("invalid `--key`: expected `id:secret` or `id:secret:token`")),
        };
    }
    for endpoint in &arguments.endpoints {
        let Some((name, container)) = endpoint.split_once('=') else {
            return Err(Failure::usage(format!("invalid `--endpoint {endpoint}`: expected `name=container`")));
        };
        builder = match container.strip_prefix("file:") {
            Some(path) => {
                let fixed =
                    Fixed::from_file(path).map_err(|error| Failure::usage(format!("cannot read `{path}`: {error}")))?;
                builder.endpoint(name, fixed)
            }
            None => builder.built_in(name, container),
        };
    }
    for container in &arguments.containers {
        let Some((name, url)) = container.split_once('=').filter(|(name, _)| !name.contains(':')) else {
            return Err(Failure::usage(format!("invalid `--container {container}`: expected `name=url`")));
        };
        builder = builder.forward(name, url);
    }
    if let Some(path) = &arguments.account {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read `{}`: {error}", path.display())))?;
        builder = builder.account(Account::from_json(&text).map_err(Failure::usage)?);
    }
    for component in &arguments.components {
        let Some((endpoint, name)) = component.split_once('/') else {
            return Err(Failure::usage(format!("invalid `--component {component}`: expected `endpoint/name`")));
        };
        builder = builder.inference_component(endpoint, name);
    }
    if let Some(place) = &arguments.s3 {
        builder = builder.object_store(object_store(place)?);
    }
    if let Some(location) = &arguments.async_output {
        builder = builder.async_output(location);
    }
    if arguments.control {
        builder = builder.control();
    }
    if let Some(token) = &arguments.control_token {
        builder = builder.control_with_token(token);
    }
    if !arguments.faults.is_empty() {
        builder = builder.chaos(Chaos::seeded(arguments.seed).rated(arguments.faults.iter().cloned()));
    }
    if let Some(log) = arguments.log {
        builder = builder.observe(move |request| terminal::note(None, log::line(request, log == LogDetail::Bodies)));
    }
    Ok(builder)
}

/// A folder, which need not exist yet, or the URL of an S3.
fn object_store(place: &str) -> Result<ObjectStore, Failure> {
    if let Ok(url) = place.parse::<url::Url>()
        && place.contains("://")
    {
        if url.scheme() != "http" || url.query().is_some() || url.fragment().is_some() {
            return Err(Failure::usage(format!(
                "invalid `--s3 {place}`: expected a folder or a URL such as http://127.0.0.1:5000"
            )));
        }
        return Ok(ObjectStore::s3(place, EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY));
    }
    if place.is_empty() || std::path::Path::new(place).is_file() {
        return Err(Failure::usage(format!("invalid `--s3 {place}`: it is not a folder")));
    }
    Ok(ObjectStore::folder(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_have_values_and_rates() {
        assert_eq!(fault("cut-at=40@0.25").unwrap(), (Fault::CutAt(40), 0.25));
        assert_eq!(fault("empty-parts").unwrap(), (Fault::EmptyParts, 1.0));
        let redirect = Fault::Redirect("http://me@host".to_owned());
        assert_eq!(fault("redirect=http://me@host").unwrap(), (redirect, 1.0));
        assert!(fault("empty-parts@2").unwrap_err().contains("from 0 to 1"));
        assert!(fault("nothing").unwrap_err().contains("unknown fault"));
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("50ms").unwrap(), Duration::from_millis(50));
        for text in ["50", "soon", "-1s", "61m", "99999999999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
