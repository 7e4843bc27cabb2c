//! Tools of a request and the choice among them: <https://platform.openai.com/docs/guides/function-calling>
//!
//! Chat knows functions alone. A custom tool becomes a function with one text, and the tools of a
//! namespace become functions with qualified names. Owns the names, there and back.

use sagewire_types::{ChatRequest, Error, Tool, ToolChoice};
use serde::Deserialize;
use serde_json::{Value, json};

/// The argument of the function that stands for a custom tool.
const CUSTOM_INPUT: &str = "input";

/// A tool that the caller runs.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Definition {
    Function {
        name: String,
        #[serde(default)]
        description: Option<String>,
        #[serde(default)]
        parameters: Option<Value>,
        #[serde(default)]
        strict: Option<bool>,
    },
    Custom {
        name: String,
        #[serde(default)]
        description: Option<String>,
        #[serde(default)]
        format: Option<InputFormat>,
    },
    Namespace {
        name: String,
        #[serde(default)]
        description: Option<String>,
        #[serde(default)]
        tools: Vec<Value>,
    },
}

/// What a custom tool's input looks like.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum InputFormat {
    Text,
    Grammar { syntax: String, definition: String },
}

/// A tool as its request names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) is_custom: bool,
}

/// The tools whose name in chat says less than the request: each with that name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ToolNames(Vec<(String, Named)>);

impl ToolNames {
    /// The name in chat.
    pub(super) fn in_chat(&self, namespace: Option<&str>, name: &str) -> String {
        let known = self.0.iter().find(|(_, tool)| tool.namespace.as_deref() == namespace && tool.name == name);
        known.map_or_else(|| qualified(namespace, name), |(flat, _)| flat.clone())
    }

    /// The tool of a name in chat.
    pub(super) fn tool(&self, flat: &str) -> Named {
        let known = self.0.iter().find(|(known, _)| known == flat);
        known.map_or_else(|| Named { name: flat.to_owned(), ..Named::default() }, |(_, tool)| tool.clone())
    }
}

fn qualified(namespace: Option<&str>, name: &str) -> String {
    namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}__{name}"))
}

/// The arguments of the function that stands for a custom tool.
pub(super) fn custom_arguments(input: &str) -> String {
    json!({ CUSTOM_INPUT: input }).to_string()
}

/// The input of a custom tool in the arguments of its function. A model that gives other arguments
/// means their text.
pub(super) fn custom_input(arguments: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(arguments).ok();
    let input = parsed.as_ref().and_then(|arguments| arguments.get(CUSTOM_INPUT)?.as_str());
    input.unwrap_or(arguments).to_owned()
}

/// The tools of a request in chat's terms.
#[derive(Debug, Default)]
pub(super) struct Tools {
    functions: Vec<Tool>,
    /// The types of the tools that no container runs.
    pub(super) ignored: Vec<String>,
    pub(super) names: ToolNames,
}

impl Tools {
    /// Adds these tools.
    pub(super) fn add(&mut self, tools: &[Value]) -> Result<(), Error> {
        tools.iter().try_for_each(|tool| self.add_one(tool, None))
    }

    fn add_one(&mut self, tool: &Value, within: Option<(&str, Option<&str>)>) -> Result<(), Error> {
        let kind = tool.get("type").and_then(Value::as_str);
        let kind = kind.ok_or_else(|| Error::invalid("tools", "a tool in `tools` has no `type`; add one"))?;
        if !matches!(kind, "function" | "custom" | "namespace") {
            self.ignored.push(kind.to_owned());
            return Ok(());
        }
        let definition = Definition::deserialize(tool).map_err(|error| {
            Error::invalid("tools", format!("invalid tool of the type `{kind}` in `tools`: {error}")).with_source(error)
        })?;
        let (namespace, context) = within.map_or((None, None), |(name, context)| (Some(name.to_owned()), context));
        match definition {
            Definition::Function { name, description, parameters, strict } => {
                let named = Named { namespace, name, is_custom: false };
                let parameters = parameters.unwrap_or_else(|| json!({ "type": "object", "properties": {} }));
                self.add_function(named, [description.as_deref(), context], parameters, strict);
            }
            Definition::Custom { name, description, format } => {
                let named = Named { namespace, name, is_custom: true };
                let format = format.and_then(InputFormat::described);
                let parameters = json!({
                    "type": "object",
                    "properties": { CUSTOM_INPUT: { "type": "string", "description": "The tool's input as plain text." } },
                    "required": [CUSTOM_INPUT],
                });
                let description = joined([description.as_deref(), format.as_deref()]);
                self.add_function(named, [description.as_deref(), context], parameters, None);
            }
            Definition::Namespace { name, description, tools } => {
                for tool in &tools {
                    self.add_one(tool, Some((&name, description.as_deref())))?;
                }
            }
        }
        Ok(())
    }

    fn add_function(&mut self, named: Named, texts: [Option<&str>; 2], parameters: Value, strict: Option<bool>) {
        let plain = qualified(named.namespace.as_deref(), &named.name);
        let is_taken = |name: &str| self.functions.iter().any(|tool| is_named(tool, name));
        // A function may be called as a qualified name is.
        let mut numbered = (2..).map(|number| format!("{plain}_{number}"));
        let flat = if is_taken(&plain) { numbered.find(|name| !is_taken(name)) } else { None };
        let flat = flat.unwrap_or_else(|| plain.clone());
        let mut tool = Tool::function(flat.as_str(), "", parameters);
        if let Some(function) = &mut tool.function {
            function.description = joined(texts);
            if let Some(strict) = strict {
                function.extra.insert("strict".to_owned(), Value::from(strict));
            }
        }
        self.functions.push(tool);
        if named.is_custom || flat != named.name {
            self.names.0.push((flat, named));
        }
    }

    /// Puts the tools and the choice among them into a chat request.
    pub(super) fn put(
        mut self,
        choice: Option<&Value>,
        chat: &mut ChatRequest,
    ) -> Result<(Vec<String>, ToolNames), Error> {
        let choice = choice.map(|choice| self.choose(choice)).transpose()?;
        if !self.functions.is_empty() {
            chat.tools = Some(self.functions);
            chat.tool_choice = choice;
        }
        Ok((self.ignored, self.names))
    }

    fn choose(&mut self, choice: &Value) -> Result<ToolChoice, Error> {
        let invalid =
            |reason: &str| Error::invalid("tool_choice", format!("invalid value for `tool_choice`: {reason}"));
        let mode = |mode: Option<&str>| match mode {
            Some("auto") => Ok(ToolChoice::Auto),
            Some("none") => Ok(ToolChoice::None),
            Some("required") => Ok(ToolChoice::Required),
            _ => Err(invalid("expected `auto`, `none`, `required`, or an object that names tools")),
        };
        let text = |name: &str| choice.get(name).and_then(Value::as_str);
        match text("type") {
            Some("function" | "custom") => {
                let name = text("name").ok_or_else(|| invalid("the `name` of the tool is missing"))?;
                let flat = self.names.in_chat(text("namespace"), name);
                if !self.functions.iter().any(|tool| is_named(tool, &flat)) {
                    return Err(invalid(&format!("`{name}` is not among the tools")));
                }
                Ok(ToolChoice::Function(flat))
            }
            Some("allowed_tools") => {
                let allowed = choice.get("tools").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let text = |tool: &Value, name: &str| tool.get(name).and_then(Value::as_str).map(str::to_owned);
                let allowed: Vec<_> = allowed
                    .iter()
                    .filter_map(|tool| {
                        Some(self.names.in_chat(text(tool, "namespace").as_deref(), &text(tool, "name")?))
                    })
                    .collect();
                self.functions.retain(|tool| allowed.iter().any(|name| is_named(tool, name)));
                mode(text(choice, "mode").as_deref())
            }
            Some(other) => Err(invalid(&format!("a model on SageMaker cannot call a tool of the type `{other}`"))),
            None => mode(choice.as_str()),
        }
    }
}

fn is_named(tool: &Tool, name: &str) -> bool {
    tool.function.as_ref().is_some_and(|function| function.name == name)
}

fn joined(texts: [Option<&str>; 2]) -> Option<String> {
    let texts: Vec<_> = texts.into_iter().flatten().filter(|text| !text.is_empty()).collect();
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

impl InputFormat {
    fn described(self) -> Option<String> {
        match self {
            Self::Text => None,
            Self::Grammar { syntax, definition } => {
                Some(format!("The input must match this grammar, written in {syntax}:\n{definition}"))
            }
        }
    }
}
