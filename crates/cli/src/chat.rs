//! `sagewire chat`: one question, or a conversation.
//!
//! Owns the arguments and the choice between the two. How an answer is shown is `answer`'s; the
//! conversation is `session`'s.

use std::io::{IsTerminal, Read};

use clap::{Args, ValueEnum};
use sagewire::{ChatRequest, Message, StopSequences, StreamOptions};
use serde_json::{Map, Value};

use crate::{
    Failure, announce,
    connection::{Connection, ConnectionArguments, Purpose},
    interrupt,
};

mod answer;
mod lines;
mod session;
mod speed;
mod typing;
mod waiting;
mod wrap;

use answer::{Outcome, Printer};
use typing::Unseen;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sagewire chat --demo
  sagewire chat --demo 'What is a llama?'
  sagewire chat --model sagemaker_chat/my-endpoint --system 'Answer in French.' 'What is a llama?'
  sagewire chat --model sagemaker/my-endpoint --max-tokens 200 --temperature 0.2 -p top_k=40 'Hello!'
  sagewire chat --config config.yaml --model gpt-4
  git diff | sagewire chat --model sagemaker_chat/my-endpoint 'Write a commit message'
  sagewire chat --demo --json 'What is a llama?' | jq -r '.choices[0].message.content'

Without a question, on a terminal, it holds a conversation: /help lists its commands. Ctrl-C stops the answer and not the conversation; Ctrl-D
leaves it, as Ctrl-C twice at the prompt does. The answer goes to standard output, tokens and speed to standard error. On a terminal, lines break
between words.

Exit codes: 0 answered, 1 the call failed, 2 the arguments are wrong, 130 stopped with Ctrl-C.")]
pub(crate) struct ChatArguments {
    /// The question. What is piped in is placed before it, or in the place of `-`; without a
    /// question it is the question
    question: Vec<String>,
    /// The model: `sagemaker/<endpoint>` for text containers, `sagemaker_chat/<endpoint>` for the
    /// Messages API, or a name of `--config`
    #[arg(long, short, env = "SAGEWIRE_MODEL")]
    model: Option<String>,
    /// The system message
    #[arg(long, short, value_name = "TEXT")]
    system: Option<String>,
    /// Prints JSON instead of text: the whole answer as OpenAI's API has it, or its chunks as they
    /// come
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "answer")]
    json: Option<JsonForm>,
    /// Waits for the whole answer; for containers that cannot stream
    #[arg(long)]
    no_stream: bool,
    /// Hides the line with tokens and speed
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    sampling: SamplingArguments,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// How tokens are chosen.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Sampling")]
struct SamplingArguments {
    /// Sampling temperature; 0 always takes the most likely token
    #[arg(long, value_name = "NUMBER")]
    temperature: Option<f64>,
    /// Nucleus sampling: samples from the most likely tokens up to this total probability
    #[arg(long, value_name = "NUMBER")]
    top_p: Option<f64>,
    /// Maximum number of tokens of the answer
    #[arg(long, value_name = "COUNT")]
    max_tokens: Option<u64>,
    /// Ends the answer before this text. Repeatable
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// Makes sampling repeatable, if the container supports it
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    seed: Option<i64>,
}

/// What is printed as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum JsonForm {
    /// The whole answer
    Answer,
    /// Every chunk
    Chunks,
}

pub(crate) async fn run(arguments: ChatArguments) -> Result<(), Failure> {
    announce::require()?;
    let connection = Connection::open(&arguments.connection, arguments.model.as_deref(), Purpose::Chat).await?;
    let request = request(&connection, &arguments)?;
    let printer = Printer::system(arguments.json, arguments.quiet);
    let is_piped = !std::io::stdin().is_terminal();
    if arguments.question.is_empty() && !is_piped {
        return session::run(&connection, request, printer).await;
    }
    let question = question(&arguments.question, &mut std::io::stdin().lock(), is_piped)?;
    let _unseen = Unseen::begin();
    one_question(&connection, request.with_message(Message::user(question)), printer).await
}

async fn one_question(connection: &Connection, request: ChatRequest, mut printer: Printer) -> Result<(), Failure> {
    let stop = interrupt::ctrl_c();
    match answer::ask(&*connection.provider, request, &mut printer, stop).await? {
        Outcome::Whole(_) => Ok(()),
        Outcome::Stopped(_) => Err(Failure::interrupted()),
    }
}

/// The question: the words, with standard input in the place of each `-`. Without one, what is
/// piped in comes before the words.
fn question(words: &[String], input: &mut impl Read, is_piped: bool) -> Result<String, Failure> {
    let mut read = || {
        let mut text = String::new();
        input
            .read_to_string(&mut text)
            .map_err(|error| Failure::usage(error).with_hint("standard input must be UTF-8 text"))?;
        Ok::<_, Failure>(text.trim_end().to_owned())
    };
    let question = match words {
        [] => read()?,
        words if is_piped && !words.iter().any(|word| word == "-") => {
            // The text first, and then what to do with it.
            let (text, words) = (read()?, words.join(" "));
            if text.is_empty() { words } else { format!("{text}\n\n{words}") }
        }
        words => {
            let mut question = String::new();
            for word in words {
                if !question.is_empty() {
                    question.push(if word == "-" { '\n' } else { ' ' });
                }
                question.push_str(&if word == "-" { read()? } else { word.clone() });
            }
            question
        }
    };
    if question.trim().is_empty() {
        let hint = "ask one as in `sagewire chat --model sagemaker_chat/<endpoint> 'What is a llama?'`";
        return Err(Failure::usage("the question is empty").with_hint(hint));
    }
    Ok(question)
}

/// The request without its question.
fn request(connection: &Connection, arguments: &ChatArguments) -> Result<ChatRequest, Failure> {
    let mut fields: Map<String, Value> = connection.parameters.clone();
    fields.insert("model".to_owned(), connection.model.clone().into());
    fields.insert("messages".to_owned(), Value::Array(Vec::new()));
    let mut request: ChatRequest = serde_json::from_value(Value::Object(fields))
        .map_err(|error| Failure::usage(format!("a `--param` has a value of the wrong type: {error}")))?;
    let SamplingArguments { temperature, top_p, max_tokens, stop, seed } = &arguments.sampling;
    request.temperature = temperature.or(request.temperature);
    request.top_p = top_p.or(request.top_p);
    request.max_tokens = max_tokens.or(request.max_tokens);
    request.seed = seed.or(request.seed);
    request.stop = match stop.as_slice() {
        [] => request.stop,
        [one] => Some(StopSequences::One(one.clone())),
        many => Some(StopSequences::Many(many.to_vec())),
    };
    if let Some(system) = &arguments.system {
        request.messages.push(Message::system(system.as_str()));
    }
    if !arguments.no_stream {
        request.stream = Some(true);
        request.stream_options.get_or_insert_with(StreamOptions::with_usage);
    }
    Ok(request)
}

#[cfg(test)]
mod tests;
