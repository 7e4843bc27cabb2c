//! Random templates and conversations, rendered by us and by Python's `transformers`: both give the
//! same text, or fail in the same way.
//!
//! `SAGEWIRE_TRANSFORMERS_PYTHON` names a Python with `transformers` (it needs no torch). Without
//! it, the test is ignored. `$SAGEWIRE_DIFFERENTIAL` is the number of cases and `$SAGEWIRE_SEED`
//! the seed, for longer runs; `$SAGEWIRE_CASES` names a file with cases to run instead, one JSON
//! object per line.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

#[path = "differential/generator.rs"]
mod generator;
#[path = "differential/grammar.rs"]
mod grammar;
mod vectors;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::{Arguments, Failed};
use sagewire_chat_template::{ChatTemplate, Conversation, SpecialTokens, TemplateError};
use serde_json::Value;

/// How many cases a plain run has.
const CASES: usize = 600;

fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the tests' own configuration, read before any thread starts")]
    std::env::var(name).ok()
}

fn main() {
    let arguments = Arguments::from_args();
    let number = |name: &str| variable(name).and_then(|text| text.parse::<usize>().ok());
    let cases = number("SAGEWIRE_DIFFERENTIAL").unwrap_or(CASES);
    let seed = number("SAGEWIRE_SEED").unwrap_or(1);
    let python = sagewire_test_programs::transformers();
    let test = python.trial("random templates", move |python| compare(python, cases, seed as u64));
    libtest_mimic::run(&arguments, vec![test]).exit();
}

fn compare(python: &Path, cases: usize, seed: u64) -> Result<(), Failed> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential/render.py");
    let mut child =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut random = generator::Random::new(seed);
    let cases: Vec<Value> = match variable("SAGEWIRE_CASES") {
        Some(file) => vectors::json_lines(file.as_ref()),
        None => (0..cases).map(|_| generator::case(&mut random)).collect(),
    };
    let mut input = child.stdin.take().unwrap();
    let lines: Vec<String> = cases.iter().map(|case| format!("{case}\n")).collect();
    let writer = std::thread::spawn(move || lines.iter().all(|line| input.write_all(line.as_bytes()).is_ok()));
    let mut differences = Vec::new();
    let mut outcomes = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut rendered = 0;
    for case in &cases {
        let outcome = outcomes.next().ok_or("the script stopped before its last case")??;
        let outcome: Value = serde_json::from_str(&outcome)?;
        let ours = render(case);
        rendered += usize::from(ours.is_ok());
        if let Some(difference) = difference(&outcome, &ours) {
            differences.push(format!("{case}\n  {difference}"));
        }
    }
    assert!(writer.join().unwrap() && child.wait()?.success());
    assert!(rendered * 6 > cases.len(), "nearly all cases fail: {rendered} of {} render", cases.len());
    vectors::report(&differences)
}

fn render(case: &Value) -> Result<String, TemplateError> {
    let tokens = SpecialTokens::new().with("bos_token", "<s>").with("eos_token", "</s>");
    let template = ChatTemplate::from_jinja(case["template"].as_str().unwrap(), tokens)?;
    let mut conversation = Conversation::new(case["messages"].as_array().unwrap())
        .add_generation_prompt(case["add_generation_prompt"].as_bool().unwrap())
        .kwargs(case["kwargs"].as_object().unwrap());
    if let Some(tools) = case["tools"].as_array() {
        conversation = conversation.tools(tools);
    }
    if case["continue_final_message"].as_bool().unwrap() {
        conversation = conversation.continue_final_message();
    }
    template.render(&conversation, &vectors::recorded_at)
}

fn difference(outcome: &Value, ours: &Result<String, TemplateError>) -> Option<String> {
    match (outcome["output"].as_str(), ours) {
        (Some(theirs), Ok(ours)) => {
            // Addresses of objects differ between any two runs.
            let (theirs, ours) = (without_addresses(theirs), without_addresses(ours));
            // An address taken apart into letters.
            let apart = theirs.contains("'0', 'x', '") && theirs.len() == ours.len();
            // A method of safe text that is not called prints as one of plain text.
            let uncalled = theirs.contains("<bound method Markup.");
            (theirs != ours && !apart && !uncalled).then(|| format!("Python: {theirs:?}\n  ours:   {ours:?}"))
        }
        // Jinja2 evaluates constants when it compiles, and there a slice of a number is undefined.
        (_, Err(TemplateError::Type { detail, .. })) if detail.contains("object is not subscriptable") => None,
        (Some(theirs), Err(error)) => Some(format!("Python: {theirs:?}\n  ours:   {error}")),
        (None, Ok(ours)) => Some(format!("Python: {outcome}\n  ours:   {ours:?}")),
        (None, Err(error)) => {
            let class = outcome["error"].as_str().unwrap();
            let same = match error {
                TemplateError::Syntax { .. } => matches!(class, "TemplateSyntaxError" | "TemplateAssertionError"),
                TemplateError::Raised { .. } => class == "TemplateError",
                TemplateError::Undefined { .. } => class == "UndefinedError",
                TemplateError::Type { .. } => matches!(class, "TypeError" | "AttributeError"),
                TemplateError::Forbidden { .. } => class == "SecurityError",
                TemplateError::Runtime { .. } => !matches!(class, "UndefinedError" | "TypeError" | "SecurityError"),
                TemplateError::LimitExceeded { .. } => matches!(class, "MemoryError" | "OverflowError"),
                TemplateError::Conversation(_) => class == "ValueError",
                _ => false,
            };
            (!same).then(|| format!("Python: {outcome}\n  ours:   {error:?}"))
        }
    }
}

fn without_addresses(text: &str) -> String {
    let text = text.replace("T 0X", "t 0x");
    let mut pieces = text.split("t 0x");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(piece.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    }
    out
}
