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

*sagewire's proxy* is the program of the [container image](deployment.md#container-image): a static program built with a profile. The profile is made from other chats and other
answers than those of this page, so that the difference to *not guided* is what the profile gains on work it has not seen. *Not guided* is what `cargo build --profile dist` builds from the same source. The library is built without a profile, as
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
    page.push_str("\n## Targets\n\n| what | target | measured | |\n|---|---|---|---|\n");
    for bar in bars::all(results, sizes) {
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
    let speeds = Ask::ALL.map(Ask::name);
    let costs = Ask::ALL.map(Ask::cpu);
    let delays = DELAYS.map(|(_, name)| name);
    let rows = [&speeds[..], &[CALLS, P50, P99, FIRST_TOKEN], &delays, &costs, &[START, IDLE, LOADED, OPEN]].concat();
    table(results, &columns, &rows)
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
        assert!(page.contains("busy machine") && page.contains("not run") && page.ends_with("## Notes\n"));
    }
}
