//! `transformers` beside our engine: a process that renders cases, and what counts as the same
//! outcome.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use libtest_mimic::Failed;
use sagewire_chat_template::{ChatTemplate, Conversation, SpecialTokens, TemplateError};
use serde_json::Value;

use crate::vectors;

/// A Python process that renders one case after the other.
pub(crate) struct Transformers {
    child: Child,
    outcomes: BufReader<ChildStdout>,
}

impl Transformers {
    pub(crate) fn start(python: &Path) -> Result<Self, Failed> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential/render.py");
        let mut command = Command::new(python);
        let command = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let outcomes = BufReader::new(child.stdout.take().unwrap());
        Ok(Self { child, outcomes })
    }

    /// What `transformers` makes of a case: its `output`, or an `error` with its `message`.
    pub(crate) fn render(&mut self, case: &Value) -> Result<Value, Failed> {
        let input = self.child.stdin.as_mut().unwrap();
        writeln!(input, "{case}")?;
        let mut outcome = String::new();
        self.outcomes.read_line(&mut outcome)?;
        Ok(serde_json::from_str(&outcome)?)
    }

    /// Waits for the end of the process.
    pub(crate) fn end(mut self) -> Result<(), Failed> {
        drop(self.child.stdin.take());
        if self.child.wait()?.success() { Ok(()) } else { Err("the script failed".into()) }
    }
}

/// What our engine makes of a case.
pub(crate) fn render(case: &Value) -> Result<String, TemplateError> {
    let tokens = SpecialTokens::new().with("bos_token", "<s>").with("eos_token", "</s>");
    let template = ChatTemplate::from_jinja(case["template"].as_str().unwrap(), tokens)?;
    let mut conversation = Conversation::new(case["messages"].as_array().unwrap())
        .add_generation_prompt(case["add_generation_prompt"].as_bool().unwrap())
        .kwargs(case["kwargs"].as_object().unwrap());
    conversation.tools = case["tools"].as_array().map(Vec::as_slice);
    conversation.documents = case["documents"].as_array().map(Vec::as_slice);
    if case["continue_final_message"] == true {
        conversation = conversation.continue_final_message();
    }
    template.render(&conversation, &vectors::recorded_at)
}

/// How both outcomes differ, if they do.
pub(crate) fn difference(outcome: &Value, ours: &Result<String, TemplateError>) -> Option<String> {
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
