//! The task: write a greeting, look at it by two calls at once, tell what came of them.

use serde_json::{Map, Value, json};

use super::{
    super::speech::{answer, count, fingerprint, gist},
    conversation::{Conversation, Offered},
};

const FILE: &str = "greeting.txt";
const GREETING: &str = "hello from sagewire";

/// What the model does next.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) thoughts: String,
    pub(super) text: String,
    pub(super) calls: Vec<ToolUse>,
}

/// A call of a tool.
#[derive(Debug)]
pub(super) struct ToolUse {
    pub(super) id: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    /// JSON, as text.
    pub(super) arguments: String,
}

impl Turn {
    /// How many tokens it has, thoughts included.
    pub(super) fn tokens(&self) -> usize {
        let calls = self.calls.iter().map(|call| count(&call.name) + count(&call.arguments));
        count(&self.thoughts) + count(&self.text) + calls.sum::<usize>()
    }
}

/// The model's next turn. Ids follow from `seed`.
pub(super) fn next(conversation: &Conversation, seed: u64) -> Turn {
    let shell = conversation.tools.iter().find_map(|tool| Some((tool, property(tool, &["command", "cmd"])?)));
    let writer = conversation.tools.iter().find_map(|tool| {
        let path = property(tool, &["file_path", "path"])?;
        // A tool that replaces text in a file takes a path, too.
        Some((tool, path, property(tool, &["content", "contents"])?))
    });
    let run =
        |command: &str, place: usize| shell.as_ref().map(|(tool, name)| call(tool, &[(name, command)], seed, place));
    let write = || match &writer {
        Some((tool, path, content)) => Some(call(tool, &[(path, FILE), (content, &format!("{GREETING}\n"))], seed, 0)),
        None => run(&format!("printf '{GREETING}\\n' > {FILE}"), 0),
    };
    let (thoughts, text, calls) = match conversation.steps {
        0 => ("The user wants a file. I write it first.", "I write the greeting.", vec![write()]),
        1 => {
            let look = [format!("cat {FILE}"), format!("wc -c {FILE}")];
            ("Two looks at once.", "", look.iter().enumerate().map(|(place, command)| run(command, place)).collect())
        }
        _ => ("", "", Vec::new()),
    };
    let calls: Vec<_> = calls.into_iter().flatten().collect();
    if !calls.is_empty() {
        return Turn { thoughts: thoughts.to_owned(), text: text.to_owned(), calls };
    }
    let text = if conversation.results.is_empty() {
        answer(&gist(&conversation.question), usize::MAX)
    } else {
        format!("Done. The tools said: {}", conversation.results.join(" | "))
    };
    Turn { thoughts: "Nothing is left to do.".to_owned(), text, calls: Vec::new() }
}

/// The first of these names that the tool has a parameter of.
fn property<'n>(tool: &Offered, names: &[&'n str]) -> Option<&'n str> {
    let properties = tool.schema.get("properties")?.as_object()?;
    names
        .iter()
        .copied()
        .find(|name| properties.get(*name).is_some_and(|schema| schema.get("type") == Some(&json!("string"))))
}

/// A call with these arguments. Every other required parameter gets some text.
fn call(tool: &Offered, given: &[(&str, &str)], seed: u64, place: usize) -> ToolUse {
    let mut arguments = Map::new();
    for (name, value) in given {
        arguments.insert((*name).to_owned(), Value::from(*value));
    }
    let required = tool.schema.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for name in required.iter().filter_map(Value::as_str) {
        arguments.entry(name).or_insert_with(|| Value::from("as asked"));
    }
    let arguments = Value::Object(arguments).to_string();
    let id = fingerprint(arguments.as_bytes()) ^ seed.wrapping_add(place as u64);
    ToolUse {
        id: format!("chatcmpl-tool-{id:016x}"),
        namespace: tool.namespace.clone(),
        name: tool.name.clone(),
        arguments,
    }
}
