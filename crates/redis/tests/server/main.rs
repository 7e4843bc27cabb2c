//! What replicas share, over a real Redis: a server, and a cluster of three.
//!
//! Needs `SAGEWIRE_REDIS_SERVER`; without it every test is reported as ignored.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod exact;
mod faults;
mod layout;
mod server;
mod suites;

use std::{future::Future, path::Path};

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_test_programs::Prepared;

fn main() {
    let program = sagewire_test_programs::redis_server();
    let mut trials = suites::trials(&program);
    trials.extend(exact::trials(&program));
    trials.extend(faults::trials(&program));
    trials.extend(layout::trials(&program));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// A test in real time, on several threads.
fn trial<F: Future<Output = ()>>(
    program: &Prepared<std::path::PathBuf>,
    name: &str,
    test: impl FnOnce(std::path::PathBuf) -> F + Send + 'static,
) -> Trial {
    program.trial(name, move |program: &std::path::PathBuf| -> Result<(), Failed> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(test(Path::new(program).to_owned()));
        Ok(())
    })
}
