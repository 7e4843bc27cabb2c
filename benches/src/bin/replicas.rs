//! One, two and four proxies side by side, with limits that they share through a real Redis and with limits of each.
//!
//! `cargo run --release -p sagewire-benches --bin replicas` builds the proxy and the upstream as it was built itself, measures for about two minutes
//! and prints the table of `docs/replicas.md`. `--quick` measures for a moment, to see that everything works, and `--no-build`
//! measures what was built before. It needs `redis-server` or
//! `valkey-server` on the `PATH`, or by its path in `--redis PROGRAM`.
//!
//! The key and the deployment have limits that nobody reaches, in both cases: in memory, and in Redis. Every run of a round asks each
//! number of replicas once. Answers per second are of 16 connections over all replicas; latencies of one that asks them in turn.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program says what it is doing and what it measured")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use futures_util::future::try_join_all;
use sagewire_benches::{
    bodies,
    client::{Connection, post},
    config,
    process::memory_of,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Duration, Instant},
};

type Failure = Box<dyn std::error::Error>;

const REPLICAS: [usize; 3] = [1, 2, 4];
const CONNECTIONS: usize = 16;
const KEY: &str = "sk-bench";
const MASTER: &str = "sk-master";

/// How often, and how long at a time.
#[derive(Clone, Copy)]
struct Plan {
    rounds: usize,
    time: Duration,
}

/// A program that listens. It is killed when this is dropped.
struct Running {
    child: Child,
    /// Kept open: a program must not fail because nobody reads its second line.
    _said: BufReader<ChildStdout>,
    address: String,
}

impl Running {
    /// Starts a program and waits for a line that holds `sign`; the word of it that is a URL says where it listens.
    fn start(command: &mut Command, sign: &str) -> Result<Self, Failure> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut said = BufReader::new(child.stdout.take().ok_or("a program without an output")?);
        let mut line = String::new();
        while said.read_line(&mut line)? > 0 {
            if line.contains(sign) {
                let url = line.split_whitespace().find_map(|word| word.strip_prefix("http://"));
                let address = url.unwrap_or_default().trim_end_matches('/').to_owned();
                return Ok(Self { child, _said: said, address });
            }
            line.clear();
        }
        let ended = child.wait()?;
        Err(format!("{} ended with {ended}", command.get_program().display()).into())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is measured: so many replicas, which share their limits or do not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    replicas: usize,
    shared: bool,
}

/// Every sample of a case.
#[derive(Default)]
struct Samples {
    per_second: Vec<f64>,
    latencies: Vec<Duration>,
    /// Requests, and how often Redis was asked for them, in the background too.
    calls: usize,
    round_trips: f64,
    /// Resident memory of all proxies together, in MB, after the load.
    memory: f64,
}

impl Samples {
    fn median_per_second(&self) -> f64 {
        let mut all = self.per_second.clone();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or_default()
    }

    /// The latency that this share of all is not above, in milliseconds.
    fn latency(&self, share: f64) -> f64 {
        quantile(self.latencies.clone(), share)
    }
}

fn quantile(mut all: Vec<Duration>, share: f64) -> f64 {
    all.sort_unstable();
    let place = (all.len().saturating_sub(1) as f64 * share).round();
    all.get(place as usize).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// The folder of this program, where the others are built too, with the profile that it was built with.
fn folder() -> Result<PathBuf, Failure> {
    Ok(std::env::current_exe()?.parent().map(Path::to_owned).ok_or("this program has no folder")?)
}

fn build(folder: &Path) -> Result<(), Failure> {
    let profile =
        folder.file_name().and_then(|name| name.to_str()).map(|name| if name == "debug" { "dev" } else { name });
    let status = Command::new("cargo")
        .args(["build", "--locked", "--profile", profile.ok_or("this program's folder has no name")?])
        .args(["-p", "sagewire-cli", "-p", "sagewire-benches", "--bin", "sagewire", "--bin", "upstream"])
        .args(["--features", "sagewire-cli/redis"])
        .status()?;
    if status.success() { Ok(()) } else { Err("the build failed".into()) }
}

fn start_redis(program: &Path, scratch: &Path) -> Result<(Running, u16), Failure> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]).arg(scratch);
    Ok((Running::start(&mut command, "Ready to accept connections")?, port))
}

/// The first of these programs on the `PATH`.
fn on_path(names: &[&str]) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a measurement finds its programs as a shell does")]
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|file| file.is_file())
}

/// The same limits in both cases.
fn configuration(upstream: &str, redis: Option<u16>) -> String {
    const LIMITS: &str = "rpm: 1000000000, tpm: 1000000000000";
    let model = [("chat".to_owned(), "sagemaker_chat/chat", upstream)];
    let mut text = config::litellm(model, MASTER).replace(
        "      aws_region_name",
        "      rpm: 1000000000\n      tpm: 1000000000000\n      max_parallel_requests: 10000\n      aws_region_name",
    );
    if let Some(port) = redis {
        let _ = writeln!(text, "  coordination_redis: {{url: 'redis://127.0.0.1:{port}'}}");
    }
    let _ = writeln!(
        text,
        "sagewire_settings:\n  keys: [{{name: bench, key: {KEY}, {LIMITS}, token_budget: 1000000000000, budget_duration: 30d}}]"
    );
    text
}

fn start_proxies(folder: &Path, config: &Path, replicas: usize) -> Result<Vec<Running>, Failure> {
    let start = |_| {
        let mut command = Command::new(folder.join("sagewire"));
        command.args(["serve", "--port", "0", "--host", "127.0.0.1", "--config"]).arg(config);
        Running::start(&mut command, "http://")
    };
    (0..replicas).map(start).collect()
}

/// How often these proxies have asked Redis.
async fn round_trips(proxies: &[Running]) -> Result<f64, Failure> {
    let mut sum = 0.0;
    for proxy in proxies {
        let mut stream = TcpStream::connect(&proxy.address).await?;
        let asked = format!(
            "GET /metrics HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {MASTER}\r\nconnection: close\r\n\r\n",
            proxy.address
        );
        stream.write_all(asked.as_bytes()).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        let count = |line: &str| {
            line.strip_prefix("sagewire_redis_round_trips")?.rsplit(' ').next()?.trim().parse::<f64>().ok()
        };
        sum += text.lines().find_map(count).unwrap_or_default();
    }
    Ok(sum)
}

/// Asks one after the other until the time is over. Returns how long each answer took.
async fn ask_in_turn(proxies: &[&Running], time: Duration) -> Result<Vec<Duration>, Failure> {
    let mut connections = Vec::new();
    for proxy in proxies {
        let request = post(&proxy.address, "/v1/chat/completions", KEY, &bodies::chat("chat", false));
        connections.push((Connection::open(&proxy.address).await?, request));
    }
    let (began, mut took) = (Instant::now(), Vec::new());
    while began.elapsed() < time {
        for (connection, request) in &mut connections {
            let answer = connection.ask(request).await?;
            if answer.status != 200 {
                return Err(format!("status {}", answer.status).into());
            }
            took.push(answer.whole);
        }
    }
    Ok(took)
}

async fn measure(proxies: &[Running], plan: Plan, samples: &mut Samples) -> Result<(), Failure> {
    let all: Vec<&Running> = proxies.iter().collect();
    // The first calls connect.
    ask_in_turn(&all, plan.time / 10).await?;
    let before = round_trips(proxies).await?;
    let latencies = ask_in_turn(&all, plan.time).await?;
    let began = Instant::now();
    let each: Vec<[&Running; 1]> = proxies.iter().cycle().take(CONNECTIONS).map(|proxy| [proxy]).collect();
    let answers = try_join_all(each.iter().map(|proxy| ask_in_turn(proxy, plan.time))).await?;
    let answered: usize = answers.iter().map(Vec::len).sum();
    samples.per_second.push(answered as f64 / began.elapsed().as_secs_f64());
    samples.calls += answered + latencies.len();
    samples.latencies.extend(latencies);
    samples.round_trips += round_trips(proxies).await? - before;
    let memory = proxies.iter().map(|proxy| memory_of(proxy.child.id())).sum();
    samples.memory = samples.memory.max(memory);
    Ok(())
}

/// How long Redis itself takes to answer, in milliseconds: the median of many `PING`s.
async fn ping(port: u16) -> Result<f64, Failure> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (mut took, mut answer) = (Vec::new(), [0; 64]);
    for _ in 0..2000 {
        let asked = Instant::now();
        stream.write_all(b"PING\r\n").await?;
        if stream.read(&mut answer).await? == 0 {
            return Err("Redis has gone".into());
        }
        took.push(asked.elapsed());
    }
    Ok(quantile(took, 0.5))
}

/// The table, as the page has it.
fn table(cases: &BTreeMap<Case, Samples>) -> String {
    let mut text = String::from(
        "| replicas | answers/s without | with Redis | of without | p50 without | p50 added | p99 without | p99 added | questions to Redis per call | memory without | with Redis |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for replicas in REPLICAS {
        let of = |shared| cases.get(&Case { replicas, shared });
        let (Some(without), Some(with)) = (of(false), of(true)) else { continue };
        let (slow, fast) = (with.median_per_second(), without.median_per_second());
        let [(p50, p50_added), (p99, p99_added)] = [0.5, 0.99].map(|share| {
            let before = without.latency(share);
            (before, with.latency(share) - before)
        });
        let questions = with.round_trips / with.calls.max(1) as f64;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {replicas} | {fast:.0} | {slow:.0} | {:.2} | {p50:.3} ms | {p50_added:.3} ms | {p99:.3} ms | {p99_added:.3} ms | {questions:.2} | {:.0} MB | {:.0} MB |",
            slow / fast,
            without.memory,
            with.memory
        );
    }
    text
}

async fn run(plan: Plan, builds: bool, redis: &Path) -> Result<(), Failure> {
    let folder = folder()?;
    if builds {
        build(&folder)?;
    }
    let scratch = folder.join("replicas-scratch");
    std::fs::create_dir_all(&scratch)?;
    let upstream = Running::start(&mut Command::new(folder.join("upstream")), "http://")?;
    let (_redis, port) = start_redis(redis, &scratch)?;
    let url = format!("http://{}", upstream.address);
    let mut cases: BTreeMap<Case, Samples> = BTreeMap::new();
    for round in 1..=plan.rounds {
        for replicas in REPLICAS {
            for shared in [false, true] {
                eprintln!(
                    "round {round} of {}: {replicas} replicas, {}",
                    plan.rounds,
                    if shared { "shared" } else { "alone" }
                );
                let config = scratch.join(if shared { "shared.yaml" } else { "alone.yaml" });
                std::fs::write(&config, configuration(&url, shared.then_some(port)))?;
                let proxies = start_proxies(&folder, &config, replicas)?;
                measure(&proxies, plan, cases.entry(Case { replicas, shared }).or_default()).await?;
            }
        }
    }
    println!("{}", table(&cases));
    println!("A `PING` to the same Redis takes {:.3} ms (median).", ping(port).await?);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (mut plan, mut builds, mut redis) = (Plan { rounds: 5, time: Duration::from_secs(2) }, true, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => plan = Plan { rounds: 1, time: Duration::from_millis(300) },
            "--no-build" => builds = false,
            "--redis" => redis = Some(PathBuf::from(words.next().ok_or("`--redis` wants a program")?)),
            other => {
                return Err(
                    format!("unknown option `{other}`; expected `--quick`, `--no-build` or `--redis PROGRAM`").into()
                );
            }
        }
    }
    let redis = redis.or_else(|| on_path(&["redis-server", "valkey-server"]));
    run(
        plan,
        builds,
        &redis.ok_or(
            "neither `redis-server` nor `valkey-server` is on the PATH: install one, or name it with `--redis`",
        )?,
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_what_is_added() {
        let samples = |per_second, millis: [u64; 3], round_trips| Samples {
            per_second: vec![per_second],
            latencies: millis.map(Duration::from_millis).to_vec(),
            calls: 10,
            round_trips,
            memory: per_second / 100.0,
        };
        let cases = BTreeMap::from([
            (Case { replicas: 2, shared: false }, samples(1000.0, [3, 1, 2], 0.0)),
            (Case { replicas: 2, shared: true }, samples(600.0, [4, 2, 9], 25.0)),
        ]);
        let table = table(&cases);
        let row = table.lines().nth(2).unwrap();
        assert_eq!(row, "| 2 | 1000 | 600 | 0.60 | 2.000 ms | 2.000 ms | 3.000 ms | 6.000 ms | 2.50 | 10 MB | 6 MB |");
        assert_eq!(table.lines().count(), 3, "{table}");
    }
}
