//! `sagewire check`: whether a configuration can be served, and what it would serve.

use std::path::PathBuf;

use clap::Args;
use sagewire::credentials::seam::{MapEnv, World};
use sagewire_proxy::{Wiring, config::Reading};

use crate::{Failure, announce::say, serve::model_names, terminal};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire check --config config.yaml
  sagewire check --config config.yaml --json
  sagewire check --config config.yaml --no-env

Nothing is sent. Every problem is printed with its place. The exit code is 0 if the file can be served, else 2.")]
pub(crate) struct CheckArguments {
    /// LiteLLM's configuration file
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Prints what would be served as JSON
    #[arg(long)]
    json: bool,
    /// Checks the file without the environment and the machine it is meant for: values
    /// `os.environ/NAME` count as right
    #[arg(long)]
    no_env: bool,
}

pub(crate) async fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let (world, reading) = if arguments.no_env {
        // What `coordination_redis: {}` and the cache of answers take from there.
        let env = MapEnv::from([("REDIS_URL", "redis://redis")]);
        (World::builder().with_env(env).build(), Reading::of_file_elsewhere(&arguments.config))
    } else {
        let world = World::system();
        let reading = Reading::of_file(&arguments.config, &|name| world.var(name));
        (world, reading)
    };
    let wiring = Wiring::new(world);
    let reading = wiring.checked(reading.map_err(Failure::usage)?).await;
    for warning in &reading.warnings {
        terminal::warn(warning);
    }
    let (config, _) = reading.finish().map_err(Failure::usage)?;
    wiring.app(&config, None).map_err(Failure::usage)?;
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
