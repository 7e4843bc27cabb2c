//! `sagewire batch`: files of requests, in the format of OpenAI's batches.
//!
//! Owns the subcommands and where batches are kept.

use std::{path::Path, sync::Arc};

use clap::{Args, Subcommand};
use sagewire::credentials::{AwsParams, seam::World};
use sagewire_batch::{BatchError, Owner, S3Location, Store};

use crate::Failure;

mod list;
mod run;

/// Whose the batches of the command line are.
const OWNER: &str = "operator";

#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  sagewire batch run requests.jsonl -o results.jsonl --model sagemaker_chat/my-endpoint
  sagewire batch list --store /var/lib/sagewire/batches")]
pub(crate) enum BatchCommand {
    /// Answers every line of a file, and goes on where an earlier run ended
    Run(run::RunArguments),
    /// Lists the batches of a store, the newest first
    List(list::ListArguments),
    /// Shows one batch of a store
    #[command(after_help = "Examples:
  sagewire batch show batch_0123 --store /var/lib/sagewire/batches")]
    Show(list::OneArguments),
    /// Cancels a batch of a store
    #[command(after_help = "Examples:
  sagewire batch cancel batch_0123 --store s3://my-bucket/batches")]
    Cancel(list::OneArguments),
    /// Writes the results of a batch of a store
    Results(list::ResultsArguments),
}

pub(crate) async fn run(command: BatchCommand) -> Result<(), Failure> {
    match command {
        BatchCommand::Run(arguments) => run::run(arguments).await,
        BatchCommand::List(arguments) => list::list(&arguments).await,
        BatchCommand::Show(arguments) => list::show(&arguments).await,
        BatchCommand::Cancel(arguments) => list::cancel(&arguments).await,
        BatchCommand::Results(arguments) => list::results(&arguments).await,
    }
}

/// Where batches are.
#[derive(Debug, Args)]
struct StoreArguments {
    /// The store, which has no default: a directory or `s3://bucket/prefix`, such as
    /// `sagewire_settings.batches.store` of a proxy, or `results.jsonl.batch` of a run under way
    #[arg(long, value_name = "PLACE")]
    store: String,
    /// Whose batches they are: those of `batch run`, or the owner that the proxy's log names
    #[arg(long, value_name = "NAME", default_value = OWNER)]
    owner: String,
}

impl StoreArguments {
    /// The store, to be looked at while others may use it.
    async fn open(&self) -> Result<(Store, Owner), Failure> {
        let owner = Owner::new(self.owner.as_str()).map_err(Failure::usage)?;
        let world = World::system();
        let store = match S3Location::parse(&self.store) {
            Some(location) => Store::s3(&location, AwsParams::default(), None, &world).await,
            None => Store::directory_unlocked(Path::new(&self.store), Arc::clone(world.clock())),
        };
        Ok((store.map_err(failure)?, owner))
    }
}

/// What is said of a batch that cannot be used. Mistakes of the arguments are told from failures of
/// the work.
pub(crate) fn failure(error: BatchError) -> Failure {
    match error {
        BatchError::Engine(error) => Failure::from(error),
        error @ (BatchError::Open { .. }
        | BatchError::InUse { .. }
        | BatchError::InputChanged
        | BatchError::LongLine { .. }
        | BatchError::Input(_)
        | BatchError::NotFound { .. }
        | BatchError::NotAllowed(_)) => Failure::usage(error),
        error => Failure::work(error),
    }
}
