//! The same faults through LiteLLM's proxy and through ours: what each tells its caller.
//!
//! `SAGEWIRE_LITELLM_PYTHON` names a Python with `litellm[proxy]` and `boto3`. Without it, the test
//! is ignored. Both proxies read the same `config.yaml` and call the same emulator. It prints the
//! table of `docs/reliability.md`, and demands only of ours that nothing is lost, cut short in
//! silence, or left unexplained.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may stop at the first surprise"
)]

mod caller;
mod faults;
mod proxies;

use std::path::Path;

use libtest_mimic::Arguments;

use crate::{
    caller::Told,
    faults::{CASES, Case, Kind},
    proxies::Proxies,
};

/// How often each fault is injected.
const TIMES: usize = 10;

fn main() {
    let trial = sagewire_test_programs::litellm().trial("litellm_and_sagewire", |python| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(compare(python));
        Ok(())
    });
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit();
}

async fn compare(python: &Path) {
    let proxies = Proxies::start(python).await;
    println!("| injected | times | LiteLLM's proxy | sagewire |\n|---|---|---|---|");
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for case in CASES {
        let litellm = ask(&proxies, case, proxies.litellm).await;
        let sagewire = ask(&proxies, case, proxies.sagewire).await;
        println!("| {} | {TIMES} | {} | {} |", case.name, summary(&litellm), summary(&sagewire));
        theirs.extend(litellm.into_iter().map(|told| (case, told)));
        ours.extend(sagewire.into_iter().map(|told| (case, told)));
    }
    println!("\n| of {} answers | LiteLLM's proxy | sagewire |\n|---|---|---|", ours.len());
    let rows: [(&str, fn(&(&Case, Told)) -> bool); 3] = [
        ("lost, though the container said all of it", |(case, told)| {
            case.kind == Kind::Harmless && *told != Told::Whole
        }),
        ("cut short and called complete", |(_, told)| *told == Told::CutAndCalledComplete),
        ("failed without an explanation", |(_, told)| *told == Told::Unexplained),
    ];
    for (name, is) in rows {
        let count = |answers: &[(&Case, Told)]| answers.iter().filter(|answer| is(answer)).count();
        println!("| {name} | {} | {} |", count(&theirs), count(&ours));
        assert_eq!(count(&ours), 0, "sagewire: {name}");
    }
    assert!(theirs.iter().any(|(_, told)| *told == Told::Whole), "LiteLLM's proxy was never reached");
}

async fn ask(proxies: &Proxies, case: &Case, address: std::net::SocketAddr) -> Vec<Told> {
    let mut answers = Vec::new();
    for _ in 0..TIMES {
        proxies.inject(case);
        answers.push(caller::ask(address, case).await);
        proxies.forget();
    }
    answers
}

/// How many of each, the commonest outcome by its name alone.
fn summary(answers: &[Told]) -> String {
    let kinds = [Told::Whole, Told::Explained, Told::CutAndCalledComplete, Told::Unexplained];
    let counted = kinds.iter().map(|kind| (kind, answers.iter().filter(|told| *told == kind).count()));
    let parts: Vec<String> =
        counted.filter(|(_, count)| *count > 0).map(|(kind, count)| format!("{count} {kind}")).collect();
    parts.join(", ")
}
