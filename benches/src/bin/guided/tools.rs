//! The compiler, and the program that makes one profile of what was counted.
//!
//! Owns finding them. A profile has a format of its compiler's LLVM: the merging program must read
//! it.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::Failure;

/// Names under which systems install `llvm-profdata`, the newest first.
const NAMES: [&str; 6] =
    ["llvm-profdata", "llvm-profdata-22", "llvm-profdata-21", "llvm-profdata-20", "llvm-profdata-19", "rust-profdata"];

/// The compiler that cargo uses here.
#[derive(Debug)]
pub(crate) struct Compiler {
    /// The triple of this machine.
    pub(crate) host: String,
    sysroot: PathBuf,
}

impl Compiler {
    pub(crate) fn find() -> Result<Self, Failure> {
        let said = |argument: &str, more: &str| -> Result<String, Failure> {
            let output = Command::new("rustc").args([argument, more]).output()?;
            Ok(String::from_utf8(output.stdout)?)
        };
        let host = said("--version", "--verbose")?
            .lines()
            .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
            .ok_or("rustc does not say what it compiles for")?;
        Ok(Self { host, sysroot: said("--print", "sysroot")?.trim().into() })
    }

    /// A program that merges this compiler's counts: its own, or one of the system's that shows it
    /// can.
    pub(crate) fn profdata(&self) -> Result<PathBuf, Failure> {
        let own = self.sysroot.join("lib/rustlib").join(&self.host).join("bin/llvm-profdata");
        let systems = NAMES.iter().map(PathBuf::from);
        let versioned =
            ["22", "21", "20", "19"].iter().map(|version| format!("/usr/lib/llvm-{version}/bin/llvm-profdata").into());
        let probe = Probe::make()?;
        std::iter::once(own).chain(systems).chain(versioned).find(|program| probe.is_read_by(program)).ok_or_else(|| {
            "no `llvm-profdata` reads this compiler's counts: `rustup component add llvm-tools` brings the right one".into()
        })
    }
}

/// The counts of a program of one line: who reads them reads ours.
struct Probe {
    folder: PathBuf,
}

impl Probe {
    fn make() -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("sagewire-guided-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let probe = Self { folder };
        let (source, program) = (probe.folder.join("probe.rs"), probe.folder.join("probe"));
        std::fs::write(&source, "fn main() {}\n")?;
        let counts = format!("-Cprofile-generate={}", probe.folder.display());
        let built = Command::new("rustc").arg(counts).arg("-o").arg(&program).arg(&source).status()?;
        if built.success() && Command::new(&program).status()?.success() {
            Ok(probe)
        } else {
            Err("this compiler makes no program that counts".into())
        }
    }

    fn is_read_by(&self, program: &Path) -> bool {
        merge(program, &self.folder, &self.folder.join("probe.profdata")).is_ok()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // What stays in the folder for temporary files does no harm.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Makes one profile of all counts in a folder.
pub(crate) fn merge(program: &Path, counts: &Path, profile: &Path) -> Result<(), Failure> {
    let raw: Vec<PathBuf> = std::fs::read_dir(counts)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension() == Some(OsStr::new("profraw")))
        .collect();
    if raw.is_empty() {
        return Err("nothing was counted: the program did not come to its end".into());
    }
    let output = Command::new(program).args(["merge", "--sparse", "-o"]).arg(profile).args(&raw).output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("the counts could not be merged: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// The same into a folder that holds nothing else, under a name that no other profile has: cargo
/// builds anew for another flag, and never looks into the file that a flag names.
pub(crate) fn merge_to(program: &Path, counts: &Path, folder: &Path) -> Result<PathBuf, Failure> {
    // What an earlier run left is of another program.
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder)?;
    let merged = folder.join("merged");
    merge(program, counts, &merged)?;
    let named = folder.join(format!("{:08x}.profdata", crc32fast::hash(&std::fs::read(&merged)?)));
    std::fs::rename(merged, &named)?;
    Ok(named)
}

/// Where cargo builds: this program lies in a profile's folder of it.
pub(crate) fn target_folder() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()?;
    Ok(program.ancestors().nth(2).ok_or("this program has no target folder")?.to_owned())
}
