//! `sagewire batch run`: a file of requests in, a file of results out.
//!
//! Owns the folder in which a run keeps what it has done, and what is left when it ends.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use clap::{Args, ValueEnum};
use futures_util::{StreamExt as _, TryStreamExt as _};
use sagewire::credentials::seam::World;
use sagewire_batch::{Batch, End, Engine, Input, NewBatch, Owner, Page, RunOptions, Runner, Status, Stop, Store};
use serde_json::Value;

use super::{OWNER, failure};
use crate::{
    Failure,
    connection::{Connection, ConnectionArguments, Purpose, no_model},
    fingerprint::Fingerprint,
    lines,
    progress::Progress,
    terminal::{aside, note},
};

/// How many failed lines are shown at the end.
const SHOWN: usize = 10;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire batch run --demo requests.jsonl -o results.jsonl
  sagewire batch run requests.jsonl -o results.jsonl --model sagemaker_chat/my-endpoint --concurrency 64
  sagewire batch run requests.jsonl -o results.jsonl --config config.yaml
  sagewire batch run requests.jsonl -o results.jsonl --model sagemaker_chat/my-queue --engine async --concurrency 500

Each line of the input is a request as in OpenAI's batches:
  {\"custom_id\": \"1\", \"method\": \"POST\", \"url\": \"/v1/chat/completions\", \"body\": {\"messages\": [...]}}
Lines may ask /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/responses and /v1/rerank. With `--model`, every line asks that model.

The output has one line for each request that was answered, in the order of the input; the others are in the file of errors, with their reasons.
What is done is kept in a folder beside the output until the run has ended: after a crash the same command goes on from there. A line has one
result; lines that were in flight may be sent to the model again. Ctrl-C lets the requests in flight finish; a second Ctrl-C ends at once.

Exit codes: 0 all lines were answered, 1 some were not, 2 the arguments or the input are invalid, 130 stopped with Ctrl-C.")]
pub(crate) struct RunArguments {
    /// The requests
    #[arg(value_name = "INPUT")]
    input: PathBuf,
    /// Where the answers go
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Where failures go [default: the output's name with `.errors.jsonl`]
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// The model that every line asks: `sagemaker/<endpoint>`, or a name of `--config` [default
    /// with `--config`: each line's own]
    #[arg(long, short, env = "SAGEWIRE_MODEL")]
    model: Option<String>,
    /// The number of requests in flight at the same time
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=4096))]
    concurrency: u32,
    /// How lines are asked: by calls that wait for their answers, or by the queue of an asynchronous
    /// endpoint. With `--config`, `async_inference` of a deployment says it
    #[arg(long, value_name = "ENGINE", default_value = "own", conflicts_with = "config")]
    engine: EngineName,
    /// Discards what earlier runs have done, and overwrites the output
    #[arg(long)]
    restart: bool,
    /// Hides progress and summary
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// How lines are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EngineName {
    /// Calls that wait for their answers
    Own,
    /// SageMaker's asynchronous endpoints: results are fetched from S3
    Async,
}

impl RunArguments {
    fn folder(&self) -> PathBuf {
        with_ending(&self.output, ".batch")
    }

    fn errors(&self) -> PathBuf {
        self.errors.clone().unwrap_or_else(|| {
            let stem = self.output.with_extension("");
            with_ending(&stem, ".errors.jsonl")
        })
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

pub(crate) async fn run(arguments: RunArguments) -> Result<(), Failure> {
    let (folder, errors) = (arguments.folder(), arguments.errors());
    check_paths(&arguments, &folder, &errors)?;
    let mut connection = arguments.connection.clone();
    if arguments.engine == EngineName::Async {
        connection.params.push(("async_inference".to_owned(), Value::Bool(true)));
    }
    let connection = Connection::open(&connection, arguments.model.as_deref(), Purpose::Batch).await?;
    if connection.model.is_empty() && arguments.connection.config.is_none() {
        return Err(no_model());
    }
    let engine = connection.app()?.batch_engine().with_parameters(connection.parameters.clone());
    let engine = if connection.model.is_empty() { engine } else { engine.with_model(&connection.model) };
    let settings = Fingerprint::new(&connection.model, &connection.parameters).of("");

    if arguments.restart && folder.exists() {
        // Only what a run has made: its folder has a lock.
        drop(Store::directory(&folder, Arc::clone(World::system().clock())).map_err(failure)?);
        std::fs::remove_dir_all(&folder).map_err(Failure::work)?;
    }
    let store = Store::directory(&folder, Arc::clone(World::system().clock())).map_err(failure)?;
    let owner = Owner::new(OWNER).map_err(Failure::usage)?;
    let run = RunFolder { store, owner };
    let id = run.find_or_create(&arguments.input, &settings).await?;
    let outcome = run.answer(&id, &engine, &arguments).await;
    let (batch, summary) = match outcome {
        Ok(ended) => ended,
        Err(failure) => return Err(failure.with_hint_if_none(lines::RESUMES)),
    };
    if batch.status == Status::Failed {
        report_problems(&arguments.input, &batch);
        drop(run);
        std::fs::remove_dir_all(&folder).map_err(Failure::work)?;
        return Err(Failure::input_refused());
    }
    run.write(batch.output_file_id.as_deref(), &arguments.output).await?;
    if batch.error_file_id.is_some() {
        run.write(batch.error_file_id.as_deref(), &errors).await?;
    } else if errors.exists() && arguments.restart {
        std::fs::remove_file(&errors).map_err(Failure::work)?;
    }
    // Its lock is given back first.
    drop(run);
    std::fs::remove_dir_all(&folder).map_err(Failure::work)?;
    if !arguments.quiet {
        aside(summary);
    }
    match batch.request_counts.failed {
        0 => Ok(()),
        failed => {
            report_failures(&errors, failed);
            Err(Failure::told())
        }
    }
}

/// Refuses files that would be overwritten by mistake.
fn check_paths(arguments: &RunArguments, folder: &Path, errors: &Path) -> Result<(), Failure> {
    let name = arguments.input.display();
    let input = std::fs::metadata(&arguments.input)
        .map_err(|error| Failure::usage(format!("cannot read `{name}`: {error}")))?;
    if !input.is_file() {
        return Err(Failure::usage(format!("`{name}` is not a file; a batch is read more than once")));
    }
    for path in [&arguments.output, errors] {
        lines::refuse_same_file(&arguments.input, path)?;
    }
    if arguments.output.exists() && !folder.exists() && !arguments.restart {
        let failure = Failure::usage(format!("`{}` exists", arguments.output.display()));
        return Err(failure.with_hint("choose another `--output`, or overwrite it with `--restart`"));
    }
    Ok(())
}

struct RunFolder {
    store: Store,
    owner: Owner,
}

impl RunFolder {
    /// The batch of the folder, which an earlier run has begun, or a new one.
    async fn find_or_create(&self, input: &Path, settings: &str) -> Result<String, Failure> {
        let found = self.store.batches(&self.owner, &Page::first(1)).await.map_err(failure)?;
        let Some(batch) = found.entries.into_iter().next() else {
            let input = std::fs::canonicalize(input).map_err(Failure::work)?;
            let mut new = NewBatch::new(Input::Path(input));
            settings.clone_into(&mut new.settings);
            return Ok(self.store.create(&self.owner, new).await.map_err(failure)?.id);
        };
        if self.store.has_settings(&self.owner, &batch.id, settings).await.map_err(failure)? {
            return Ok(batch.id);
        }
        let failure = Failure::usage("the model or its parameters have changed since the output was begun");
        Err(failure.with_hint("restore them, choose another `--output`, or start over with `--restart`"))
    }

    /// Answers the lines, as far as it is not stopped. Returns a summary, too.
    async fn answer(
        &self,
        id: &str,
        engine: &dyn Engine,
        arguments: &RunArguments,
    ) -> Result<(Batch, String), Failure> {
        let before = self.store.batch(&self.owner, id).await.map_err(failure)?.request_counts;
        let progress = Arc::new(Mutex::new(None::<Progress>));
        let shown = Arc::clone(&progress);
        let quiet = arguments.quiet;
        let stop = Stop::never();
        let mut options = RunOptions::default();
        options.concurrency = arguments.concurrency as usize;
        options.flush_every = std::time::Duration::from_secs(2);
        options.stop = stop.clone();
        options.progress = Some(Arc::new(move |counts| {
            let mut progress = shown.lock().unwrap_or_else(PoisonError::into_inner);
            let done = counts.completed + counts.failed;
            // What the first report has was done before.
            progress.get_or_insert_with(|| Progress::on_stderr(counts.total, done, quiet)).set(done);
        }));
        let runner = Runner::new(self.store.clone());
        let run = runner.run(&self.owner, id, engine, &options);
        let interrupted = async {
            let mut presses = pin!(lines::presses());
            presses.next().await;
            stop.finish();
            if let Some(progress) = &*progress.lock().unwrap_or_else(PoisonError::into_inner) {
                lines::say_finishing(progress);
            }
            presses.next().await;
            stop.end();
            std::future::pending::<()>().await;
        };
        let end = tokio::select! {
            end = run => end,
            () = interrupted => return Err(Failure::interrupted()),
        };
        let progress = progress.lock().unwrap_or_else(PoisonError::into_inner).take();
        let progress = progress.unwrap_or_else(|| Progress::hidden(before.total, before.completed + before.failed));
        progress.clear();
        match end.map_err(failure)? {
            End::Ended(batch) => Ok((batch, progress.summary("done", 0))),
            _ => {
                if !quiet {
                    aside(progress.summary("done", 0));
                }
                Err(Failure::interrupted())
            }
        }
    }

    /// Writes a file of the store to a path, as a whole.
    async fn write(&self, file: Option<&str>, path: &Path) -> Result<(), Failure> {
        write(&self.store, &self.owner, file, path).await
    }
}

/// Writes a file of the store to a path, as a whole: an empty one if there is none.
pub(super) async fn write(store: &Store, owner: &Owner, file: Option<&str>, path: &Path) -> Result<(), Failure> {
    let named = |error: std::io::Error| Failure::usage(format!("cannot write `{}`: {error}", path.display()));
    let is_regular = path.metadata().is_ok_and(|at| at.is_file()) || !path.exists();
    let partial = if is_regular { with_ending(path, ".partial") } else { path.to_owned() };
    let mut out = BufWriter::with_capacity(256 * 1024, File::create(&partial).map_err(named)?);
    if let Some(file) = file {
        let (_, mut content) = store.content(owner, file).await.map_err(failure)?;
        while let Some(piece) = content.try_next().await.map_err(Failure::work)? {
            out.write_all(&piece).map_err(named)?;
        }
    }
    out.flush().map_err(named)?;
    if is_regular {
        out.get_ref().sync_all().map_err(named)?;
        std::fs::rename(&partial, path).map_err(named)?;
    }
    Ok(())
}

/// Says what is wrong with an input.
fn report_problems(input: &Path, batch: &Batch) {
    for problem in batch.errors.iter().flat_map(|problems| &problems.data) {
        let line = problem.line.map(|line| format!(", line {line}")).unwrap_or_default();
        lines::report("invalid", format_args!("{}{line}", input.display()), &problem.message);
    }
}

/// Shows the first lines that were not answered.
fn report_failures(errors: &Path, failed: u64) {
    let text = File::open(errors).map(std::io::BufReader::new);
    let lines = text.into_iter().flat_map(|text| std::io::BufRead::lines(text).map_while(Result::ok));
    for line in lines.take(SHOWN) {
        let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
        let message = line.pointer("/error/message").or_else(|| line.pointer("/response/body/error/message"));
        let message = message.and_then(Value::as_str).unwrap_or("the answer is in the file of errors");
        let id = line.get("custom_id").and_then(Value::as_str).unwrap_or_default();
        // It may have been written to look like a line of its own.
        lines::report("failed", id.escape_debug(), message);
    }
    let lines = if failed == 1 { "line" } else { "lines" };
    note(None, format_args!("not answered: {failed} {lines}; the reasons are in {}", errors.display()));
}
