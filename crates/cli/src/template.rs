//! `sagewire template`: shows the prompt that a conversation becomes, and the built-in families.

use std::{
    io::{Read, Write},
    path::PathBuf,
};

use clap::{Args, Subcommand};
use sagewire::{
    Settings, TemplateChoice,
    chat_template::{ChatTemplate, PromptParameters, catalog},
    credentials::seam::World,
    sagemaker::chosen_template,
};
use serde_json::{Value, json};

use crate::{Failure, terminal::for_stdout};

/// The longest conversation in bytes, as long as the longest prompt of a template.
const MAX_CONVERSATION: usize = 16 << 20;

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
    /// Prints the template of a family, or of the family of a model
    #[command(after_help = "Examples:
  sagewire template show qwen-3
  sagewire template show meta-llama/Llama-3.1-8B-Instruct")]
    Show {
        /// A family of `template list`, a model's name on Hugging Face, a JumpStart model id, or an
        /// endpoint's name
        name: String,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  echo 'Hello!' | sagewire template render --model meta-llama/Llama-3.1-8B-Instruct
  sagewire template render --template ./tokenizer_config.json --json < conversation.json

A conversation is plain text (one user message), a JSON list of messages, or an OpenAI request in JSON. Of a request, `messages`, `tools`,
`documents`, `chat_template_kwargs`, `add_generation_prompt` and `continue_final_message` are read.")]
pub(crate) struct RenderArguments {
    /// A Jinja file, a `tokenizer_config.json`, or a model's folder
    #[arg(long, value_name = "FILE", required_unless_present = "model", conflicts_with = "model")]
    template: Option<PathBuf>,
    /// A model's name on Hugging Face, a JumpStart model id, an endpoint's name, or a family of
    /// `template list`
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Prints a JSON object with the prompt, the template's name and the texts that end an answer
    #[arg(long)]
    json: bool,
    /// Leaves out the beginning of the assistant's turn
    #[arg(long)]
    no_generation_prompt: bool,
}

pub(crate) async fn run(command: &TemplateCommand) -> Result<(), Failure> {
    let written = match command {
        TemplateCommand::Render(arguments) => render(arguments).await?,
        TemplateCommand::List => list(),
        TemplateCommand::Show { name } => family(name)?.source(),
    };
    let mut out = std::io::stdout().lock();
    // To the byte, unless people read it: a newline of ours would look like the template's.
    match out.write_all(for_stdout(&written).as_bytes()).and_then(|()| out.flush()) {
        // The reader, such as `head`, has what it wanted.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(Failure::work),
    }
}

/// The prompt that a text container would be sent.
async fn render(arguments: &RenderArguments) -> Result<String, Failure> {
    let world = World::system();
    let template = match (&arguments.template, &arguments.model) {
        (Some(path), _) => {
            let mut settings = Settings::default();
            settings.template = Some(TemplateChoice::Path(path.clone()));
            let chosen = chosen_template(&world, &settings, "").await;
            chosen.map_err(Failure::usage)?.template
        }
        (None, Some(name)) => family(name)?.template(),
        (None, None) => return Err(Failure::usage("name a template with `--template` or `--model`")),
    };
    let input = read_conversation(std::io::stdin().lock())?;
    let StandardInput { mut messages, tools, mut parameters } = StandardInput::read(&input)?;
    sagewire::json::mark_arguments(&mut messages);
    if arguments.no_generation_prompt {
        parameters.add_generation_prompt = Some(false);
    }
    let mut conversation = parameters.conversation(&messages).map_err(Failure::usage)?;
    conversation.tools = tools.as_deref();
    let prompt = template.render(&conversation, &|| world.now()).map_err(Failure::work)?;
    let prompt = sagewire::json::restore_integers_of_text(prompt);
    Ok(if arguments.json { described(&prompt, &template) } else { prompt })
}

/// The text of a conversation, of at most [`MAX_CONVERSATION`].
fn read_conversation(input: impl Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    input.take(MAX_CONVERSATION as u64 + 1).read_to_end(&mut bytes).map_err(Failure::work)?;
    if bytes.len() > MAX_CONVERSATION {
        return Err(Failure::usage(format!(
            "standard input is longer than {} MiB: pass a shorter conversation",
            MAX_CONVERSATION >> 20
        )));
    }
    String::from_utf8(bytes)
        .map_err(|error| Failure::usage(format!("standard input must be UTF-8 text: {}", error.utf8_error())))
}

/// The prompt with what is known about the answer.
fn described(prompt: &str, template: &ChatTemplate) -> String {
    let object = json!({ "prompt": prompt, "template": template.name(), "stop": template.stop_strings() });
    format!("{object:#}\n")
}

fn family(name: &str) -> Result<&'static catalog::Entry, Failure> {
    let known = catalog::by_name(name).or_else(|| catalog::by_model(name)).or_else(|| catalog::by_endpoint(name));
    known.ok_or_else(|| {
        Failure::usage(format!(
            "no built-in family is known for `{name}`: see `sagewire template list`, or give the model's own template with `--template`"
        ))
    })
}

fn list() -> String {
    let rows = catalog::entries().iter().map(|entry| format!("{:<20} {}\n", entry.name(), entry.description()));
    rows.collect()
}

/// What standard input holds.
struct StandardInput {
    messages: Vec<Value>,
    tools: Option<Vec<Value>>,
    parameters: PromptParameters,
}

impl StandardInput {
    fn read(text: &str) -> Result<Self, Failure> {
        let trimmed = text.trim();
        if !trimmed.starts_with(['[', '{']) {
            let messages = vec![json!({ "role": "user", "content": trimmed })];
            return Ok(Self { messages, tools: None, parameters: PromptParameters::default() });
        }
        let value: Value = sagewire::json::from_caller(trimmed.as_bytes())
            .map_err(|error| Failure::usage(format!("standard input is not a JSON conversation: {error}")))?;
        let not_a_conversation =
            || Failure::usage("standard input is neither a list of messages nor an object with `messages`");
        match value {
            Value::Array(messages) => Ok(Self { messages, tools: None, parameters: PromptParameters::default() }),
            Value::Object(mut object) => Ok(Self {
                messages: object
                    .get_mut("messages")
                    .and_then(Value::as_array_mut)
                    .map(std::mem::take)
                    .ok_or_else(not_a_conversation)?,
                tools: object.get_mut("tools").and_then(Value::as_array_mut).map(std::mem::take),
                parameters: PromptParameters::take(&mut object).map_err(Failure::usage)?,
            }),
            _ => Err(not_a_conversation()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_text_of_bounded_length() {
        assert_eq!(read_conversation(&b"ol\xc3\xa1"[..]).unwrap(), "ol\u{e1}");
        let refusal = |input: &mut dyn Read| format!("{:?}", read_conversation(input).unwrap_err());
        let said = refusal(&mut &b"ol\xe1 "[..]);
        assert!(said.contains("standard input must be UTF-8 text") && said.contains("index 2"), "{said}");
        assert!(refusal(&mut std::io::repeat(b'a')).contains("longer than 16 MiB"));
    }
}
