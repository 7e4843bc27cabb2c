//! The measurements, in turns.
//!
//! Owns what is driven, how hard and how long. Every round asks each subject once before the next
//! round begins, so that a machine that changes its mind does so to all of them.

use std::process::Command;

use sagewire_benches::{
    bodies,
    client::{Connection, post},
    process::memory_of,
};
use tokio::time::{Duration, Instant, sleep};

use crate::{
    Failure,
    machine::{self, Used, median},
    oha::{Load, Measured, Oha, Target},
    peers::{TENSORZERO_MODEL, TENSORZERO_PATH},
    results::{Results, Subject},
    server::{KEY, Programs, Server},
};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Whole,
    Stream,
    Embeddings,
    /// Streams of the same container through the Messages and the Responses API.
    Messages,
    Responses,
}

impl Ask {
    pub(crate) const ALL: [Self; 5] = [Self::Whole, Self::Stream, Self::Embeddings, Self::Messages, Self::Responses];

    /// The name of its requests in a second.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole answers/s",
            Self::Stream => "64-token streams/s",
            Self::Embeddings => "embeddings 32 x 1,024/s",
            Self::Messages => "the same by the Messages API/s",
            Self::Responses => "the same by the Responses API/s",
        }
    }

    /// The name of the gateway's processor time for each of its requests.
    pub(crate) fn cpu(self) -> &'static str {
        match self {
            Self::Whole => "a whole answer, us of CPU",
            Self::Stream => "a 64-token stream, us of CPU",
            Self::Embeddings => "embeddings, us of CPU",
            Self::Messages => "a stream of the Messages API, us of CPU",
            Self::Responses => "a stream of the Responses API, us of CPU",
        }
    }
}

pub(crate) const P50: &str = "p50 at 1,000/s, ms";
pub(crate) const P99: &str = "p99 at 1,000/s, ms";
pub(crate) const FIRST_TOKEN: &str = "first token p50, ms";
pub(crate) const START: &str = "start to first answer, ms";
pub(crate) const IDLE: &str = "memory idle, MB";
pub(crate) const LOADED: &str = "memory at load, MB";
pub(crate) const OPEN: &str = "memory with 1,000 open streams, MB";
pub(crate) const CALLS: &str = "library calls/s";

/// How long the upstream takes, in milliseconds, and what a gateway adds to that for a single caller.
pub(crate) const DELAYS: [(u64, &str); 5] = [
    (1, "added to 1 ms, p50, ms"),
    (5, "added to 5 ms, p50, ms"),
    (10, "added to 10 ms, p50, ms"),
    (50, "added to 50 ms, p50, ms"),
    (100, "added to 100 ms, p50, ms"),
];

/// Body sizes, in bytes, and what an answer to each took, in seconds.
pub(crate) const SIZES: [(usize, &str); 3] =
    [(1024, "1 KiB body, ms"), (102_400, "100 KiB body, ms"), (1_048_576, "1 MiB body, ms")];

/// Connections, and the processor time of the gateway for each request.
pub(crate) const CONNECTIONS: [(usize, &str); 4] = [
    (1, "1 connection, us of CPU"),
    (16, "16 connections, us of CPU"),
    (100, "100 connections, us of CPU"),
    (1000, "1,000 connections, us of CPU"),
];

/// How often a measurement is tried until others leave the machine alone.
const TRIES: usize = 8;

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) starts: usize,
    pub(crate) first_tokens: usize,
}

impl Plan {
    pub(crate) const FULL: Self = Self { rounds: 5, seconds: 2.0, starts: 10, first_tokens: 500 };
    pub(crate) const QUICK: Self = Self { rounds: 1, seconds: 1.0, starts: 2, first_tokens: 100 };
}

/// Everything that runs, and what was found.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) plan: Plan,
    pub(crate) oha: Oha,
    pub(crate) programs: Programs,
    pub(crate) servers: Vec<(Subject, Server)>,
    pub(crate) results: Results,
}

impl Bench {
    pub(crate) fn server(&self, subject: Subject) -> Option<&Server> {
        self.servers.iter().find(|(running, _)| *running == subject).map(|(_, server)| server)
    }

    fn subjects(&self) -> Vec<Subject> {
        self.servers.iter().map(|(subject, _)| *subject).collect()
    }

    fn pids(&self) -> Vec<u32> {
        self.servers.iter().map(|(_, server)| server.pid()).collect()
    }

    fn target(&self, subject: Subject, ask: Ask) -> Option<Target> {
        let (path, body) = match (subject, ask) {
            (Subject::TensorZero, Ask::Whole | Ask::Stream) => {
                (TENSORZERO_PATH, bodies::chat(TENSORZERO_MODEL, ask == Ask::Stream))
            }
            (Subject::Sagewire | Subject::Plain | Subject::LiteLlm, Ask::Messages) => {
                ("/v1/messages", bodies::messages("chat"))
            }
            (Subject::Sagewire | Subject::Plain | Subject::LiteLlm, Ask::Responses) => {
                ("/v1/responses", bodies::responses("chat"))
            }
            (Subject::Limited, Ask::Stream | Ask::Embeddings)
            | (Subject::Library | Subject::Reqwest, _)
            | (_, Ask::Messages | Ask::Responses) => return None,
            (Subject::Sagewire | Subject::Plain, Ask::Embeddings) => {
                ("/v1/embeddings", bodies::embedding_request("embedding"))
            }
            (peer, Ask::Embeddings) if peer.is_peer() => return None,
            (ours, Ask::Whole | Ask::Stream) if ours.is_gateway() => {
                ("/v1/chat/completions", bodies::chat("chat", ask == Ask::Stream))
            }
            (_, Ask::Whole) => ("/endpoints/chat/invocations", bodies::chat("chat", false)),
            (_, Ask::Stream) => ("/endpoints/chat/invocations-response-stream", bodies::chat("chat", true)),
            (_, Ask::Embeddings) => ("/endpoints/embedding/invocations", bodies::embedding_request("embedding")),
        };
        Some(Target { url: format!("{}{path}", self.server(subject)?.url), body })
    }

    /// Runs a load, and gives the seconds of processor time that its target took for it, too. Where
    /// others were at work meanwhile (another virtual machine on the same processor counts),
    /// nothing is kept of it, and it runs again.
    fn drive(&mut self, target: &Target, load: Load) -> Result<(Measured, f64), Failure> {
        let pid = self.servers.iter().find(|(_, server)| target.url.starts_with(&server.url)).map(|(_, it)| it.pid());
        let spent = || pid.map_or(0.0, machine::seconds_of);
        let mut tries = 0;
        loop {
            tries += 1;
            let (before, spent_before) = (Used::now(&self.pids())?, spent());
            let measured = self.oha.run(target, load)?;
            let others = Used::now(&self.pids())?.others_since(&before);
            if !machine::is_busy(others) || tries == TRIES {
                self.results.others = self.results.others.max(others);
                return Ok((measured, spent() - spent_before));
            }
            eprintln!("others took {:.0} % of the machine: measured again", others * 100.0);
        }
    }

    /// Drives a gateway; a peer that fails under load loses its rows, and not the report.
    fn drive_subject(&mut self, subject: Subject, ask: Ask, load: Load) -> Result<Option<(Measured, f64)>, Failure> {
        let Some(target) = self.target(subject, ask) else { return Ok(None) };
        match self.drive(&target, load) {
            Ok(driven) => Ok(Some(driven)),
            Err(failure) if subject.is_peer() => {
                self.results.missing.push((subject, failure.to_string()));
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// As many requests as 16 connections can have answered, one after the other.
    pub(crate) fn closed_loops(&mut self) -> Result<(), Failure> {
        let load = Load { connections: 16, seconds: self.plan.seconds, rate: None };
        for ask in Ask::ALL {
            for subject in self.subjects() {
                // The first requests of each are not counted: connections are made, and Python warms up.
                self.drive_subject(subject, ask, Load { seconds: 0.5, ..load })?;
            }
            for _ in 0..self.plan.rounds {
                for subject in self.subjects() {
                    if let Some((measured, spent)) = self.drive_subject(subject, ask, load)? {
                        self.results.add(ask.name(), subject, measured.requests_per_second);
                        self.results.add(ask.cpu(), subject, spent * 1e6 / measured.answered as f64);
                    }
                }
            }
            for (subject, server) in &self.servers {
                if ask == Ask::Whole {
                    self.results.add(LOADED, *subject, memory_of(server.pid()));
                }
            }
        }
        Ok(())
    }

    /// 1,000 requests a second, with latencies that count from when each was due. LiteLLM's proxy
    /// cannot answer as many.
    pub(crate) fn fixed_rate(&mut self) -> Result<(), Failure> {
        let load = Load { connections: 16, seconds: self.plan.seconds.max(2.0), rate: Some(1000) };
        for _ in 0..self.plan.rounds {
            for subject in self.subjects() {
                if subject == Subject::LiteLlm {
                    continue;
                }
                if let Some((measured, _)) = self.drive_subject(subject, Ask::Whole, load)? {
                    self.results.add(P50, subject, measured.p50 * 1e3);
                    self.results.add(P99, subject, measured.p99 * 1e3);
                }
            }
        }
        Ok(())
    }

    /// The time until the first byte of a streamed answer's body, one stream after the other.
    pub(crate) async fn first_tokens(&mut self) -> Result<(), Failure> {
        for _ in 0..self.plan.rounds {
            for subject in self.subjects().into_iter().filter(|subject| *subject != Subject::LiteLlm) {
                let (Some(server), Some(target)) = (self.server(subject), self.target(subject, Ask::Stream)) else {
                    continue;
                };
                let path = target.url.trim_start_matches(server.url.as_str());
                let request = post(server.address(), path, KEY, &target.body);
                let mut connection = Connection::open(server.address()).await?;
                let mut times = Vec::with_capacity(self.plan.first_tokens);
                let end = Instant::now() + Duration::from_secs_f64(self.plan.seconds);
                while times.len() < self.plan.first_tokens && Instant::now() < end {
                    times.push(connection.ask(&request).await?.first_byte.as_secs_f64() * 1e3);
                }
                self.results.add(FIRST_TOKEN, subject, median(&times).unwrap_or(f64::NAN));
            }
        }
        Ok(())
    }

    /// What a gateway adds to the time that the upstream takes, for one caller who asks again and
    /// again.
    pub(crate) async fn delays(&mut self) -> Result<(), Failure> {
        for _ in 0..self.plan.rounds {
            for (millis, name) in DELAYS {
                let mut of_upstream = None;
                for subject in self.subjects() {
                    let (Some(server), Some(target)) = (self.server(subject), self.target(subject, Ask::Whole)) else {
                        continue;
                    };
                    let path = target.url.trim_start_matches(server.url.as_str());
                    let model = if subject == Subject::TensorZero { TENSORZERO_MODEL } else { "chat" };
                    let request = post(server.address(), path, KEY, &bodies::chat_after(model, millis));
                    let mut connection = Connection::open(server.address()).await?;
                    let mut times = Vec::new();
                    let end = Instant::now() + Duration::from_secs_f64(self.plan.seconds / 2.0);
                    while times.len() < self.plan.first_tokens && Instant::now() < end {
                        times.push(connection.ask(&request).await?.whole.as_secs_f64() * 1e3);
                    }
                    // The first answers make connections.
                    let took = median(times.get(2..).unwrap_or_default()).unwrap_or(f64::NAN);
                    // The upstream is the first of all subjects.
                    let alone = *of_upstream.get_or_insert(took);
                    if subject != Subject::Upstream {
                        self.results.add(name, subject, took - alone);
                    }
                }
            }
        }
        Ok(())
    }

    /// The gateway's processor time for each request, and the answer's time for bodies of each
    /// size.
    pub(crate) fn growth(&mut self) -> Result<(), Failure> {
        for _ in 0..self.plan.rounds.min(3) {
            for (connections, name) in CONNECTIONS {
                for subject in [Subject::Forwarder, Subject::Sagewire] {
                    let load = Load { connections, seconds: self.plan.seconds, rate: None };
                    if let Some((measured, spent)) = self.drive_subject(subject, Ask::Whole, load)? {
                        self.results.add(name, subject, spent * 1e6 / measured.answered as f64);
                    }
                }
            }
            for (bytes, name) in SIZES {
                for subject in [Subject::Forwarder, Subject::Sagewire] {
                    let Some(mut target) = self.target(subject, Ask::Whole) else { continue };
                    target.body = bodies::chat_of("chat", false, bytes);
                    let load = Load { connections: 1, seconds: self.plan.seconds.min(1.5), rate: None };
                    let (measured, _) = self.drive(&target, load)?;
                    self.results.add(name, subject, measured.average * 1e3);
                }
            }
        }
        Ok(())
    }

    /// The library in a closed loop, and reqwest with the same body.
    pub(crate) fn library(&mut self) -> Result<(), Failure> {
        let url = self.server(Subject::Upstream).map(|server| server.url.clone()).unwrap_or_default();
        for _ in 0..self.plan.rounds {
            for (subject, which) in [(Subject::Reqwest, "reqwest"), (Subject::Library, "sagewire")] {
                let mut command = self.programs.command("library");
                let output = command.args([which, &url, &self.plan.seconds.to_string(), "16"]).output()?;
                let said = String::from_utf8_lossy(&output.stdout);
                let calls = said
                    .trim()
                    .parse()
                    .map_err(|_| format!("library {which}: {}", String::from_utf8_lossy(&output.stderr)))?;
                self.results.add(CALLS, subject, calls);
            }
        }
        Ok(())
    }

    /// A new process each time, from its start to its first answer; and its memory then.
    pub(crate) async fn starts(&mut self) -> Result<(), Failure> {
        let upstream = self.server(Subject::Upstream).map(|server| server.url.clone()).unwrap_or_default();
        let body = bodies::chat("chat", false);
        for _ in 0..self.plan.starts {
            for subject in self.programs.proxies() {
                let began = Instant::now();
                let mut server = Server::announced(&mut self.programs.proxy(subject, &upstream)?)?;
                server.first_answer("/v1/chat/completions", &body, Duration::from_secs(10)).await?;
                self.results.add(START, subject, began.elapsed().as_secs_f64() * 1e3);
                self.results.add(IDLE, subject, memory_of(server.pid()));
            }
        }
        Ok(())
    }

    /// Memory while 1,000 callers hold a stream of which the first token has come; in a process
    /// that has done nothing else.
    pub(crate) async fn open_streams(&mut self) -> Result<(), Failure> {
        for subject in self.programs.proxies() {
            self.open_streams_of(subject).await?;
        }
        Ok(())
    }

    async fn open_streams_of(&mut self, subject: Subject) -> Result<(), Failure> {
        let upstream = self.server(Subject::Upstream).map(|server| server.url.clone()).unwrap_or_default();
        let mut server = Server::announced(&mut self.programs.proxy(subject, &upstream)?)?;
        server.first_answer("/v1/chat/completions", &bodies::chat("chat", false), Duration::from_secs(10)).await?;
        let request = post(server.address(), "/v1/chat/completions", KEY, &bodies::chat("held", true));
        let mut open = Vec::new();
        for _ in 0..1000 {
            let mut connection = Connection::open(server.address()).await?;
            let status = connection.ask_and_leave_open(&request).await?;
            if status != 200 {
                return Err(format!("an open stream was refused with status {status}").into());
            }
            open.push(connection);
        }
        sleep(Duration::from_millis(500)).await;
        self.results.add(OPEN, subject, memory_of(server.pid()));
        drop(open);
        Ok(())
    }
}

/// Seconds that two cold release builds took: the facade's, and that of AWS's SDK for the same
/// service.
pub(crate) fn cold_builds(scratch: &std::path::Path) -> Result<(f64, f64), Failure> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no workspace")?;
    let ours = format!("sagewire = {{ path = {:?} }}", root.join("crates/sagewire"));
    let theirs = "aws-config = { version = \"1\", default-features = false, features = [\"rt-tokio\", \"rustls\"] }\naws-sdk-sagemakerruntime = \"1\"";
    let mut took = [0.0; 2];
    for (seconds, (name, dependencies)) in took.iter_mut().zip([("ours", ours.as_str()), ("theirs", theirs)]) {
        let folder = scratch.join("cold").join(name);
        std::fs::create_dir_all(folder.join("src"))?;
        std::fs::write(folder.join("src/main.rs"), "fn main() {}\n")?;
        let manifest = format!(
            "[package]\nname = \"cold-{name}\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{dependencies}\n"
        );
        std::fs::write(folder.join("Cargo.toml"), manifest)?;
        let target = folder.join("target");
        let _ = std::fs::remove_dir_all(&target);
        let cargo = |arguments: &[&str]| {
            Command::new("cargo").args(arguments).current_dir(&folder).env("CARGO_TARGET_DIR", &target).status()
        };
        if !cargo(&["fetch", "--quiet"])?.success() {
            return Err(format!("the crates of the build `{name}` could not be fetched").into());
        }
        let began = Instant::now();
        if !cargo(&["build", "--release", "--quiet"])?.success() {
            return Err(format!("the cold build `{name}` failed").into());
        }
        *seconds = began.elapsed().as_secs_f64();
    }
    let [ours, theirs] = took;
    Ok((ours, theirs))
}
