//! The emulator, called by boto3: a client written by others, from AWS's own service models.
//!
//! It needs a Python that has boto3: `$SAGEWIRE_PYTHON`, or the virtual environment `venv-boto3` in the target folder
//! (`python3 -m venv target/venv-boto3 && target/venv-boto3/bin/pip install boto3`), or `python3`. Without one, every case is
//! reported as ignored.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod identity;
mod python;
mod runtime;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let python = python::find();
    let cases: Vec<(&str, python::Case)> = [runtime::CASES, identity::CASES].concat();
    let trials = cases
        .into_iter()
        .map(|(name, case)| {
            let python = python.clone();
            let missing = python.is_none();
            Trial::test(name, move || {
                let python = python.ok_or("there is no Python with boto3")?;
                python::run(&python, case);
                Ok(())
            })
            .with_ignored_flag(missing)
        })
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
