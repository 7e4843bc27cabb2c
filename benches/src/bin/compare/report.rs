//! The report: `docs/performance.md`, whole.
//!
//! Owns its text and tables. The remarks on targets that are not met are in `benches/notes.md`;
//! records of what was tried are in `docs/internal/performance.md`.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::{
    bars::{self, Bar, Sizes, number},
    machine,
    measure::{Ask, CALLS, CONNECTIONS, DELAYS, FIRST_TOKEN, IDLE, LOADED, OPEN, P50, P99, Plan, SIZES, START},
    results::{Results, Subject},
};

const INTRODUCTION: &str = "# Performance

This page compares sagewire with a forwarder that neither reads nor signs requests, and with other gateways, on one machine in one run. To repeat the measurement and
rewrite this page, run:

<!-- not run: it takes three quarters of an hour, and a machine that does nothing else -->
```sh
cargo run --profile dist -p sagewire-benches --bin compare -- --guided --cold-build --peers target/venv-peers
```

The load generator (`oha`), the gateway and the upstream share the machine and use HTTP on 127.0.0.1 with persistent connections. Logs go to `/dev/null`. Each figure is the
median of the rounds, and each ratio is the median of the ratios of the rounds, which are interleaved. The upstream answers immediately from memory: whole answers of 64 tokens,
streams of the same 64 tokens (each in its own AWS event-stream frame and HTTP chunk), and 32 vectors of 1,024 numbers. sagewire signs every request, as SageMaker requires;
the forwarder signs none, nor do SMG and vllm-router, which pass bodies on to a worker of OpenAI's API, nor TensorZero's gateway, which calls the same upstream through it. What a
signature costs has a row of its own. No target is set on another gateway's speed.

*sagewire's proxy* is built as the program of the [container image](deployment.md#container-image) is, without the part that shares limits through Redis: a static program, built with a
profile. The profile is made from other chats and other answers than those of this page, so that the difference to *not guided* is what the profile gains on work it has not seen. *Not
guided* is what `cargo build --profile dist` builds from the same source. The library is built without a profile, as
in any program that uses it.
";

/// The whole page.
pub(crate) fn page(results: &Results, sizes: &Sizes, plan: Plan, forced: Option<f64>, notes: &str) -> String {
    let mut page = INTRODUCTION.to_owned();
    if let Some(share) = forced {
        let _ = write!(
            page,
            "\n> **Measured on a busy machine**: other programs used up to {:.0} % of it. These figures are not reliable.\n",
            share * 100.0
        );
    }
    page.push_str("\n## The machine\n\n");
    for (name, fact) in machine::describe() {
        let _ = writeln!(page, "- {name}: {fact}");
    }
    let _ = writeln!(page, "- {} rounds of {} s", plan.rounds, plan.seconds);
    page.push_str("\n## Where another gateway is ahead\n\n");
    page.push_str(&lost(results));
    page.push_str("\n## Targets\n\n| what | target | measured | |\n|---|---|---|---|\n");
    let mut bars = bars::all(results, sizes);
    // Those that are missed stand first.
    bars.sort_by_key(|bar| bar.is_met() != Some(false));
    for bar in bars {
        let _ = writeln!(page, "| {} | {} | {} | {} |", bar.what, bar.bar, bar.shown(), verdict(&bar));
    }
    page.push_str("\n## All figures\n\n");
    page.push_str(&figures(results));
    page.push('\n');
    page.push_str(&cost_as_work_grows(results));
    let missing: BTreeSet<_> = results.missing.iter().collect();
    for (subject, why) in missing {
        let _ = writeln!(page, "\nNot run, {}: {why}", subject.name());
    }
    if let Some((ours, theirs)) = sizes.cold {
        let _ = writeln!(
            page,
            "\nCold release builds: ours {ours:.0} s, aws-config with aws-sdk-sagemakerruntime {theirs:.0} s."
        );
    }
    if let Some((_, times)) = &sizes.signing {
        let _ = writeln!(page, "\nA signature of 1 KiB, with the key cached here: {times}.");
    }
    page.push('\n');
    page.push_str(notes);
    page
}

fn verdict(bar: &Bar) -> &'static str {
    match bar.is_met() {
        Some(true) => "met",
        Some(false) => "**not met**",
        None => "",
    }
}

fn figures(results: &Results) -> String {
    let columns = [
        Subject::Upstream,
        Subject::Forwarder,
        Subject::Sagewire,
        Subject::Plain,
        Subject::Limited,
        Subject::Smg,
        Subject::VllmRouter,
        Subject::TensorZero,
        Subject::LiteLlm,
        Subject::Library,
        Subject::Reqwest,
    ];
    let rows = [&speeds()[..], &[CALLS], &costs()].concat();
    table(results, &columns, &rows)
}

/// Rows of which more is better.
fn speeds() -> Vec<&'static str> {
    Ask::ALL.map(Ask::name).to_vec()
}

/// Rows of which less is better.
fn costs() -> Vec<&'static str> {
    let (delays, times) = (DELAYS.map(|(_, name)| name), Ask::ALL.map(Ask::cpu));
    [&[P50, P99, FIRST_TOKEN], &delays[..], &times, &[START, IDLE, LOADED, OPEN]].concat()
}

/// The rows in which another gateway has a better figure, with those of both.
fn lost(results: &Results) -> String {
    let speeds = speeds();
    let mut table = String::new();
    for row in speeds.iter().copied().chain(costs()) {
        let Some(ours) = results.get(row, Subject::Sagewire) else { continue };
        let is_ahead = |theirs: f64| if speeds.contains(&row) { theirs > ours } else { theirs < ours };
        let ahead: Vec<String> = Subject::PEERS
            .into_iter()
            .filter_map(|peer| {
                let theirs = results.get(row, peer).filter(|theirs| is_ahead(*theirs))?;
                Some(format!("{} {}", peer.name(), number(theirs)))
            })
            .collect();
        if !ahead.is_empty() {
            let _ = writeln!(table, "| {row} | {} | {} |", number(ours), ahead.join(", "));
        }
    }
    if table.is_empty() {
        return "In no row of this run.\n".to_owned();
    }
    format!("| | sagewire's proxy | ahead |\n|---|---:|---|\n{table}")
}

fn cost_as_work_grows(results: &Results) -> String {
    let rows: Vec<&'static str> =
        CONNECTIONS.iter().map(|(_, name)| *name).chain(SIZES.iter().map(|(_, name)| *name)).collect();
    table(results, &[Subject::Forwarder, Subject::Sagewire], &rows)
}

fn table(results: &Results, columns: &[Subject], rows: &[&'static str]) -> String {
    let mut table = String::from("| |");
    for column in columns {
        let _ = write!(table, " {} |", column.name());
    }
    let _ = write!(table, "\n|---|{}\n", "---:|".repeat(columns.len()));
    for row in rows {
        let _ = write!(table, "| {row} |");
        for column in columns {
            let _ = write!(table, " {} |", results.get(row, *column).map_or_else(String::new, number));
        }
        table.push('\n');
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_has_its_row_and_a_forced_report_says_so() {
        let mut results = Results::default();
        results.add(Ask::Whole.name(), Subject::Sagewire, 8.0);
        results.add(Ask::Whole.name(), Subject::Forwarder, 10.0);
        let page = page(&results, &Sizes::default(), Plan::QUICK, Some(0.5), "## Notes\n");
        assert!(
            page.contains("| proxy, whole answers, against the bare forwarder | at least 0.75 | 0.800 | met |"),
            "{page}"
        );
        assert!(page.contains("In no row of this run."), "{page}");
        assert!(page.contains("busy machine") && page.contains("not run") && page.ends_with("## Notes\n"));
    }

    #[test]
    fn rows_that_are_lost_stand_before_targets_that_are_missed_and_those_that_are_met() {
        let mut results = Results::default();
        for (row, ours, theirs) in [(Ask::Whole.name(), 8.0, 9.0), (Ask::Stream.name(), 8.0, 7.0), (P50, 0.2, 0.1)] {
            results.add(row, Subject::Sagewire, ours);
            results.add(row, Subject::Smg, theirs);
        }
        results.add(Ask::Whole.name(), Subject::Forwarder, 80.0);
        results.add(IDLE, Subject::Sagewire, 11.0);
        let page = page(&results, &Sizes::default(), Plan::QUICK, None, "");
        let places = [
            "| whole answers/s | 8.00 | SMG 9.00 |",
            "| p50 at 1,000/s, ms | 0.200 | SMG 0.100 |",
            "against the bare forwarder | at least 0.75 | 0.100 | **not met** |",
            "| memory, idle | at most 12 MB | 11.0 MB | met |",
        ]
        .map(|line| page.find(line).expect(line));
        assert!(places.is_sorted(), "{page}");
        assert!(!page.contains("SMG 7.00"), "{page}");
    }
}
