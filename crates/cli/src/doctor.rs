//! `sagewire doctor`: why a model does not answer, step by step, and how to fix it.
//!
//! This file has the arguments and the order of the steps. Each step is a file, and the form of the
//! result is in `report`.

use std::time::SystemTime;

use clap::Args;
use sagewire::credentials::Region;

use crate::{Failure, connection::ConnectionArguments};

mod account;
mod answer;
mod clock;
mod credentials;
mod files;
mod fix;
mod identity;
mod probe;
mod proxy;
mod redis;
mod region;
mod report;
mod subject;
mod url;
mod watch;

use report::{Examination, Step};
use subject::Subject;
use watch::Log;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire doctor
  sagewire doctor sagemaker_chat/my-endpoint
  sagewire doctor sagemaker/my-endpoint --region eu-west-1 --inference-component llama-8b
  sagewire doctor sagemaker/my-endpoint --no-invoke
  sagewire doctor sagemaker/my-endpoint --look-in us-west-2 --look-in eu-west-1
  sagewire doctor sagemaker/my-embeddings --embeddings
  sagewire doctor --config config.yaml gpt-4
  sagewire doctor --demo --json

Requests one token from the model, and one more in each other dialect if the container does not understand the first; `--no-invoke`
sends no request to it. Reads the endpoint's description, if the credentials permit it. Asks STS for the owner of the credentials, which needs no permission. The output contains no secret: keys, tokens
and signatures are left out, so you can pass `--json` on for support.

Exit codes: 0 no problem was found, 1 there is a problem, 2 the arguments or the configuration are invalid.")]
pub(crate) struct DoctorArguments {
    /// The model. Without one, only credentials, region and network are examined
    #[arg(env = "SAGEWIRE_MODEL")]
    model: Option<String>,
    /// Does not call the endpoint, and shows the request that would be sent
    #[arg(long)]
    no_invoke: bool,
    /// The endpoint embeds texts: requests a vector instead of a chat
    #[arg(long)]
    embeddings: bool,
    /// Looks for the endpoint in this region too, if it is not where it should be. Repeatable
    #[arg(long, value_name = "REGION", value_parser = Region::new)]
    look_in: Vec<Region>,
    /// Shows everything that was looked at: variables, files, URLs, headers
    #[arg(long, short)]
    verbose: bool,
    /// Prints JSON, for support
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionArguments,
}

pub(crate) async fn run(arguments: DoctorArguments) -> Result<(), Failure> {
    let subjects = subject::find(&arguments).await?;
    let mut examinations = Vec::new();
    for subject in &subjects.all {
        let mut examination = Examination::new(subject.title());
        examine(subject, arguments.no_invoke, &arguments.look_in, &mut examination).await;
        if !arguments.json {
            examination.print(arguments.verbose);
        }
        examinations.push(examination);
    }
    if let Some(step) = subjects.redis {
        let mut examination = Examination::new("what replicas share".to_owned());
        examination.add(step);
        if !arguments.json {
            examination.print(arguments.verbose);
        }
        examinations.push(examination);
    }
    if arguments.json {
        report::print_json(&examinations)?;
    }
    if examinations.iter().all(Examination::is_healthy) { Ok(()) } else { Err(Failure::told()) }
}

/// Each step uses the results of those before it. One that cannot be done is reported as skipped.
async fn examine(subject: &Subject, no_invoke: bool, look_in: &[Region], examination: &mut Examination) {
    let log = Log::default();
    let world = watch::world(&subject.world, &log);
    if let Some(step) = subject.model_step() {
        let is_usable = !step.has_failed();
        examination.add(step);
        if !is_usable {
            return;
        }
    }
    if let Some(step) = files::look(subject, &world).await {
        examination.add(step);
    }
    let (step, region) = region::look(subject, &world).await;
    examination.add(step);
    let (step, keys) = credentials::look(subject, &world).await;
    examination.add(step);
    let (step, identity) = identity::ask(subject, &world, region.as_ref(), keys.as_ref()).await;
    examination.add(step);
    let (step, target) = url::look(subject, &world, region.as_ref()).await;
    examination.add(step);
    if let Some(step) = proxy::look(&subject.system, target.as_ref()) {
        examination.add(step);
    }
    let (located, known) = (region.as_ref(), keys.as_ref());
    if let Some(step) = account::look(subject, &world, located, known, look_in).await {
        examination.add(step);
    }
    let case = fix::Case { subject, region, keys, identity, target, world: &world };
    for step in answer::ask(&case, no_invoke, &log).await {
        examination.add(step);
    }
    examination.add(clock::look(&log));
}

/// Seconds since 1970, for support.
fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default()
}

/// An error and all that is behind it, in one line.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let level = error.to_string();
        if !text.contains(&level) {
            text.push_str(": ");
            text.push_str(&level);
        }
        cause = error.source();
    }
    text
}

/// A step whose preconditions are missing.
fn skipped(name: &'static str, why: &str) -> Step {
    Step::skipped(name, why)
}
