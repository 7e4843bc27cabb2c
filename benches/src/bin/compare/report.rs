//! The report: `docs/performance.md`, whole.
//!
//! Owns its text and tables. What was learned in getting there, and where instructions go, stands in `benches/notes.md` and is taken over as it is.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::{
    bars::{self, Bar, Sizes, number},
    machine,
    measure::{Ask, CALLS, CONNECTIONS, FIRST_TOKEN, IDLE, LOADED, OPEN, P50, P99, Plan, SIZES, START},
    results::{Results, Subject},
};

const INTRODUCTION: &str = "# Performance

What sagewire costs beyond a forwarder that reads nothing and signs nothing, beside other gateways, on one machine in one run. This page is written by

<!-- not run: it takes three quarters of an hour, and a machine that does nothing else -->
```sh
cargo run --profile dist -p sagewire-benches --bin compare -- --guided --cold-build --peers target/venv-peers
```

Generator (`oha`), gateway and upstream share the machine, over HTTP on 127.0.0.1 with kept connections; logs go to `/dev/null`. Each figure is the median of
the rounds, each ratio the median of the rounds' own ratios; the rounds are interleaved. The upstream answers at once, from memory: whole answers of 64
tokens, streams of the same 64 tokens (each in an AWS event-stream frame and an HTTP chunk of its own), and 32 vectors of 1,024 numbers. sagewire signs every request, as SageMaker demands;
the forwarder signs none. TensorZero's gateway asks the same upstream by OpenAI's API.

sagewire's proxy is the one that the [image](deployment.md#a-container) has: a static program, built by what a first build counted at work. The mix that it counts has this page's short chat, stream and embeddings among others.
Beside it is what `cargo build --profile dist` makes of the same source. The library is built once, as any program that uses it.
";

/// The whole page.
pub(crate) fn page(results: &Results, sizes: &Sizes, plan: Plan, forced: Option<f64>, notes: &str) -> String {
    let mut page = INTRODUCTION.to_owned();
    if let Some(share) = forced {
        let _ = write!(
            page,
            "\n> **Measured on a busy machine**: others took up to {:.0} % of it. These figures say little.\n",
            share * 100.0
        );
    }
    page.push_str("\n## The machine\n\n");
    for (name, fact) in machine::describe() {
        let _ = writeln!(page, "- {name}: {fact}");
    }
    let _ = writeln!(page, "- {} rounds of {} s", plan.rounds, plan.seconds);
    page.push_str("\n## The bars\n\n| what | bar | measured | |\n|---|---|---|---|\n");
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
        Subject::TensorZero,
        Subject::LiteLlm,
        Subject::Library,
        Subject::Reqwest,
    ];
    let rows = [
        Ask::Whole.name(),
        Ask::Stream.name(),
        Ask::Embeddings.name(),
        P50,
        P99,
        FIRST_TOKEN,
        CALLS,
        START,
        IDLE,
        LOADED,
        OPEN,
    ];
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
