//! `sagewire batch list`, `show`, `cancel` and `results`.

use std::path::PathBuf;

use clap::Args;
use sagewire_batch::{Batch, Page};

use super::{StoreArguments, failure, run};
use crate::{Failure, announce::say, terminal::note};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire batch list --store /var/lib/sagewire/batches
  sagewire batch list --store s3://my-bucket/batches --json")]
pub(crate) struct ListArguments {
    /// The maximum number of batches
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Lists the batches behind this one
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// Prints OpenAI's objects, one on each line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArguments,
}

#[derive(Debug, Args)]
pub(crate) struct OneArguments {
    /// The batch's id
    id: String,
    #[command(flatten)]
    store: StoreArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire batch results batch_0123 --store /var/lib/sagewire/batches -o results.jsonl")]
pub(crate) struct ResultsArguments {
    /// The batch's id
    id: String,
    /// Where the answers go
    #[arg(long, short, value_name = "FILE", default_value = "/dev/stdout")]
    output: PathBuf,
    /// Where failures go [default: they are left out]
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArguments,
}

pub(super) async fn list(arguments: &ListArguments) -> Result<(), Failure> {
    let (store, owner) = arguments.store.open().await?;
    let page = Page { after: arguments.after.clone(), ..Page::first(arguments.limit as usize) };
    let found = store.batches(&owner, &page).await.map_err(failure)?;
    for batch in &found.entries {
        if arguments.json {
            say!("{}", serde_json::to_string(batch).map_err(Failure::work)?);
        } else {
            say!("{}", line(batch));
        }
    }
    if let (true, Some(last)) = (found.has_more, found.entries.last()) {
        note(None, format_args!("there are more; list them with `--after {}`", last.id));
    }
    Ok(())
}

pub(super) async fn show(arguments: &OneArguments) -> Result<(), Failure> {
    let (store, owner) = arguments.store.open().await?;
    let batch = store.batch(&owner, &arguments.id).await.map_err(failure)?;
    say!("{}", serde_json::to_string_pretty(&batch).map_err(Failure::work)?);
    Ok(())
}

pub(super) async fn cancel(arguments: &OneArguments) -> Result<(), Failure> {
    let (store, owner) = arguments.store.open().await?;
    let batch = store.cancel(&owner, &arguments.id).await.map_err(failure)?;
    say!("{}", line(&batch));
    Ok(())
}

pub(super) async fn results(arguments: &ResultsArguments) -> Result<(), Failure> {
    let (store, owner) = arguments.store.open().await?;
    let batch = store.batch(&owner, &arguments.id).await.map_err(failure)?;
    if !batch.status.is_final() {
        let failure = Failure::usage(format!("the batch is {}; it has no results yet", batch.status.as_str()));
        return Err(failure.with_hint("`sagewire batch show` tells how far it is"));
    }
    run::write(&store, &owner, batch.output_file_id.as_deref(), &arguments.output).await?;
    match &arguments.errors {
        Some(path) => run::write(&store, &owner, batch.error_file_id.as_deref(), path).await,
        None => Ok(()),
    }
}

fn line(batch: &Batch) -> String {
    let counts = batch.request_counts;
    let done = counts.completed + counts.failed;
    let status = batch.status.as_str();
    format!("{}  {status:11}  {done} of {} lines, {} failed", batch.id, counts.total, counts.failed)
}
