//! `sagewire check`: whether a configuration can be served, and what it would serve.

use std::path::PathBuf;

use clap::Args;
use sagewire::credentials::seam::World;
use sagewire_proxy::{Config, Wiring};

use crate::{Failure, announce::say, serve::model_names, terminal};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire check --config config.yaml
  sagewire check --config config.yaml --json

Nothing is sent. Exit codes: 0 the file can be served, 2 it cannot.")]
pub(crate) struct CheckArguments {
    /// LiteLLM's configuration file
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Prints what would be served as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let world = World::system();
    let (config, warnings) = Config::from_file(&arguments.config, &|name| world.var(name)).map_err(Failure::usage)?;
    for warning in &warnings {
        terminal::warn(warning);
    }
    Wiring::new(world).app(&config, None).map_err(Failure::usage)?;
    if arguments.json {
        say!("{:#}", config.summary());
        return Ok(());
    }
    say!("{} can be served", arguments.config.display());
    say!("models: {}", model_names(&config));
    for deployment in &config.deployments {
        say!("  {} -> {}", deployment.model_name, deployment.model);
    }
    Ok(())
}
