//! The proxy and the library beside a bare forwarder and other gateways, in one run, as a page.
//!
//! `cargo run --profile dist -p sagewire-benches --bin compare` builds what it measures and writes
//! `docs/performance.md`.
//!
//! - `--quick`: one short round, to see that everything works
//! - `--peers FOLDER`: other gateways too (SMG, vllm-router, TensorZero's, LiteLLM's proxy), in this
//!   Python environment, which is made where it is not there
//! - `--guided`: the proxy as the image has it, built by what a first build counted (see `guided`),
//!   and the plain one beside it
//! - `--cold-build`: times a cold build of the facade and of AWS's SDK
//! - `--no-build`: measures what was built before
//! - `--force`: measures on a busy machine, and says so in the report
//! - `--out FILE`: writes there instead
#![expect(clippy::print_stderr, reason = "a program says what it is doing")]

use std::path::{Path, PathBuf};

use bars::Sizes;
use measure::{Bench, Plan, cold_builds};
use oha::Oha;
use results::{Results, Subject};
use sagewire_benches::bodies;
use server::{Programs, SIGNING, Server};
use tokio::time::Duration;

mod bars;
mod machine;
mod measure;
mod oha;
mod peers;
mod report;
mod results;
mod server;

type Failure = Box<dyn std::error::Error>;

#[derive(Debug, Default)]
struct Arguments {
    quick: bool,
    peers: Option<PathBuf>,
    guided: bool,
    cold_build: bool,
    no_build: bool,
    force: bool,
    out: Option<PathBuf>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut arguments = Self::default();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => arguments.quick = true,
                "--guided" => arguments.guided = true,
                "--cold-build" => arguments.cold_build = true,
                "--no-build" => arguments.no_build = true,
                "--force" => arguments.force = true,
                "--peers" => {
                    arguments.peers = Some(words.next().ok_or("missing value for `--peers`: pass a folder")?.into());
                }
                "--out" => arguments.out = Some(words.next().ok_or("missing value for `--out`: pass a file")?.into()),
                other => return Err(format!("unknown option `{other}`: see the first lines of this program").into()),
            }
        }
        Ok(arguments)
    }
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no workspace")?;
    std::env::set_current_dir(root)?;
    if !arguments.no_build {
        Programs::build(arguments.guided)?;
    }
    let programs = Programs::find(arguments.guided)?;
    let oha = Oha::find(&root.join("target"))?;
    let plan = if arguments.quick { Plan::QUICK } else { Plan::FULL };
    let mut bench = Bench { plan, oha, programs, servers: Vec::new(), results: Results::default() };
    start(&mut bench, arguments).await?;
    let busy = machine::wait_until_quiet().await.err();
    match (busy, arguments.force) {
        (Some(busy), false) => return Err(busy),
        (Some(_), true) => bench.results.others = 1.0,
        (None, _) => {}
    }
    measure(&mut bench).await?;
    let others = bench.results.others;
    let spoiled = machine::is_busy(others);
    if spoiled && !arguments.force {
        let share = others * 100.0;
        return Err(format!(
            "others took up to {share:.0} % of the machine during the measurement: no report is written"
        )
        .into());
    }
    let binary = std::fs::metadata(&bench.programs.sagewire)?.len() as f64 / 1e6;
    let sizes = Sizes {
        binary_mb: Some(binary),
        crates: machine::crates_of("sagewire").ok(),
        cold: if arguments.cold_build { Some(cold_builds(&bench.programs.scratch)?) } else { None },
        signing: signing(),
    };
    let notes = std::fs::read_to_string(root.join("benches/notes.md"))?;
    let page = report::page(&bench.results, &sizes, plan, spoiled.then_some(others), &notes);
    let out = arguments.out.clone().unwrap_or_else(|| root.join("docs/performance.md"));
    std::fs::write(&out, page)?;
    eprintln!("written: {}", out.display());
    Ok(())
}

async fn start(bench: &mut Bench, arguments: &Arguments) -> Result<(), Failure> {
    let upstream = Server::announced(&mut bench.programs.command("upstream"))?;
    let url = upstream.url.clone();
    let forwarder = Server::announced(bench.programs.command("forwarder").arg(&url))?;
    bench.servers = vec![(Subject::Upstream, upstream), (Subject::Forwarder, forwarder)];
    for subject in bench.programs.proxies() {
        let mut sagewire = Server::announced(&mut bench.programs.proxy(subject, &url)?)?;
        sagewire.first_answer("/v1/chat/completions", &bodies::chat("chat", false), Duration::from_secs(10)).await?;
        bench.servers.push((subject, sagewire));
    }
    let mut limited = Server::announced(&mut bench.programs.limited(&url)?)?;
    limited.first_answer("/v1/chat/completions", &bodies::chat("chat", false), Duration::from_secs(10)).await?;
    bench.servers.push((Subject::Limited, limited));
    for subject in Subject::PEERS {
        let started = match &arguments.peers {
            Some(venv) => peers::start(subject, venv, &bench.programs, &url).await,
            None => Err("without `--peers`".into()),
        };
        match started {
            Ok(server) => bench.servers.push((subject, server)),
            Err(why) => bench.results.missing.push((subject, why.to_string())),
        }
    }
    Ok(())
}

async fn measure(bench: &mut Bench) -> Result<(), Failure> {
    eprintln!("starts and memory");
    bench.starts().await?;
    bench.open_streams().await?;
    eprintln!("closed loops");
    bench.closed_loops()?;
    eprintln!("fixed rate");
    bench.fixed_rate()?;
    eprintln!("first tokens");
    bench.first_tokens().await?;
    eprintln!("slower upstreams");
    bench.delays().await?;
    eprintln!("growth");
    bench.growth()?;
    eprintln!("library");
    bench.library()
}

/// The share of `aws-sigv4`'s time that a signature of 1 KiB takes, and both times, as the signer's
/// own bench prints them.
fn signing() -> Option<(f64, String)> {
    eprintln!("signing");
    let output = std::process::Command::new("cargo").args(SIGNING).args(["--", "--quick"]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (times, share) = text.lines().find_map(|line| line.strip_prefix("1 KiB: "))?.split_once(", ratio ")?;
    Some((share.trim().parse().ok()?, times.to_owned()))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    run(&arguments).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_unknown_ones_refused() {
        let parse = |line: &str| Arguments::parse(line.split_whitespace().map(str::to_owned));
        let arguments = parse("--quick --guided --peers /tmp/venv --out x.md").unwrap();
        assert!(
            arguments.quick
                && arguments.guided
                && !arguments.force
                && arguments.peers.is_some()
                && arguments.out.is_some()
        );
        assert!(parse("--loud").is_err() && parse("--peers").is_err());
    }
}
