//! The `sagewire` command: reads the arguments and runs one subcommand. Each subcommand is a file of its own.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod announce;
mod check;
#[cfg(feature = "emulator")]
mod demo;
#[cfg(feature = "emulator")]
mod emulate;
mod failure;
mod serve;
mod template;

use failure::Failure;

/// Models on Amazon SageMaker, in OpenAI's API shapes.
#[derive(Debug, Parser)]
#[command(name = "sagewire", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves OpenAI's API in front of SageMaker endpoints, from LiteLLM's config.yaml
    Serve(serve::ServeArguments),
    /// Says whether a config.yaml can be served, and what it would serve
    Check(check::CheckArguments),
    /// Shows a chat, a streamed chat and an embedding on an emulated endpoint
    #[cfg(feature = "emulator")]
    Demo(demo::DemoArguments),
    /// Stands in for SageMaker Runtime on 127.0.0.1
    #[cfg(feature = "emulator")]
    Emulate(emulate::EmulateArguments),
    /// Shows the prompt that a conversation becomes for a text model
    #[command(subcommand)]
    Template(template::TemplateCommand),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Check(arguments) => check::run(&arguments),
        #[cfg(feature = "emulator")]
        Command::Demo(arguments) => demo::run(arguments).await,
        #[cfg(feature = "emulator")]
        Command::Emulate(arguments) => emulate::run(arguments).await,
        Command::Template(command) => template::run(&command),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
