//! The machine: what it is, and whether it is quiet.
//!
//! Owns reading `/proc`. Time that others take from the processor is time that the measured
//! programs do not get: a report from a busy machine is refused, or marked where it was forced.

use std::{collections::BTreeMap, fs, process::Command};

use tokio::time::{Duration, sleep};

use crate::Failure;

/// The share of all processors that others may use.
const QUIET: f64 = 0.05;

/// Ticks of a second in `/proc`, on every Linux.
const TICKS: f64 = 100.0;

/// Processor time that has been used, in ticks: by everyone, and by this program with its children.
#[derive(Clone, Debug, Default)]
pub(crate) struct Used {
    busy: f64,
    whole: f64,
    own: f64,
}

impl Used {
    /// The time so far. `children` are those that still run; what ended is in this process's own
    /// account.
    pub(crate) fn now(children: &[u32]) -> Result<Self, Failure> {
        let stat = fs::read_to_string("/proc/stat")?;
        let line = stat.lines().next().unwrap_or_default();
        let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|ticks| ticks.parse().ok()).collect();
        let [user, nice, system, idle, waiting, rest @ ..] = ticks.as_slice() else {
            return Err("/proc/stat is not what it was".into());
        };
        let interrupts: f64 = rest.iter().take(3).sum();
        let busy = user + nice + system + interrupts;
        let own = of_process(std::process::id(), true) + children.iter().map(|pid| of_process(*pid, true)).sum::<f64>();
        Ok(Self { busy, whole: busy + idle + waiting, own })
    }

    /// The share of all processors that others took since then.
    pub(crate) fn others_since(&self, before: &Self) -> f64 {
        let others = (self.busy - before.busy) - (self.own - before.own);
        (others / (self.whole - before.whole).max(1.0)).max(0.0)
    }
}

/// Ticks of one process, with its ended children where asked for.
fn of_process(pid: u32, with_children: bool) -> f64 {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return 0.0 };
    // The name before the last parenthesis may hold anything.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    let own = ticks(11) + ticks(12);
    if with_children { own + ticks(13) + ticks(14) } else { own }
}

/// Seconds of processor time that a process has used.
pub(crate) fn seconds_of(pid: u32) -> f64 {
    of_process(pid, false) / TICKS
}

/// Waits until others leave the processors alone, up to a minute.
///
/// # Errors
/// That they do not.
pub(crate) async fn wait_until_quiet() -> Result<(), Failure> {
    let mut share = 1.0;
    for _ in 0..20 {
        let before = Used::now(&[])?;
        sleep(Duration::from_secs(3)).await;
        share = Used::now(&[])?.others_since(&before);
        if share <= QUIET {
            return Ok(());
        }
    }
    Err(format!(
        "the machine is busy: others use {:.0} % of it. Stop them, or measure with `--force`, which marks the report",
        share * 100.0
    )
    .into())
}

/// Whether so large a share of others spoils a measurement.
pub(crate) fn is_busy(share: f64) -> bool {
    share > QUIET
}

/// What the machine is, as a list of facts.
pub(crate) fn describe() -> Vec<(&'static str, String)> {
    let line = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.split_once(':').map(|(_, value)| value.trim().to_owned()));
        value.unwrap_or_else(|| "unknown".to_owned())
    };
    let said = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output();
        output.map_or_else(|_| "unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    vec![
        ("processor", format!("{}, {processors} threads of it", line("/proc/cpuinfo", "model name"))),
        ("memory", line("/proc/meminfo", "MemTotal")),
        ("kernel", said("uname", "-sr")),
        ("compiler", said("rustc", "--version")),
        ("day", said("date", "-uI")),
    ]
}

/// The middle of some numbers.
pub(crate) fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|number| number.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => sorted.get(middle).copied(),
        _ => Some((sorted.get(middle - 1)? + sorted.get(middle)?) / 2.0),
    }
}

/// How many of each crate's versions a tree has: its size is the number of different ones.
pub(crate) fn crates_of(package: &str) -> Result<usize, Failure> {
    let output = Command::new("cargo")
        .args([
            "tree",
            "--locked",
            "--quiet",
            "-p",
            package,
            "-e",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--no-dedupe",
        ])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut crates = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            crates.insert((name.to_owned(), version.to_owned()), ());
        }
    }
    if crates.is_empty() { Err("cargo tree said nothing".into()) } else { Ok(crates.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_numbers_is_found_whatever_their_order() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, f64::NAN, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn the_share_of_others_is_what_is_busy_and_not_ours() {
        let used = |busy, whole, own| Used { busy, whole, own };
        assert_eq!(used(200.0, 400.0, 60.0).others_since(&used(100.0, 200.0, 0.0)), 0.2);
        assert_eq!(used(200.0, 400.0, 100.0).others_since(&used(100.0, 200.0, 0.0)), 0.0);
    }
}
