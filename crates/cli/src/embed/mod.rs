//! `sagewire embed`: texts in, one JSON line with a vector for each out.
//!
//! Owns the arguments and the order of the steps: read and check the input, see what the output holds already, embed the rest.

use std::{fs::File, io::Read, path::PathBuf};

use clap::{Args, ValueEnum};
use futures_util::stream;
use serde_json::Value;

use crate::{
    Failure,
    connection::{Connection, ConnectionArguments, Purpose},
    interrupt,
    terminal::{Colour, Style},
};

mod fingerprint;
mod input;
mod output;
mod progress;
mod work;

use fingerprint::Fingerprint;
use input::Input;
use output::{Done, Output};
use progress::Progress;
use work::{End, Job};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire embed --demo 'good morning' 'good night'
  sagewire embed --demo --input texts.txt --output vectors.jsonl
  sagewire embed --model sagemaker/my-embeddings --input corpus.jsonl --field body --output vectors.jsonl --concurrency 8
  sagewire embed --model sagemaker/my-embeddings -p embedding_dialect=tei 'good morning'
  sagewire embed --config config.yaml --model embedding --input texts.txt --output vectors.jsonl --keep-going
  sort texts.txt | uniq | sagewire embed --demo --input - | jq '.embedding | length'

The input is one text a line, or JSON lines: texts, or objects with `text` or `input` (or `--field`) and, if they have one, an `id` that is passed on.
Each line of the output is {\"index\", \"id\", \"hash\", \"embedding\"}; `index` is the input's line, from 0. Lines come in the order in which they are done.

An output file is gone on with: what it holds is not asked for again, a torn last line is dropped, and an input that has changed since is refused.
Ctrl-C lets the requests at work finish and keeps what they bring; once more ends at once.

Exit codes: 0 all lines are in the output, 1 some are not, 2 the arguments or the input are wrong, 130 stopped with Ctrl-C.")]
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
    /// Writes to a file, and goes on with it if it is there already [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What the input's lines are
    #[arg(long, value_name = "FORM", default_value = "auto")]
    format: InputFormat,
    /// The field of a JSON object that holds the text [default: `text`, else `input`]
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
    /// How many texts one request carries
    #[arg(long, value_name = "COUNT", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,
    /// How many requests are at work at the same time
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1024))]
    concurrency: u32,
    /// How many numbers each vector shall have, where the model offers a choice
    #[arg(long, value_name = "COUNT")]
    dimensions: Option<u32>,
    /// Goes on past texts that the model refuses; they are named at the end
    #[arg(long)]
    keep_going: bool,
    /// Empties the output file and begins anew
    #[arg(long, requires = "output")]
    restart: bool,
    /// Shows neither progress nor summary
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// What the lines of an input are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    /// JSON lines in files named .jsonl or .ndjson, and where the first line is a JSON text or object; else plain lines
    Auto,
    /// Each line is a text
    Lines,
    /// Each line is JSON
    Jsonl,
}

pub(crate) async fn run(arguments: EmbedArguments) -> Result<(), Failure> {
    let connection = Connection::open(&arguments.connection, arguments.model.as_deref(), Purpose::Embed).await?;
    let input = read_input(&arguments)?;
    let mut parameters = connection.parameters.clone();
    if let Some(dimensions) = arguments.dimensions {
        parameters.insert("dimensions".to_owned(), Value::from(dimensions));
    }
    let fingerprint = Fingerprint::new(&connection.model, &parameters);
    if let (Some(input), Some(output)) = (&arguments.input, &arguments.output) {
        let is_same =
            std::fs::canonicalize(input).ok().zip(std::fs::canonicalize(output).ok()).is_some_and(|(a, b)| a == b);
        if is_same {
            return Err(Failure::usage("input and output are the same file: name another `--output`"));
        }
    }
    let (mut output, done) = match &arguments.output {
        Some(path) if path.as_os_str() != "-" => Output::file(path, arguments.restart)?,
        _ => (Output::stdout(), Done::default()),
    };
    let total = input.check(&done, &fingerprint)?;
    let resumable = output.is_file();
    let mut progress = Progress::on_stderr(total, done.len(), arguments.quiet);
    let job = Job {
        provider: &*connection.provider,
        model: &connection.model,
        parameters: &parameters,
        fingerprint: &fingerprint,
        batch_size: arguments.batch_size as usize,
        concurrency: arguments.concurrency as usize,
        keep_going: arguments.keep_going,
    };
    let stops = stream::unfold((), |()| async { Some((interrupt::ctrl_c().await, ())) });
    let result = job.run(input.records(), &done, &mut output, stops, &mut progress).await;
    progress.clear();
    // Whatever happened, what has been written is to be there after a power cut too.
    output.sync().map_err(Failure::output)?;
    let summary = result.map_err(|failure| match resumable {
        true => failure.with_hint("what is done is kept: the same command goes on from there"),
        false => failure,
    })?;
    let style = Style::of_stderr();
    for (record, error) in &summary.refused {
        eprintln!("{} line {}: {error}", style.paint(Colour::Red, "refused:"), record + 1);
    }
    if !arguments.quiet {
        eprintln!("{}", style.paint(Colour::Dim, progress.summary(summary.tokens)));
    }
    match summary.end {
        End::Stopped => Err(match resumable {
            true => Failure::interrupted().with_hint("what is done is kept: the same command goes on from there"),
            false => Failure::interrupted(),
        }),
        End::Finished if summary.refused.is_empty() => Ok(()),
        End::Finished => Err(Failure::told()),
    }
}

fn read_input(arguments: &EmbedArguments) -> Result<Input, Failure> {
    let (bytes, name) = match &arguments.input {
        None if arguments.texts.is_empty() => {
            let failure = Failure::usage("there is nothing to embed");
            return Err(failure
                .with_hint("give texts as arguments, a file with `--input FILE`, or standard input with `--input -`"));
        }
        None => return Ok(Input::of_texts(arguments.texts.clone())),
        Some(path) if path.as_os_str() == "-" => {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes).map_err(Failure::work)?;
            (bytes, "standard input".to_owned())
        }
        Some(path) => {
            let name = path.display().to_string();
            let read = || {
                let mut bytes = Vec::new();
                File::open(path)?.read_to_end(&mut bytes).map(|_| bytes)
            };
            let bytes = read().map_err(|error| Failure::usage(format!("`{name}` cannot be read: {error}")))?;
            (bytes, name)
        }
    };
    Input::parse(bytes, name, arguments.format, arguments.field.as_deref())
}

#[cfg(test)]
mod tests;
