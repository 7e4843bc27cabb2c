//! The `sagewire` command: reads the arguments and runs one subcommand. Each subcommand is a file of its own.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[cfg(feature = "emulator")]
mod demo;
#[cfg(feature = "emulator")]
mod emulate;
mod failure;
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
