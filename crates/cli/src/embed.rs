//! `sagewire embed`: texts in, one JSON line with a vector for each out.
//!
//! Owns the arguments and the order of the steps: read and check the input, see what the output
//! holds already, embed the rest.

use std::{io::Read, path::PathBuf};

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::{
    Failure, announce,
    connection::{Connection, ConnectionArguments, Purpose},
    fingerprint::Fingerprint,
    lines,
    progress::Progress,
    terminal::aside,
};

mod input;
mod output;
mod work;

use input::{Broken, Input, Source};
use output::{Done, Output};
use work::Job;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire embed --demo 'good morning' 'good night'
  sagewire embed --demo --input texts.txt --output vectors.jsonl
  sagewire embed --model sagemaker/my-embeddings --input corpus.jsonl --field body --output vectors.jsonl --concurrency 8
  sagewire embed --model sagemaker/my-embeddings -p embedding_dialect=tei 'good morning'
  sagewire embed --config config.yaml --model embedding --input texts.txt --output vectors.jsonl --keep-going
  sort texts.txt | uniq | sagewire embed --demo --input - | jq '.embedding | length'

The input is one text per line, or JSON lines: strings, or objects with `text` or `input` (or `--field`) and optionally an `id`, which is copied.
Each line of the output is {\"index\", \"id\", \"hash\", \"embedding\"}; `index` is the line of the input, from 0. Lines are written as they are answered.

An existing output file is continued: lines that it has are not requested again, an incomplete last line is dropped, and an input that has changed
is refused. Ctrl-C lets the requests in flight finish and keeps their results; a second Ctrl-C ends at once.

Exit codes: 0 all lines are in the output, 1 some are not, 2 the arguments or the input are invalid, 130 stopped with Ctrl-C.")]
pub(crate) struct EmbedArguments {
    /// The texts
    #[arg(conflicts_with = "input")]
    texts: Vec<String>,
    /// The model: `sagemaker/<endpoint>`, or a name of `--config`
    #[arg(long, short, env = "SAGEWIRE_MODEL")]
    model: Option<String>,
    /// Reads the texts from a file, or from standard input (`-`)
    #[arg(long, short, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Writes to a file, and continues it if it exists [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The format of the input
    #[arg(long, value_name = "FORM", default_value = "auto")]
    format: InputFormat,
    /// The field of a JSON object that holds the text [default: `text`, else `input`]
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
    /// The number of texts per request
    #[arg(long, value_name = "COUNT", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,
    /// The number of requests in flight at the same time
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1024))]
    concurrency: u32,
    /// The number of dimensions of each vector, if the model offers a choice
    #[arg(long, value_name = "COUNT")]
    dimensions: Option<u32>,
    /// Skips lines that are invalid or that the model refuses; they are listed at the end, and the
    /// exit code is 1
    #[arg(long)]
    keep_going: bool,
    /// Overwrites the output file
    #[arg(long, requires = "output")]
    restart: bool,
    /// Hides progress and summary
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// What the lines of an input are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    /// JSON lines in files named .jsonl or .ndjson, and where the first line is a JSON text or
    /// object; else plain lines
    Auto,
    /// Each line is a text
    Lines,
    /// Each line is JSON
    Jsonl,
}

pub(crate) async fn run(arguments: EmbedArguments) -> Result<(), Failure> {
    let to_stdout = arguments.output.as_ref().is_none_or(|path| path.as_os_str() == "-");
    if to_stdout {
        announce::require()?;
    }
    let connection = Connection::open(&arguments.connection, arguments.model.as_deref(), Purpose::Embed).await?;
    let input = open_input(&arguments).await?;
    let mut parameters = connection.parameters.clone();
    if let Some(dimensions) = arguments.dimensions {
        parameters.insert("dimensions".to_owned(), Value::from(dimensions));
    }
    let fingerprint = Fingerprint::new(&connection.model, &parameters);
    if let (Some(input), Some(output)) = (&arguments.input, &arguments.output) {
        lines::refuse_same_file(input, output)?;
    }
    let (mut output, done) = match &arguments.output {
        Some(path) if !to_stdout => Output::open(path, arguments.restart)?,
        _ => (Output::stdout(), Done::default()),
    };
    let (total, broken) = input.check(&done, &fingerprint, arguments.keep_going).await?;
    let resumable = output.is_resumable();
    let mut progress = Progress::on_stderr(total, done.len() as u64, arguments.quiet);
    let job = Job {
        provider: &*connection.provider,
        model: &connection.model,
        parameters: &parameters,
        fingerprint: &fingerprint,
        batch_size: arguments.batch_size as usize,
        concurrency: arguments.concurrency as usize,
        keep_going: arguments.keep_going,
    };
    let records = input.records().await?;
    let result = job.run(records, &done, &mut output, lines::presses(), &mut progress).await;
    progress.clear();
    // Whatever happened, what has been written is to be there after a power cut too.
    output.sync().map_err(Failure::output)?;
    let resumes = |failure: Failure| if resumable { failure.with_hint(lines::RESUMES) } else { failure };
    let summary = result.map_err(resumes)?;
    for Broken { index, why } in &broken {
        lines::report("invalid", format_args!("line {}", index + 1), why);
    }
    for (index, error) in &summary.refused {
        lines::report("refused", format_args!("line {}", index + 1), error);
    }
    if !arguments.quiet {
        aside(progress.summary("embedded", summary.tokens));
    }
    match summary.is_stopped {
        true => Err(resumes(Failure::interrupted())),
        false if summary.refused.is_empty() && broken.is_empty() => Ok(()),
        false => Err(Failure::told()),
    }
}

async fn open_input(arguments: &EmbedArguments) -> Result<Input, Failure> {
    let Some(path) = &arguments.input else {
        if arguments.texts.is_empty() {
            return Err(Failure::usage("nothing to embed")
                .with_hint("pass texts as arguments, a file with `--input FILE`, or standard input with `--input -`"));
        }
        return Input::of_texts(&arguments.texts);
    };
    let (format, field) = (arguments.format, arguments.field.clone());
    if path.as_os_str() == "-" {
        let mut text = Vec::new();
        std::io::stdin().lock().read_to_end(&mut text).map_err(Failure::work)?;
        return Input::open(Source::Text(text.into()), "standard input".to_owned(), format, field).await;
    }
    let name = path.display().to_string();
    // What is not a file, such as a pipe, can be read once.
    let source = match std::fs::metadata(path) {
        Ok(at) if at.is_file() => Ok(Source::File(path.clone())),
        _ => std::fs::read(path).map(|text| Source::Text(text.into())),
    };
    let source = source.map_err(|error| Failure::usage(format!("cannot read `{name}`: {error}")))?;
    Input::open(source, name, format, field).await
}

#[cfg(test)]
mod tests;
