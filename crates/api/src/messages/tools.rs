//! Tools of a request and the choice among them: <https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview>

use sagewire_types::{ChatRequest, Error, Tool, ToolChoice};
use serde::Deserialize;
use serde_json::Value;

/// A tool with a schema of its arguments, which the caller runs; or one of Anthropic's own, which
/// has none.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct ToolDefinition {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    input_schema: Option<Value>,
    #[serde(default)]
    strict: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Choice {
    #[serde(rename = "type")]
    kind: ChoiceKind,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChoiceKind {
    Auto,
    Any,
    Tool,
    None,
}

/// Puts the tools into a chat request. Returns the types of those that were left out, because no
/// container runs them.
pub(super) fn add(
    tools: Vec<ToolDefinition>,
    choice: Option<Choice>,
    chat: &mut ChatRequest,
) -> Result<Vec<String>, Error> {
    let mut kept = Vec::new();
    let mut ignored = Vec::new();
    for ToolDefinition { kind, name, description, input_schema, strict } in tools {
        let Some(schema) = input_schema else {
            let kind = kind.filter(|kind| kind != "custom");
            let kind = kind.ok_or_else(|| {
                Error::invalid("tools", "a tool in `tools` has no `input_schema`; add the JSON schema of its arguments")
            })?;
            ignored.push(kind);
            continue;
        };
        let name = name.ok_or_else(|| Error::invalid("tools", "a tool in `tools` has no `name`; add one"))?;
        let mut tool = Tool::function(name, "", schema);
        if let Some(function) = &mut tool.function {
            function.description = description;
            if let Some(strict) = strict {
                function.extra.insert("strict".to_owned(), Value::from(strict));
            }
        }
        kept.push(tool);
    }
    if let Some(name) =
        choice.as_ref().filter(|choice| choice.kind == ChoiceKind::Tool).and_then(|choice| choice.name.as_deref())
    {
        let is_named = |tool: &Tool| tool.function.as_ref().is_some_and(|function| function.name == name);
        if !kept.iter().any(is_named) {
            return Err(Error::invalid(
                "tool_choice",
                format!("invalid `tool_choice`: `{name}` is not among the tools that a model on SageMaker can call"),
            ));
        }
    }
    if kept.is_empty() {
        return Ok(ignored);
    }
    chat.tools = Some(kept);
    if let Some(choice) = choice {
        if choice.disable_parallel_tool_use == Some(true) {
            chat.parallel_tool_calls = Some(false);
        }
        chat.tool_choice = Some(match (choice.kind, choice.name) {
            (ChoiceKind::Auto, _) => ToolChoice::Auto,
            (ChoiceKind::Any, _) => ToolChoice::Required,
            (ChoiceKind::None, _) => ToolChoice::None,
            (ChoiceKind::Tool, Some(name)) => ToolChoice::Function(name),
            (ChoiceKind::Tool, None) => {
                return Err(Error::invalid("tool_choice", "invalid `tool_choice`: the type `tool` needs a `name`"));
            }
        });
    }
    Ok(ignored)
}
