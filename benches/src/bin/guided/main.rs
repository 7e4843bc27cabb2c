//! Builds the command line twice: first so that it counts where it goes, and, once it has worked,
//! by what it counted.
//!
//! `cargo run -p sagewire-benches --bin guided` prints where the binary is. Most of what a request
//! costs a gateway is code that is not in the processor's cache: a compiler that knows which way
//! requests go puts that way in one place, and makes the rest small.
//!
//! - `--target TRIPLE`: for another one than this machine's, which must be able to run it
//! - `--static`: without the C library's shared object, as the image has it. The program that
//!   counts is not: code that is never called would be kept in it for its counters, and some of
//!   that calls what a static C library does not have
//! - everything else goes to `cargo build`, as `--no-default-features --features otlp`
//!
//! It needs `llvm-profdata`, by `rustup component add llvm-tools` or of an LLVM that reads this compiler's profiles: <https://doc.rust-lang.org/rustc/profile-guided-optimization.html>
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a program says what it is doing, and where the result is"
)]

use std::{path::PathBuf, process::Command};

mod load;
mod tools;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    target: Option<String>,
    is_static: bool,
    cargo: Vec<String>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut arguments = Self::default();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--target" => arguments.target = Some(words.next().ok_or("`--target` wants a triple")?),
                "--static" => arguments.is_static = true,
                _ => arguments.cargo.push(word),
            }
        }
        Ok(arguments)
    }
}

/// One of the two builds. Each has a folder of its own: their flags differ, and either can be
/// continued.
#[derive(Debug)]
struct Build<'a> {
    folder: PathBuf,
    target: &'a str,
    is_static: bool,
    cargo: &'a [String],
}

impl Build<'_> {
    /// Builds with this flag, and gives the binary's path.
    #[expect(clippy::disallowed_methods, reason = "the flags that cargo itself would read")]
    fn run(&self, flag: &str) -> Result<PathBuf, Failure> {
        let mut flags = std::env::var("RUSTFLAGS").unwrap_or_default();
        if self.is_static {
            flags.push_str(" -C target-feature=+crt-static");
        }
        flags.push(' ');
        flags.push_str(flag);
        // With an explicit target the flags stay away from build scripts and macros.
        let built = Command::new("cargo")
            .args(["build", "--locked", "--profile", "dist", "-p", "sagewire-cli", "--target", self.target])
            .args(self.cargo)
            .env("RUSTFLAGS", flags.trim_start())
            .env("CARGO_TARGET_DIR", &self.folder)
            .status()?;
        if !built.success() {
            return Err(format!("the build with `{flag}` failed").into());
        }
        Ok(self.folder.join(self.target).join("dist").join(format!("sagewire{}", std::env::consts::EXE_SUFFIX)))
    }
}

async fn run(arguments: &Arguments) -> Result<PathBuf, Failure> {
    let compiler = tools::Compiler::find()?;
    let merge = compiler.profdata()?;
    let target = arguments.target.as_deref().unwrap_or(&compiler.host);
    let folder = tools::target_folder()?.join("guided");
    let counts = folder.join("counts");
    let build = |name, is_static| Build { folder: folder.join(name), target, is_static, cargo: &arguments.cargo };

    eprintln!("first build: it counts");
    // What an earlier run counted is of another program.
    let _ = std::fs::remove_dir_all(&counts);
    let counting = build("counting", false).run(&format!("-Cprofile-generate={}", counts.display()))?;
    eprintln!("at work");
    load::run(&counting, &folder).await?;
    let profile = tools::merge_to(&merge, &counts, &folder.join("profiles"))?;
    eprintln!("second build: by what was counted");
    let guided = build("guided", arguments.is_static).run(&format!("-Cprofile-use={}", profile.display()))?;
    // A binary beside the others, where the caller looks for it.
    let result = folder.join("sagewire");
    std::fs::copy(guided, &result)?;
    Ok(result)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    println!("{}", run(&arguments).await?.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ours_is_cargos() {
        let parse = |line: &str| Arguments::parse(line.split_whitespace().map(str::to_owned));
        let arguments = parse("--static --features otlp --target x86_64-unknown-linux-gnu -v").unwrap();
        assert_eq!(
            arguments,
            Arguments {
                target: Some("x86_64-unknown-linux-gnu".to_owned()),
                is_static: true,
                cargo: ["--features", "otlp", "-v"].map(str::to_owned).to_vec(),
            }
        );
        assert!(parse("--target").is_err());
    }
}
