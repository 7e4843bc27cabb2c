//! The programs that blocks are run with.
//!
//! Owns which block needs which. Programs by others are used only if a variable names them
//! (`sagewire-test-programs`).

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use libtest_mimic::Trial;
use sagewire_test_programs::Prepared;

use crate::{Outcome, page::Block};

#[derive(Debug)]
pub(crate) struct Tools {
    /// The command line of this project.
    pub(crate) sagewire: PathBuf,
    /// Which subcommands it has.
    pub(crate) subcommands: Vec<String>,
    pub(crate) curl: Prepared<PathBuf>,
    /// Where programs of the system are, for the shell.
    pub(crate) path: OsString,
}

impl Tools {
    pub(crate) fn find() -> &'static Self {
        static TOOLS: LazyLock<Tools> = LazyLock::new(|| {
            let sagewire = built();
            let help = Command::new(&sagewire).arg("--help").output().unwrap();
            let help = String::from_utf8(help.stdout).unwrap();
            let listed = help.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
            let subcommands: Vec<_> = listed.filter(|word| !word.is_empty()).map(str::to_owned).collect();
            assert!(subcommands.iter().any(|name| name == "serve"), "{help}");
            let path = sagewire_test_programs::search_path(&[]).unwrap();
            Tools { sagewire, subcommands, curl: sagewire_test_programs::curl(), path }
        });
        &TOOLS
    }

    /// A test of commands, which may need curl.
    pub(crate) fn trial_of_commands(
        &self,
        name: String,
        commands: &[&str],
        test: impl FnOnce() -> Outcome + Send + 'static,
    ) -> Trial {
        if commands.iter().any(|text| text.contains("curl ")) {
            self.curl.trial(name, |_| test())
        } else {
            Trial::test(name, test)
        }
    }
}

/// The Python for a page's scripts: the one with the packages that they import.
pub(crate) fn python(scripts: &[&Block]) -> Prepared<PathBuf> {
    if scripts.iter().any(|block| block.text.contains("langchain_openai")) {
        sagewire_test_programs::langchain()
    } else if scripts.iter().any(|block| block.text.contains("import boto3, pytest")) {
        sagewire_test_programs::pytest()
    } else {
        sagewire_test_programs::openai()
    }
}

/// The command line, which `cargo test --workspace` has built beside this test; else it is built
/// now.
fn built() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let folder = here.parent().and_then(Path::parent).unwrap();
    let program = folder.join("sagewire").with_extension(std::env::consts::EXE_EXTENSION);
    if !program.is_file() {
        let mut cargo = Command::new(env!("CARGO"));
        let built =
            cargo.args(["build", "--quiet", "-p", "sagewire-cli"]).current_dir(env!("CARGO_MANIFEST_DIR")).status();
        assert!(built.is_ok_and(|status| status.success()), "the command line cannot be built");
    }
    program
}
