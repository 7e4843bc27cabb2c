//! Random schedules of faults, and after each run the model of what must hold.
//!
//! `SAGEWIRE_SEED=<seed>` repeats one run and prints it; `SAGEWIRE_SCHEDULES=<n>` sets how many there are.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod model;
mod proxied;
mod run;
mod sabotage;
mod schedule;
mod speaker;
mod tally;

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    model::violations,
    run::{Saboteur, run},
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

/// Runs so many schedules that go one of these ways, each from its own seed, and stops at the first that breaks a rule.
fn check(name: &str, count: u64, ways: &[(Way, Net)]) {
    if let Some(seed) = variable("SAGEWIRE_SEED") {
        let schedule = Schedule::new(seed, ways);
        let evidence = run(&schedule, Saboteur::default());
        println!("{schedule:#?}\n{evidence:#?}");
        assert_eq!(violations(&schedule, &evidence), []);
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
                    let evidence = run(&schedule, Saboteur::default());
                    let broken = violations(&schedule, &evidence);
                    if !broken.is_empty() {
                        next.store(count, Ordering::Relaxed);
                        panic!(
                            "SAGEWIRE_SEED={seed} cargo test -p sagewire-tests --test reliability {name} -- --nocapture\n{broken:?}\n{}",
                            evidence.told()
                        );
                    }
                    tally.lock().unwrap().add(&schedule, &evidence);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    println!("{name}: {tally}");
    tally.assert_worth_having();
}

#[test]
fn schedules_in_memory() {
    let count = variable("SAGEWIRE_SCHEDULES").unwrap_or(3_000);
    let ways = [
        (Way::Provider, Net::Memory),
        (Way::Provider, Net::MemoryHttp2),
        (Way::Router, Net::Memory),
        (Way::Router, Net::MemoryHttp2),
    ];
    check("schedules_in_memory", count, &ways);
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
