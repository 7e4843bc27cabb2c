//! Load over time: many streams, many connections, idle callers and slow readers, with the proxy in
//! a process of its own.
//!
//! `soak streams|half|churn|idle|slow-readers` starts `soak emulate` and `soak serve` as children, loads
//! the proxy, prints what both use over time and judges: every answer whole, and memory, file
//! descriptors and tasks flat. `SOAK_SECONDS` sets how long (10), `SOAK_CLIENTS` how many (1,000;
//! half 16; churn 64; idle 10,000; slow-readers 100).
#![expect(clippy::print_stdout, reason = "it prints its figures")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement may stop at the first surprise"
)]

mod client;
mod load;
mod measure;
mod server;

use rustix::process::{Resource, getrlimit, setrlimit};

/// That of `sagewire`, which these processes stand in for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // A shell's 1,024 open files are too few for 1,000 streams, which take two of the proxy's each.
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let command = std::env::args().nth(1).unwrap_or_default();
    runtime.block_on(async {
        match command.as_str() {
            "emulate" => server::emulate().await,
            "serve" => server::serve(&std::env::args().nth(2).unwrap_or_default()).await,
            "streams" => load::streams().await,
            "half" => load::half().await,
            "churn" => load::churn().await,
            "idle" => load::idle().await,
            "slow-readers" => load::slow_readers().await,
            _ => panic!("say `soak streams`, `half`, `churn`, `idle` or `slow-readers`"),
        }
    });
}

/// A number from the environment.
fn number(variable: &str, default: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a measurement is told by its environment how long it lasts")]
    let value = std::env::var(variable).ok();
    value.map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{variable} must be a number")))
}
