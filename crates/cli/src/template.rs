//! `sagewire template`: shows the prompt that a conversation becomes, and the built-in families.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use sagewire::{
    chat_template::{ChatTemplate, Conversation, SpecialTokens, catalog},
    credentials::seam::World,
};
use serde_json::{Map, Value, json};

use crate::Failure;

#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  echo 'Hello!' | sagewire template render --model meta-llama/Llama-3.1-8B-Instruct
  sagewire template list")]
pub(crate) enum TemplateCommand {
    /// Prints the prompt of a conversation read from standard input
    Render(RenderArguments),
    /// Lists the built-in families, in the order in which they are tried
    #[command(after_help = "Examples:
  sagewire template list")]
    List,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  echo 'Hello!' | sagewire template render --model meta-llama/Llama-3.1-8B-Instruct
  sagewire template render --template ./tokenizer_config.json --json < conversation.json

A conversation is plain text (one user message), a JSON list of messages, or a JSON object with `messages` and, as in an OpenAI request,
`tools` and `chat_template_kwargs`.")]
pub(crate) struct RenderArguments {
    /// A Jinja file, a `tokenizer_config.json`, or a model's folder
    #[arg(long, value_name = "FILE", required_unless_present = "model", conflicts_with = "model")]
    template: Option<PathBuf>,
    /// A model's name on Hugging Face, a JumpStart model id, an endpoint's name, or a family of `template list`
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Prints a JSON object with the prompt, the template's name and the texts that end an answer
    #[arg(long)]
    json: bool,
    /// Leaves out the beginning of the assistant's turn
    #[arg(long)]
    no_generation_prompt: bool,
}

pub(crate) fn run(command: &TemplateCommand) -> Result<(), Failure> {
    match command {
        TemplateCommand::Render(arguments) => render(arguments),
        TemplateCommand::List => list(),
    }
}

fn render(arguments: &RenderArguments) -> Result<(), Failure> {
    let template = match (&arguments.template, &arguments.model) {
        (Some(path), _) => from_path(path)?,
        (None, Some(name)) => from_name(name)?,
        (None, None) => return Err(Failure::usage("name a template with `--template` or `--model`")),
    };
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).map_err(Failure::work)?;
    let Input { messages, tools, kwargs } = Input::read(&input)?;
    let mut conversation = Conversation::new(&messages).add_generation_prompt(!arguments.no_generation_prompt);
    if let Some(tools) = &tools {
        conversation = conversation.tools(tools);
    }
    if let Some(kwargs) = &kwargs {
        conversation = conversation.kwargs(kwargs);
    }
    let world = World::system();
    let prompt = template.render(&conversation, &|| world.now()).map_err(Failure::work)?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let object = json!({ "prompt": prompt, "template": template.name(), "stop": template.stop_strings() });
        writeln!(out, "{object:#}").map_err(Failure::work)
    } else {
        // To the byte: a newline of ours would look like the template's.
        out.write_all(prompt.as_bytes()).and_then(|()| out.flush()).map_err(Failure::work)
    }
}

fn from_path(path: &Path) -> Result<ChatTemplate, Failure> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| Failure::usage(format!("`{}` cannot be read: {error}", path.display())))
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| Failure::usage("the template is no UTF-8 text"));
    if path.is_dir() {
        let jinja = path.join("chat_template.jinja");
        let jinja = jinja.is_file().then(|| read(&jinja).and_then(text)).transpose()?;
        let config = path.join("tokenizer_config.json");
        return match (config.is_file(), jinja) {
            (true, jinja) => {
                ChatTemplate::from_tokenizer_config(&read(&config)?, jinja.as_deref()).map_err(Failure::usage)
            }
            (false, Some(jinja)) => ChatTemplate::from_jinja(&jinja, SpecialTokens::new()).map_err(Failure::usage),
            (false, None) => Err(Failure::usage(format!(
                "`{}` holds neither `tokenizer_config.json` nor `chat_template.jinja`",
                path.display()
            ))),
        };
    }
    let bytes = read(path)?;
    if path.extension().is_some_and(|extension| extension == "json") {
        ChatTemplate::from_tokenizer_config(&bytes, None).map_err(Failure::usage)
    } else {
        ChatTemplate::from_jinja(&text(bytes)?, SpecialTokens::new()).map_err(Failure::usage)
    }
}

fn from_name(name: &str) -> Result<ChatTemplate, Failure> {
    catalog::by_name(name)
        .or_else(|| catalog::by_model(name))
        .or_else(|| catalog::by_endpoint(name))
        .map(catalog::Entry::template)
        .ok_or_else(|| {
            Failure::usage(format!(
                "no built-in family is known for `{name}`: see `sagewire template list`, or give the model's own template with `--template`"
            ))
        })
}

fn list() -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for entry in catalog::entries() {
        writeln!(out, "{:<16} {}", entry.name(), entry.description()).map_err(Failure::work)?;
    }
    Ok(())
}

/// What standard input holds.
struct Input {
    messages: Vec<Value>,
    tools: Option<Vec<Value>>,
    kwargs: Option<Map<String, Value>>,
}

impl Input {
    fn read(text: &str) -> Result<Self, Failure> {
        let trimmed = text.trim();
        if !trimmed.starts_with(['[', '{']) {
            let messages = vec![json!({ "role": "user", "content": trimmed })];
            return Ok(Self { messages, tools: None, kwargs: None });
        }
        let value: Value = serde_json::from_str(trimmed)
            .map_err(|error| Failure::usage(format!("standard input is no JSON conversation: {error}")))?;
        let not_a_conversation =
            || Failure::usage("standard input is neither a list of messages nor an object with `messages`");
        match value {
            Value::Array(messages) => Ok(Self { messages, tools: None, kwargs: None }),
            Value::Object(mut object) => Ok(Self {
                messages: object
                    .get_mut("messages")
                    .and_then(Value::as_array_mut)
                    .map(std::mem::take)
                    .ok_or_else(not_a_conversation)?,
                tools: object.get_mut("tools").and_then(Value::as_array_mut).map(std::mem::take),
                kwargs: object.get_mut("chat_template_kwargs").and_then(Value::as_object_mut).map(std::mem::take),
            }),
            _ => Err(not_a_conversation()),
        }
    }
}
