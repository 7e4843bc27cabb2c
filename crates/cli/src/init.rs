//! `sagewire init`: a `config.yaml` for the endpoints of an AWS account.
//!
//! This file has the arguments and the order of the steps. The file's text is in `config_file`, the
//! table for people in `table`, and the calls of `--probe` in `probe`.

use std::{
    io::{ErrorKind as IoErrorKind, IsTerminal, Write},
    path::PathBuf,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sagewire::{ErrorKind, credentials::seam::World};
use sagewire_discovery::{Account, Filter, Found, read};

use crate::{Failure, announce::say, terminal};

mod config_file;
mod probe;
mod table;

/// The path that stands for standard output.
const STDOUT: &str = "-";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire init
  sagewire init --region us-east-1 --region eu-west-1 --profile work
  sagewire init --name-contains prod --tag team=search --output prod.yaml
  sagewire init --endpoint my-endpoint --probe
  sagewire init --output - > config.yaml

Then:
  sagewire check --config config.yaml
  sagewire serve --config config.yaml

Reads descriptions only, unless `--probe` is given. The permissions that this needs are in docs/account.md. Endpoints that cannot be called as they
are, or of which it is not known how, are written as comments, with the reason.

Exit codes: 0 the file was written, 1 nothing was found or AWS refused, 2 the arguments are invalid or the file exists.")]
pub(crate) struct InitArguments {
    /// A region to look in. Repeatable [default: from the environment, the profile or the machine]
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,
    /// A profile from ~/.aws/config; it is written into the file
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// An endpoint to look at. Repeatable [default: all]
    #[arg(long, value_name = "NAME")]
    endpoint: Vec<String>,
    /// Only endpoints whose names contain this
    #[arg(long, value_name = "TEXT")]
    name_contains: Option<String>,
    /// Only endpoints with this tag
    #[arg(long, value_name = "KEY[=VALUE]")]
    tag: Option<String>,
    /// The file to write; `-` is standard output
    #[arg(long, short, value_name = "FILE", default_value = "config.yaml")]
    output: PathBuf,
    /// Replaces the file if it exists
    #[arg(long)]
    force: bool,
    /// Sends each model one short request, after asking, and writes down what came of it
    #[arg(long)]
    probe: bool,
    /// Does not ask before `--probe` sends anything
    #[arg(long, requires = "probe")]
    yes: bool,
}

impl InitArguments {
    fn filter(&self) -> Filter {
        let filter = self.endpoint.iter().fold(Filter::default(), Filter::with_name);
        let filter = self.name_contains.iter().fold(filter, Filter::with_name_contains);
        self.tag.iter().fold(filter, |filter, tag| filter.with_tag(tag))
    }

    fn is_to_stdout(&self) -> bool {
        self.output.as_os_str() == STDOUT
    }
}

pub(crate) async fn run(arguments: InitArguments) -> Result<(), Failure> {
    if !arguments.is_to_stdout() && !arguments.force && arguments.output.exists() {
        return Err(exists(&arguments));
    }
    let world = World::system();
    let found = find(&arguments, &world).await?;
    let profile = arguments.profile.as_deref();
    let findings = if arguments.probe { probe::ask(&found, profile, &world, arguments.yes).await? } else { Vec::new() };
    let text = config_file::text(&found, &findings, profile);
    if arguments.is_to_stdout() {
        std::io::stdout().write_all(terminal::for_stdout(&text).as_bytes()).map_err(Failure::output)?;
        return Ok(());
    }
    say!("{}", table::text(&found));
    if !found.iter().any(Found::is_callable) {
        let message = format!("no model can be served of {} that were found; nothing was written", found.len());
        return Err(Failure::work(message).with_hint("with `--output -` the reasons are printed"));
    }
    write(&arguments, &text)?;
    let callable = found.iter().filter(|found| found.is_callable()).count();
    let path = arguments.output.display();
    say!("{path}: {}", config_file::counts(callable, found.len() - callable));
    say!("next: sagewire check --config {path}");
    Ok(())
}

/// Reads the endpoints of every region.
async fn find(arguments: &InitArguments, world: &World) -> Result<Vec<Found>, Failure> {
    let accounts = Account::of_regions(world, arguments.profile.as_deref(), &arguments.region).await;
    let filter = arguments.filter();
    let mut deployments = Vec::new();
    for account in accounts.map_err(Failure::usage)? {
        let bar = bar(account.region());
        let progress = |done: usize, total: usize| {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        };
        let read_all = account.endpoints(&filter, &progress).await;
        bar.finish_and_clear();
        for facts in read_all.map_err(|error| refused(error, account.region()))? {
            let region = account.region().to_owned();
            deployments.extend(read(&facts).into_iter().map(|deployment| (region.clone(), deployment)));
        }
    }
    if deployments.is_empty() {
        let failure = Failure::work("no endpoint was found");
        return Err(failure.with_hint("check the region with `sagewire doctor`, and the filters"));
    }
    Ok(Found::named(deployments))
}

fn refused(error: sagewire::Error, region: &str) -> Failure {
    let hint = match error.kind() {
        ErrorKind::Permission => "the IAM policy that `sagewire init` needs is in docs/account.md",
        ErrorKind::Authentication => "run `sagewire doctor`: it shows which credentials are used and whose they are",
        ErrorKind::Connection | ErrorKind::Timeout => "check the region and the network with `sagewire doctor`",
        _ => return Failure::from(error).about(region),
    };
    Failure::work(error).about(region).with_hint(hint)
}

/// How many endpoints have been read, on a terminal.
fn bar(region: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_prefix(region.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{prefix} [{wide_bar}] {pos}/{len}") {
        bar.set_style(style.progress_chars("=> "));
    }
    if std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::stderr());
    }
    bar
}

/// Writes the file; one that has appeared meanwhile stays.
fn write(arguments: &InitArguments, text: &str) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if arguments.force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options.open(&arguments.output).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        IoErrorKind::AlreadyExists => exists(arguments),
        _ => Failure::usage(error).about(arguments.output.display().to_string()),
    })
}

fn exists(arguments: &InitArguments) -> Failure {
    Failure::usage(format!("`{}` exists already", arguments.output.display()))
        .with_hint("replace it with `--force`, or write another file with `--output FILE`")
}

/// A question on the terminal; no is the answer of those who say nothing.
fn confirm(question: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("`--probe` asks before it sends anything, and there is no terminal to ask on")
            .with_hint("add `--yes` to have it send without asking"));
    }
    terminal::note(None, format_args!("{question} [y/N]"));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(Failure::work)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
