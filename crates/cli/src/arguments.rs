//! The whole command line for clap: `--help`, the completions and the man pages are made from it.
//!
//! Owns the list of subcommands and the text above and below it; each subcommand owns its own
//! arguments.

use clap::{CommandFactory, Parser, Subcommand};

use crate::{batch, chat, check, completions, doctor, embed, health, iam_policy, init, man, serve, template, token};
#[cfg(feature = "emulator")]
use crate::{demo, emulate};

/// Models on Amazon SageMaker, in OpenAI's API shapes.
#[derive(Debug, Parser)]
#[command(
    name = "sagewire",
    version,
    propagate_version = true,
    after_help = "Examples:
  sagewire chat --demo 'What is a llama?'
  sagewire chat --model sagemaker_chat/my-endpoint
  sagewire doctor sagemaker/my-endpoint
  sagewire serve --config config.yaml

Exit codes:
  0    success
  1    the work failed: a call was refused, a line could not be embedded, the doctor found a problem
  2    the arguments, the configuration or the input are invalid: nothing was sent
  130  interrupted with Ctrl-C

Environment:
  AWS_*           credentials, region and endpoint URLs, as AWS's own tools read them
  SAGEWIRE_MODEL  the model, if `--model` is not given
  NO_COLOR        if set to anything, no colours are used"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Asks a model one question, or holds a conversation
    Chat(chat::ChatArguments),
    /// Turns texts into vectors: a few, or a file of millions
    Embed(embed::EmbedArguments),
    /// Answers files of requests in the format of OpenAI's batches
    #[command(subcommand)]
    Batch(batch::BatchCommand),
    /// Finds out, step by step, why a model does not answer
    Doctor(doctor::DoctorArguments),
    /// Writes a config.yaml for the endpoints of an AWS account
    Init(init::InitArguments),
    /// Prints a bearer token for the OpenAI-compatible route of SageMaker endpoints
    Token(token::TokenArguments),
    /// Prints the IAM policy that a config.yaml needs
    IamPolicy(iam_policy::IamPolicyArguments),
    /// Serves OpenAI's API in front of SageMaker endpoints, from LiteLLM's config.yaml
    Serve(serve::ServeArguments),
    /// Checks a config.yaml, and shows what it would serve
    Check(check::CheckArguments),
    /// Asks whether a running proxy is ready for requests
    Health(health::HealthArguments),
    /// Shows the prompt that a conversation becomes for a text model
    #[command(subcommand)]
    Template(template::TemplateCommand),
    /// Shows a chat, a streamed chat and an embedding on an emulated endpoint
    #[cfg(feature = "emulator")]
    Demo(demo::DemoArguments),
    /// Stands in for SageMaker Runtime on 127.0.0.1
    #[cfg(feature = "emulator")]
    Emulate(emulate::EmulateArguments),
    /// Prints completions for a shell
    Completions(completions::CompletionsArguments),
    /// Prints the manual page, or writes one for each subcommand
    Man(man::ManArguments),
}

/// The command line of this build: without the emulator, its examples are left out.
pub(crate) fn command() -> clap::Command {
    let command = Arguments::command();
    if cfg!(feature = "emulator") { command } else { without_demo(command) }
}

fn without_demo(mut command: clap::Command) -> clap::Command {
    if let Some(help) = command.get_after_help().map(ToString::to_string) {
        let kept: Vec<_> = help.lines().filter(|line| !line.contains("--demo")).collect();
        command = command.after_help(kept.join("\n"));
    }
    let names: Vec<_> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, without_demo))
}

#[cfg(test)]
mod tests;
