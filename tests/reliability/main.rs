//! Random schedules of faults, and after each run the model of what must hold.
//!
//! `SAGEWIRE_SEED=<seed>` repeats one run and prints it; `SAGEWIRE_SCHEDULES=<n>` sets how many
//! there are.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod callers;
mod gateway;
mod model;
mod proxied;
mod run;
mod sabotage;
mod schedule;
mod speaker;
mod tally;

use std::{
    collections::HashSet,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    model::{Violation, violations},
    run::{Saboteur, weighed},
    schedule::{Net, Schedule, Way},
    tally::Tally,
};

/// How many threads run schedules at a time.
const THREADS: usize = 2;

fn variable(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "a test is told by its environment which runs to make")]
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// Runs so many schedules that go one of these ways, each from its own seed, and stops at the first
/// that breaks a rule.
fn check(name: &str, count: u64, ways: &[(Way, Net)]) {
    if let Some(seed) = variable("SAGEWIRE_SEED") {
        let schedule = Schedule::new(seed, ways);
        let (broken, memory) = weighed(&schedule, Saboteur::default(), |evidence| {
            println!("{schedule:#?}\n{evidence:#?}");
            violations(&schedule, evidence)
        });
        assert_eq!(broken, []);
        assert!(memory.kept <= 0, "{memory:?}");
        return;
    }
    let next = AtomicU64::new(0);
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= count {
                        break;
                    }
                    let schedule = Schedule::new(seed, ways);
                    let (judged, memory) = weighed(&schedule, Saboteur::default(), |evidence| {
                        let broken = violations(&schedule, evidence);
                        if broken.is_empty() {
                            tally.lock().unwrap().add(&schedule, evidence);
                            return Ok(());
                        }
                        Err((broken, evidence.told()))
                    });
                    let judged = judged.and_then(|()| match memory.kept {
                        ..=0 => Ok(()),
                        kept => Err((vec![Violation::MemoryKept(kept)], String::new())),
                    });
                    if let Err((broken, told)) = judged {
                        next.store(count, Ordering::Relaxed);
                        panic!(
                            "SAGEWIRE_SEED={seed} cargo test -p sagewire-tests --test reliability {name} -- --nocapture\n{broken:?}\n{told}"
                        );
                    }
                    tally.lock().unwrap().weigh(memory.most);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    println!("{name}: {tally}");
    tally.assert_worth_having();
}

const IN_MEMORY: [(Way, Net); 4] = [
    (Way::Provider, Net::Memory),
    (Way::Provider, Net::MemoryHttp2),
    (Way::Router, Net::Memory),
    (Way::Router, Net::MemoryHttp2),
];

#[test]
fn schedules_in_memory() {
    check("schedules_in_memory", variable("SAGEWIRE_SCHEDULES").unwrap_or(3_000), &IN_MEMORY);
}

/// Two calls correct the clock by answers of different age, and their next attempts are of the same
/// second.
#[test]
fn a_corrected_clock_may_show_a_second_again() {
    let schedule = Schedule::new(80_270, &IN_MEMORY);
    let broken = weighed(&schedule, Saboteur::default(), |evidence| {
        let signatures: HashSet<_> = evidence.sent.iter().map(|attempt| &attempt.authorization).collect();
        assert!(signatures.len() < evidence.sent.len(), "this seed no longer shows it");
        violations(&schedule, evidence)
    });
    assert_eq!(broken.0, []);
}

#[test]
fn schedules_through_the_proxy() {
    let count = variable("SAGEWIRE_SCHEDULES").map_or(300, |count| count.div_ceil(10));
    check("schedules_through_the_proxy", count, &[(Way::Proxy, Net::Memory)]);
}

#[test]
fn schedules_over_sockets() {
    let count = variable("SAGEWIRE_SCHEDULES").map_or(200, |count| count.div_ceil(50));
    let ways = [(Way::Provider, Net::Sockets), (Way::Router, Net::Sockets), (Way::Proxy, Net::Sockets)];
    check("schedules_over_sockets", count, &ways);
}
