//! One-line templates that probe the language, with what Python answered. One test per class of
//! probes.
//!
//! [`EXPECTED`] lists the probes that are known to differ, each with its reason. A probe of the
//! list that no longer differs fails too, so that the list stays short.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod vectors;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_chat_template::{ChatTemplate, Conversation, SpecialTokens, TemplateError};
use serde_json::{Map, Value, json};

/// Probes that differ, and why.
const EXPECTED: [(&str, &str); 2] = [
    (
        "{{ 12345678901234567890123456789012345678901234567890 }}",
        "the engine's lexer reads integers of up to 128 bits, Python's have no bound",
    ),
    ("{{ 'http://x.y'|urlize }}", "the filter is refused: it turns addresses into HTML links, which no prompt needs"),
];

fn main() {
    let arguments = Arguments::from_args();
    let tests = match vectors::folder("chat-templates") {
        Some(folder) => trials(&folder),
        None => vec![vectors::absent("probes")],
    };
    libtest_mimic::run(&arguments, tests).exit();
}

fn trials(folder: &Path) -> Vec<Trial> {
    let context = std::fs::read_to_string(folder.join("probe_ctx.json")).unwrap();
    let context: Arc<Map<String, Value>> = Arc::new(serde_json::from_str(&context).unwrap());
    let mut classes: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let probes = vectors::json_lines(&folder.join("probes.jsonl"));
    assert_eq!(probes.len(), 435, "the vectors hold 435 probes");
    for probe in probes {
        classes.entry(probe["cls"].as_str().unwrap().to_owned()).or_default().push(probe);
    }
    let trial = |(class, probes): (String, Vec<Value>)| {
        let context = Arc::clone(&context);
        Trial::test(class, move || compare(&probes, &context))
    };
    classes.into_iter().map(trial).collect()
}

fn compare(probes: &[Value], context: &Map<String, Value>) -> Result<(), Failed> {
    let mut differences = Vec::new();
    for probe in probes {
        let source = probe["template"].as_str().unwrap();
        let difference = difference(probe, &render(source, context));
        let listed = EXPECTED.iter().any(|(template, _)| *template == source);
        match difference {
            Some(difference) if !listed => differences.push(format!("{source}: {difference}")),
            None if listed => differences.push(format!("{source}: is listed as different, but is not")),
            _ => {}
        }
    }
    vectors::report(&differences)
}

fn render(source: &str, context: &Map<String, Value>) -> Result<String, TemplateError> {
    let template = ChatTemplate::from_jinja(source, SpecialTokens::new())?;
    let messages = [json!({"role": "user", "content": "x"})];
    template.render(&Conversation::new(&messages).kwargs(context), &vectors::recorded_at)
}

fn difference(probe: &Value, rendered: &Result<String, TemplateError>) -> Option<String> {
    match (probe.get("output").and_then(Value::as_str), rendered) {
        // Python prints where an object is in memory: no two runs agree on that.
        (Some(expected), Ok(text)) if probe.get("address").is_some() => {
            (without_address(expected) != without_address(text)).then(|| format!("expected {expected:?}, got {text:?}"))
        }
        (Some(expected), Ok(text)) => (expected != text).then(|| format!("expected {expected:?}, got {text:?}")),
        (Some(expected), Err(error)) => Some(format!("expected {expected:?}, but failed: {error:?}")),
        (None, Ok(text)) => Some(format!("should fail with {}, but gave {text:?}", probe["error"])),
        (None, Err(error)) => {
            let class = probe["error"]["type"].as_str().unwrap();
            let same = match error {
                TemplateError::Raised { message } => class == "TemplateError" && *message == probe["error"]["message"],
                TemplateError::Syntax { .. } => matches!(class, "TemplateSyntaxError" | "TemplateAssertionError"),
                TemplateError::Undefined { .. } => class == "UndefinedError",
                TemplateError::Type { .. } => class == "TypeError",
                TemplateError::Forbidden { .. } => class == "SecurityError",
                TemplateError::Runtime { .. } => class == "TemplateRuntimeError",
                _ => false,
            };
            (!same).then(|| format!("should fail with {}, but failed with {error:?}", probe["error"]))
        }
    }
}

fn without_address(text: &str) -> &str {
    text.split(" at 0x").next().unwrap_or(text)
}
