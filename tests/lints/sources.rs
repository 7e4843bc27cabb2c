//! The text of the sources, and what stands between quotes in it.

use std::{fs, path::PathBuf};

use sagewire_tests::page;

/// The files of the crates, without their tests. What follows the first inner test module is left
/// out.
pub(crate) fn sources() -> Vec<(PathBuf, String)> {
    let mut sources = Vec::new();
    for folder in page::crates() {
        for path in page::files_below(&folder.join("src"), "rs") {
            let is_test = path.file_name().is_some_and(|name| name == "tests.rs" || name == "fixture.rs")
                || path.components().any(|part| part.as_os_str() == "tests");
            if !is_test {
                let text = fs::read_to_string(&path).unwrap();
                let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
                sources.push((path, text.get(..end).unwrap_or(&text).to_owned()));
            }
        }
    }
    assert!(sources.len() > 100, "only {} sources", sources.len());
    sources
}

/// The texts between quotes.
pub(crate) fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| line.split('"').skip(1).step_by(2))
}
