//! What is published: every crate's package, the book.
//!
//! Owns what each must have. A case whose program is not named is reported as ignored.

use std::{fs, process::Command};

use libtest_mimic::{Failed, Trial};
use sagewire_test_programs::MdBook;

use crate::{Outcome, page, tools::Tools};

pub(crate) fn trials(tools: &'static Tools) -> Vec<Trial> {
    vec![
        Trial::test("packages::each_has_what_a_registry_shows", each_has_what_a_registry_shows),
        Trial::test("book::picture", || picture(tools)),
        sagewire_test_programs::mdbook().trial("book::builds", book),
    ]
}

fn each_has_what_a_registry_shows() -> Outcome {
    let mut missing = Vec::new();
    for folder in page::crates() {
        let manifest: toml::Table = toml::from_str(&fs::read_to_string(folder.join("Cargo.toml"))?)?;
        let package = manifest.get("package").and_then(toml::Value::as_table).ok_or("a manifest without a package")?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for key in ["description", "license", "repository", "keywords", "categories", "rust-version", "authors"] {
            if !package.contains_key(key) {
                missing.push(format!("{name}: `{key}`"));
            }
        }
        // What crates.io accepts.
        let keywords = package.get("keywords").and_then(toml::Value::as_array).map_or(0, Vec::len);
        if !(1..=5).contains(&keywords) {
            missing.push(format!("{name}: 1 to 5 keywords"));
        }
        for file in ["README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
            if !folder.join(file).is_file() {
                missing.push(format!("{name}: {file}"));
            }
        }
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            if fs::read(folder.join(licence)).ok() != fs::read(page::root().join(licence)).ok() {
                missing.push(format!("{name}: the project's {licence}"));
            }
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(format!("packages lack {}", missing.join(", ")).into()) }
}

/// The book's preprocessor is run by the Python that is named, and not by the one of the page's
/// settings.
fn book(mdbook: &MdBook) -> Outcome {
    let folder = tempfile::Builder::new().prefix("sagewire").tempdir()?;
    let preprocessor = format!("{} links_out.py", mdbook.python.display());
    let mut command = Command::new(&mdbook.program);
    command.env("MDBOOK_PREPROCESSOR__LINKS_OUT__COMMAND", preprocessor);
    succeeds(command.arg("build").arg("--dest-dir").arg(folder.path()).arg(page::root().join("docs")))?;
    let mut files = fs::read_dir(folder.path())?.filter_map(Result::ok);
    let has_search = files.any(|file| file.file_name().to_string_lossy().starts_with("searchindex"));
    if has_search { Ok(()) } else { Err("the book has no search".into()) }
}

/// The picture shows what the demo prints of its first call; what changes with each run (the port,
/// times) is not compared.
fn picture(tools: &Tools) -> Outcome {
    let output = Command::new(&tools.sagewire).args(["demo", "--once"]).output()?;
    let shown = String::from_utf8(output.stdout)?;
    let picture = fs::read_to_string(page::root().join("docs/picture/demo.svg"))?;
    let mut compared = 0;
    for line in shown.lines().take_while(|line| !line.starts_with("2. ")) {
        let Some((label, text)) = line.trim_start().split_once(": ").filter(|(label, _)| *label != "time") else {
            continue;
        };
        // Long lines are cut in the picture, and marks have a colour of their own.
        let text: String = text.trim().trim_end_matches("(verified)").chars().take(60).collect();
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        compared += 1;
        if !picture.contains(&text) {
            return Err(format!(
                "the picture lacks the {label} `{text}`: make it anew, as docs/picture/terminal.py says"
            )
            .into());
        }
    }
    if compared >= 5 { Ok(()) } else { Err(format!("only {compared} lines were compared").into()) }
}

pub(crate) fn succeeds(command: &mut Command) -> Outcome {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(Failed::from(String::from_utf8_lossy(&said).into_owned()))
}
