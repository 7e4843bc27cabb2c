//! What the process under load uses, and whether that is flat.
//!
//! Owns the figures and the judgement on them.

use std::{fmt, fs, process::Stdio, str::FromStr};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// How much more memory the last third of a run may use than the first: what allocators keep varies.
const FLAT_MEMORY: u64 = 110;

/// What a process uses at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) rss_kib: u64,
    pub(crate) files: u64,
    pub(crate) tasks: u64,
    /// Tokens that slow streams have been given by their container.
    pub(crate) slow_tokens: u64,
    /// Connections from the proxy to the emulator.
    pub(crate) upstream: u64,
}

impl Usage {
    pub(crate) fn of_this_process(slow_tokens: u64, upstream: usize) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let rss_kib = rss.and_then(|rss| rss.split_whitespace().next()?.parse().ok()).unwrap_or(0);
        let files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Self { rss_kib, files: wide(files), tasks: wide(tasks), slow_tokens, upstream: wide(upstream) }
    }
}

impl Usage {
    /// Without the connections to the endpoint that the proxy keeps for the next calls: two descriptors and three tasks for each, as the
    /// emulator holds their other ends in the same process.
    fn without_pool(self, before: Self) -> Self {
        let kept = self.upstream.saturating_sub(before.upstream);
        Self { files: self.files.saturating_sub(2 * kept), tasks: self.tasks.saturating_sub(3 * kept), ..self }
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

/// The process under load, as its parent sees it.
pub(crate) struct Server {
    pub(crate) address: String,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = output.next_line().await.unwrap().unwrap();
        Self { address, input, output, _child: child }
    }

    pub(crate) async fn usage(&mut self) -> Usage {
        self.input.write_all(b"?\n").await.unwrap();
        self.output.next_line().await.unwrap().unwrap().parse().unwrap()
    }

    /// Waits until its clients' connections are gone, and gives what is used then.
    pub(crate) async fn settled(&mut self, before: Usage) -> Usage {
        let mut usage = self.usage().await;
        for _ in 0..600 {
            let own = usage.without_pool(before);
            if own.files <= before.files && own.tasks <= before.tasks {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            usage = self.usage().await;
        }
        usage
    }
}

/// Fails where the last third of the samples is above the first.
pub(crate) fn assert_flat(samples: &[Usage]) {
    assert!(samples.len() >= 6, "only {} samples: let it run longer", samples.len());
    let third = samples.len() / 3;
    let most = |part: &[Usage], of: fn(&Usage) -> u64| part.iter().map(of).max().unwrap_or(0);
    let (first, last) = (&samples[..third], &samples[samples.len() - third..]);
    let (rss, grown) = (most(first, |usage| usage.rss_kib), most(last, |usage| usage.rss_kib));
    println!("memory: at most {rss} KiB in the first third, {grown} KiB in the last");
    assert!(grown * 100 <= rss * FLAT_MEMORY, "memory grows");
    for (name, of) in [("files", (|usage| usage.files) as fn(&Usage) -> u64), ("tasks", |usage| usage.tasks)] {
        let (at_first, at_last) = (most(first, of), most(last, of));
        println!("{name}: at most {at_first} in the first third, {at_last} in the last");
        assert!(at_last <= at_first + at_first / 20 + 8, "{name} grow");
    }
}

/// Fails where something stays when all clients are gone.
pub(crate) fn assert_given_back(before: Usage, after: Usage) {
    println!("before: {before}\nafter:  {after}");
    let after = after.without_pool(before);
    assert!(after.files <= before.files, "file descriptors are left behind");
    assert!(after.tasks <= before.tasks, "tasks are left behind");
}
