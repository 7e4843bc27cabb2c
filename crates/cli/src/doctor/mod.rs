//! `sagewire doctor`: why a model does not answer, step by step, with the sentence that mends it.
//!
//! Owns the arguments and the order of the steps. Each step is a file of its own; how the result looks is `report`'s.

use std::time::SystemTime;

use clap::Args;

use crate::{Failure, connection::ConnectionArguments};

mod answer;
mod clock;
mod credentials;
mod cure;
mod identity;
mod probe;
mod proxy;
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
  sagewire doctor sagemaker/my-embeddings --embeddings
  sagewire doctor --config config.yaml gpt-4
  sagewire doctor --demo --json

It asks the model for one token, and where the answer shows that the container speaks another dialect, for one more in each that it tries;
`--no-invoke` asks for nothing. STS is asked who the credentials belong to, which needs no permission. Nothing that is printed is secret: keys,
tokens and signatures are left out, so `--json` can be given to whoever helps.

Exit codes: 0 nothing is wrong, 1 something is, 2 the arguments or the configuration are wrong.")]
pub(crate) struct DoctorArguments {
    /// The model; without one, only credentials, region and network are looked at
    #[arg(env = "SAGEWIRE_MODEL")]
    model: Option<String>,
    /// Does not call the endpoint: shows the request that would be sent
    #[arg(long)]
    no_invoke: bool,
    /// The endpoint embeds texts: asks it for a vector in place of a chat
    #[arg(long)]
    embeddings: bool,
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
        let mut examination = Examination::new(subject.title(), !arguments.json);
        examine(subject, arguments.no_invoke, &mut examination).await;
        examination.conclude();
        examinations.push(examination);
    }
    if arguments.json {
        report::print_json(&examinations)?;
    }
    if examinations.iter().all(Examination::is_healthy) { Ok(()) } else { Err(Failure::told()) }
}

/// Each step builds on those before it; one that cannot be done says so.
async fn examine(subject: &Subject, no_invoke: bool, examination: &mut Examination) {
    let log = Log::default();
    let world = watch::world(&subject.world, &log);
    if let Some(step) = subject.model_step() {
        let is_usable = !step.has_failed();
        examination.add(step);
        if !is_usable {
            return;
        }
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
    let case = cure::Case { subject, region, keys, identity, target, world: &world };
    for step in answer::ask(&case, no_invoke, &log).await {
        examination.add(step);
    }
    examination.add(clock::look(&log));
}

/// `2026-11-24T02:30:00Z` would need a calendar; seconds since 1970 serve support as well.
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
            text.truncate(text.trim_end_matches('.').len());
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
