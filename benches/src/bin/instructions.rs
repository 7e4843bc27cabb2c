//! Counts, under callgrind, the instructions of one request and of one token, and compares them
//! with the committed counts.
//!
//! `cargo run --release -p sagewire-benches --bin instructions` prints both; `-- --write` keeps the
//! new counts in `benches/instructions.txt`, `-- --profile` prints where they go. Counts of an idle
//! and of a busy machine are the same. A count is that of one request more: the difference between
//! two runs, divided by the requests between them. It fails where a count grew by more than a
//! quarter, which no compiler's version explains, and never for less.
#![expect(clippy::print_stdout, reason = "a program prints what it counted")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use sagewire_benches::bodies::TOKENS;

type Failure = Box<dyn std::error::Error>;

/// Runs with these many requests are subtracted from each other.
const FEW: usize = 20;
const MANY: usize = 120;

/// A count that grew by more than this share is a failure.
const TOO_MUCH: f64 = 0.25;

/// What is run: how a row is called, and the arguments of `paths`.
const RUNS: [(&str, &str, &str, usize); 10] = [
    ("library, whole answer", "library", "whole", TOKENS),
    ("library, stream of 64 tokens", "library", "stream", TOKENS),
    ("library, stream of 1 token", "library", "stream", 1),
    ("proxy, whole answer", "proxy", "whole", TOKENS),
    ("proxy, cached answer", "proxy", "cached", TOKENS),
    ("proxy, stream of 64 tokens", "proxy", "stream", TOKENS),
    ("proxy, stream of 1 token", "proxy", "stream", 1),
    ("proxy, translated Messages stream of 64 tokens", "proxy", "messages", TOKENS),
    ("proxy, translated Responses stream of 64 tokens", "proxy", "responses", TOKENS),
    ("proxy, forwarded Messages stream of 64 tokens", "proxy", "forwarded", TOKENS),
];

fn paths() -> Result<PathBuf, Failure> {
    let path = std::env::current_exe()?.with_file_name("paths");
    if path.exists() {
        return Ok(path);
    }
    Err("`paths` is not built beside this program: run `cargo build --release -p sagewire-benches --bins` first".into())
}

fn callgrind(out: &str, path: &str, form: &str, tokens: usize, requests: usize) -> Result<u64, Failure> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", &format!("--callgrind-out-file={out}")])
        .arg(paths()?)
        .args([path, form, &tokens.to_string(), &requests.to_string()])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("`paths {path} {form}` failed under valgrind: {said}").into());
    }
    let collected = said.lines().find_map(|line| line.split("Collected :").nth(1)?.trim().parse().ok());
    collected.ok_or_else(|| format!("valgrind collected nothing: {said}").into())
}

fn count() -> Result<BTreeMap<String, u64>, Failure> {
    let mut counts = BTreeMap::new();
    for (name, path, form, tokens) in RUNS {
        let few = callgrind("/dev/null", path, form, tokens, FEW)?;
        let many = callgrind("/dev/null", path, form, tokens, MANY)?;
        counts.insert(name.to_owned(), many.saturating_sub(few) / (MANY - FEW) as u64);
    }
    for path in ["library", "proxy"] {
        let of = |tokens: &str| counts.get(&format!("{path}, stream of {tokens}")).copied().unwrap_or_default();
        let token = of("64 tokens").saturating_sub(of("1 token")) / (TOKENS - 1) as u64;
        counts.insert(format!("{path}, each token"), token);
    }
    Ok(counts)
}

fn baseline() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.txt")
}

/// The committed counts: a number, two spaces and a name on each line.
fn read(text: &str) -> BTreeMap<String, u64> {
    let line = |line: &str| {
        let (count, name) = line.trim().split_once("  ")?;
        Some((name.trim().to_owned(), count.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

/// The table, and whether a count grew too much.
fn compare(before: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> (String, bool) {
    let mut table = String::new();
    let mut grew = false;
    for (name, count) in now {
        let difference = match before.get(name) {
            Some(before) if *before > 0 => {
                let share = *count as f64 / *before as f64 - 1.0;
                grew |= share > TOO_MUCH;
                format!("{:+.2} %", share * 100.0)
            }
            _ => "new".to_owned(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(table, "{count:>9}  {difference:>9}  {name}");
    }
    (table, grew)
}

/// Where the instructions of a path go: the functions with the largest inclusive share.
fn profile(path: &str, form: &str) -> Result<String, Failure> {
    let out = std::env::temp_dir().join(format!("sagewire-callgrind-{}-{path}-{form}", std::process::id()));
    let file = out.to_string_lossy().into_owned();
    callgrind(&file, path, form, TOKENS, MANY)?;
    let annotated = Command::new("callgrind_annotate").args(["--inclusive=yes", "--threshold=99.9", &file]).output()?;
    std::fs::remove_file(&out)?;
    Ok(String::from_utf8_lossy(&annotated.stdout).into_owned())
}

fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--profile") {
        for (path, form) in [("proxy", "whole"), ("proxy", "cached"), ("proxy", "stream")] {
            println!("== {path}, {form}\n{}", profile(path, form)?);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("valgrind is not installed: no instructions are counted");
        return Ok(ExitCode::SUCCESS);
    }
    let now = count()?;
    let before = read(&std::fs::read_to_string(baseline()).unwrap_or_default());
    let (table, grew) = compare(&before, &now);
    println!("instructions of one more, and the difference from benches/instructions.txt:\n{table}");
    if arguments.iter().any(|argument| argument == "--write") {
        let lines: String = now.iter().map(|(name, count)| format!("{count}  {name}\n")).collect();
        std::fs::write(baseline(), lines)?;
    } else if grew {
        println!(
            "a count grew by more than {:.0} %: fix it, or explain it and keep it with `--write`",
            TOO_MUCH * 100.0
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_shown_and_only_a_large_one_fails() {
        let before = read("100  a, b\n1000  c\nnonsense\n");
        let now = |a, c| BTreeMap::from([("a, b".to_owned(), a), ("c".to_owned(), c), ("d".to_owned(), 1)]);
        let (table, grew) = compare(&before, &now(120, 900));
        assert!(!grew && table.contains("+20.00 %") && table.contains("-10.00 %") && table.contains("new"), "{table}");
        assert!(compare(&before, &now(126, 900)).1);
    }
}
