//! Corners of the language that the recorded probes do not reach, each with what Python answers.
//!
//! A file of `language/` is one case: the template, a line `---`, and the expected text.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_chat_template::{ChatTemplate, Conversation, SpecialTokens};
use serde_json::json;

fn main() {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "there are cases");
    let trial = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        Trial::test(name, move || check(&path))
    };
    libtest_mimic::run(&arguments, files.into_iter().map(trial).collect()).exit();
}

fn check(path: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    let (source, expected) = text.split_once("\n---\n").ok_or("a case needs a line `---`")?;
    let template = ChatTemplate::from_jinja(source, SpecialTokens::new())?;
    let messages = [json!({"role": "user", "content": "Hi"})];
    let rendered = template.render(&Conversation::new(&messages), &|| std::time::UNIX_EPOCH)?;
    let expected = expected.strip_suffix('\n').unwrap_or(expected);
    if rendered == expected { Ok(()) } else { Err(format!("expected {expected:?}\n     got {rendered:?}").into()) }
}
