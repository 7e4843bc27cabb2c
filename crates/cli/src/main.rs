//! The `sagewire` command: reads the arguments and runs one subcommand. Each subcommand is a file
//! or folder of its own.

use std::process::ExitCode;

use clap::FromArgMatches;

mod announce;
mod arguments;
mod batch;
mod chat;
mod check;
mod completions;
mod connection;
#[cfg(feature = "emulator")]
mod demo;
mod doctor;
mod embed;
#[cfg(feature = "emulator")]
mod emulate;
mod failure;
mod fingerprint;
mod health;
mod iam_policy;
mod init;
mod interrupt;
mod lines;
mod man;
mod open_files;
mod progress;
mod serve;
mod template;
mod terminal;
mod token;

use arguments::{Arguments, Command};
use failure::Failure;

/// Chosen by measurement: see `docs/performance.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

// What has much to do at once, the proxy, has threads of its own.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match Arguments::from_arg_matches(&arguments::command().get_matches()) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let outcome = match arguments.command {
        Command::Chat(arguments) => chat::run(arguments).await,
        Command::Embed(arguments) => embed::run(arguments).await,
        Command::Batch(command) => batch::run(command).await,
        Command::Doctor(arguments) => doctor::run(arguments).await,
        Command::Init(arguments) => init::run(arguments).await,
        Command::Token(arguments) => token::run(arguments).await,
        Command::IamPolicy(arguments) => iam_policy::run(&arguments).await,
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Check(arguments) => check::run(&arguments).await,
        Command::Health(arguments) => health::run(arguments).await,
        Command::Template(command) => template::run(&command).await,
        #[cfg(feature = "emulator")]
        Command::Demo(arguments) => demo::run(arguments).await,
        #[cfg(feature = "emulator")]
        Command::Emulate(arguments) => emulate::run(arguments).await,
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
