//! The emulator, called by boto3: a client written by others, from AWS's own service models.
//!
//! `SAGEWIRE_PYTHON` names a Python with boto3. Without it, every case is reported as ignored.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod account;
mod exports;
mod identity;
mod python;
mod runtime;

use libtest_mimic::Arguments;

fn main() {
    let python = sagewire_test_programs::boto3();
    let cases: Vec<(&str, python::Case)> = [runtime::CASES, identity::CASES, exports::CASES, account::CASES].concat();
    let trials = cases.into_iter().map(|(name, case)| {
        python.trial(name, move |python| {
            python::run(python, case);
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}
