//! What the processes under load use, and whether that is flat.
//!
//! Owns the figures and the judgement on them: of the proxy alone, and of the emulator beside it.

use std::{fmt, fs, process::Stdio, str::FromStr};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    runtime::Handle,
};

/// How much more memory the last third of a run may use than the first: what allocators keep
/// varies.
const FLAT_MEMORY: u64 = 110;

/// What a process uses at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) rss_kib: u64,
    pub(crate) files: u64,
    pub(crate) tasks: u64,
    /// Tokens that slow streams have been given by their container.
    pub(crate) slow_tokens: u64,
    /// Connections from the proxy to the emulator, which counts them.
    pub(crate) upstream: u64,
}

/// How many tasks a connection has that the proxy keeps for its next calls: one drives it.
const TASKS_OF_A_KEPT_CONNECTION: u64 = 1;

impl Usage {
    pub(crate) fn of_this_process(runtimes: &[Handle], slow_tokens: u64, upstream: usize) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let rss_kib = rss.and_then(|rss| rss.split_whitespace().next()?.parse().ok()).unwrap_or(0);
        let files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        let tasks = runtimes.iter().map(|runtime| runtime.metrics().num_alive_tasks()).sum();
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Self { rss_kib, files: wide(files), tasks: wide(tasks), slow_tokens, upstream: wide(upstream) }
    }
}

impl Usage {
    /// Without the connections to the endpoint that the proxy keeps for the next calls.
    fn without_pool(self, before: Self) -> Self {
        let kept = self.upstream.saturating_sub(before.upstream);
        let tasks = self.tasks.saturating_sub(TASKS_OF_A_KEPT_CONNECTION * kept);
        Self { files: self.files.saturating_sub(kept), tasks, ..self }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rss_kib, files, tasks, slow_tokens, upstream } = self;
        write!(f, "rss {rss_kib} KiB, files {files}, tasks {tasks}, slow-tokens {slow_tokens}, upstream {upstream}")
    }
}

impl FromStr for Usage {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let numbers: Vec<u64> =
            line.split(|letter: char| !letter.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
        match numbers[..] {
            [rss_kib, files, tasks, slow_tokens, upstream] => Ok(Self { rss_kib, files, tasks, slow_tokens, upstream }),
            _ => Err(format!("no report: {line}")),
        }
    }
}

/// A child process that tells what it uses.
#[derive(Debug)]
struct Process {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Process {
    /// Starts it; the second is the address that it says first.
    async fn start(arguments: &[&str]) -> (Self, String) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = output.next_line().await.unwrap().unwrap();
        (Self { input, output, _child: child }, address)
    }

    async fn usage(&mut self) -> Usage {
        self.input.write_all(b"?\n").await.unwrap();
        self.output.next_line().await.unwrap().unwrap().parse().unwrap()
    }
}

/// What the proxy's process uses, and what the emulator's beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Both {
    pub(crate) proxy: Usage,
    pub(crate) emulator: Usage,
}

impl fmt::Display for Both {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { proxy, emulator } = self;
        write!(f, "proxy: {proxy}; emulator: {emulator}")
    }
}

/// The processes under load, as their parent sees them.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: String,
    proxy: Process,
    emulator: Process,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let (emulator, url) = Process::start(&["emulate"]).await;
        let (proxy, address) = Process::start(&["serve", &url]).await;
        Self { address, proxy, emulator }
    }

    pub(crate) async fn usage(&mut self) -> Both {
        let emulator = self.emulator.usage().await;
        let proxy = self.proxy.usage().await;
        Both { proxy: Usage { upstream: emulator.upstream, ..proxy }, emulator }
    }

    /// Waits until its clients' connections are gone, and gives what is used then.
    pub(crate) async fn settled(&mut self, before: Both) -> Both {
        let mut usage = self.usage().await;
        for _ in 0..600 {
            let own = usage.proxy.without_pool(before.proxy);
            if own.files <= before.proxy.files && own.tasks <= before.proxy.tasks {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            usage = self.usage().await;
        }
        usage
    }
}

/// What stands for a third of the samples.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Third {
    /// The most: of loads that are the same at every moment.
    Most,
    /// The average: of loads that swing by themselves.
    Average,
}

impl Third {
    fn of(self, part: &[Usage], figure: fn(&Usage) -> u64) -> u64 {
        let figures = part.iter().map(figure);
        match self {
            Self::Most => figures.max().unwrap_or(0),
            Self::Average => figures.sum::<u64>() / u64::try_from(part.len()).unwrap().max(1),
        }
    }
}

/// Fails where the last third of the samples is above the first.
pub(crate) fn assert_flat(samples: &[Both], third: Third) {
    assert!(samples.len() >= 6, "only {} samples: let it run longer", samples.len());
    for (whose, of) in [("proxy", (|both| both.proxy) as fn(&Both) -> Usage), ("emulator", |both| both.emulator)] {
        let samples: Vec<Usage> = samples.iter().map(of).collect();
        let size = samples.len() / 3;
        let (first, last) = (&samples[..size], &samples[samples.len() - size..]);
        let judge = |name, figure: fn(&Usage) -> u64, limit: fn(u64) -> u64| {
            let (before, after) = (third.of(first, figure), third.of(last, figure));
            println!("{whose}: {name} {before} in the first third, {after} in the last ({third:?})");
            assert!(after <= limit(before), "the {name} of the {whose} grow");
        };
        judge("KiB of memory", |usage| usage.rss_kib, |before| before * FLAT_MEMORY / 100);
        judge("files", |usage| usage.files, |before| before + before / 20 + 8);
        judge("tasks", |usage| usage.tasks, |before| before + before / 20 + 8);
    }
}

/// Fails where the same load takes more memory another time.
pub(crate) fn assert_no_more_memory(before: Both, after: Both) {
    let (rss, again) = (before.proxy.rss_kib, after.proxy.rss_kib);
    println!("proxy: memory {rss} KiB, and {again} KiB for the same load again");
    assert!(again * 100 <= rss * FLAT_MEMORY, "the memory of the proxy grows");
}

/// Fails where something stays when all clients are gone.
pub(crate) fn assert_given_back(before: Both, after: Both) {
    println!("before: {before}\nafter:  {after}");
    let own = after.proxy.without_pool(before.proxy);
    assert!(own.files <= before.proxy.files, "file descriptors are left behind");
    assert!(own.tasks <= before.proxy.tasks, "tasks are left behind");
}

/// Fails where the proxy keeps more connections to its endpoint than its clients can have had calls
/// under way.
pub(crate) fn assert_pool_bounded(after: Both, clients: u64) {
    let kept = after.emulator.upstream;
    assert!(kept <= 2 * clients, "{kept} connections to the endpoint are kept after {clients} clients");
}
