//! The Rust side of `side_by_side.py`, which measures this crate, minijinja alone, jinja2 and
//! `transformers` in turn.
//!
//! Reads lines `<row> <template> <count>` and answers each with the nanoseconds of one prompt. The
//! rows: `render` is this crate, from JSON messages; `minijinja` is the engine with its own filters
//! and values that are ready; `converted` is the same with the messages turned into values each
//! time; `conversion` is that turning alone.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark may stop at the first surprise")]

use std::collections::HashMap;
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use sagewire_chat_template::{ChatTemplate, Conversation, SpecialTokens};

const BOS: &str = "<|begin_of_text|>";
const EOS: &str = "<|im_end|>";

fn conversation() -> Vec<serde_json::Value> {
    serde_json::from_str(include_str!("conversation.json")).unwrap()
}

fn source(name: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "the benchmark's own configuration")]
    let vectors = std::env::var_os("SAGEWIRE_VECTORS").map(PathBuf::from);
    let vectors = vectors.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"));
    std::fs::read_to_string(vectors.join("chat-templates/templates").join(format!("{name}.jinja"))).unwrap()
}

/// What a program does that uses the engine as it is.
fn engine(source: String) -> Environment<'static> {
    let mut env = Environment::new();
    env.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().unwrap());
    env.add_function("strftime_now", |_format: String| "15 Jan 2026");
    env.add_function("raise_exception", |message: String| -> Result<Value, minijinja::Error> {
        Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, message))
    });
    env.add_template_owned("chat", source).unwrap();
    env
}

fn root(messages: Value) -> Value {
    context! { messages, tools => (), documents => (), add_generation_prompt => true, bos_token => BOS, eos_token => EOS }
}

struct Subject {
    template: ChatTemplate,
    env: Environment<'static>,
}

impl Subject {
    fn new(name: &str) -> Self {
        let source = source(name);
        let tokens = SpecialTokens::new().with("bos_token", BOS).with("eos_token", EOS);
        Self { template: ChatTemplate::from_jinja(&source, tokens).unwrap(), env: engine(source) }
    }

    fn measure(&self, row: &str, count: u32) -> u128 {
        let messages = conversation();
        let ready = root(Value::from(Serde(&messages)));
        let chat = self.env.get_template("chat").unwrap();
        let clock = || std::time::UNIX_EPOCH;
        match row {
            "render" => {
                timed(count, || self.template.render(&Conversation::new(black_box(&messages)), &clock).unwrap())
            }
            "minijinja" => timed(count, || chat.render(black_box(&ready)).unwrap()),
            "converted" => timed(count, || chat.render(root(Value::from(Serde(black_box(&messages))))).unwrap()),
            "conversion" => timed(count, || root(Value::from(Serde(black_box(&messages))))),
            _ => panic!("no such row: {row}"),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn timed<T>(count: u32, mut run: impl FnMut() -> T) -> u128 {
    let start = Instant::now();
    for _ in 0..count {
        black_box(run());
    }
    start.elapsed().as_nanos() / u128::from(count)
}

fn main() {
    let mut subjects: HashMap<String, Subject> = HashMap::new();
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let mut words = line.split_whitespace();
        let (Some(row), Some(name), Some(count)) = (words.next(), words.next(), words.next()) else { continue };
        let subject = subjects.entry(name.to_owned()).or_insert_with(|| Subject::new(name));
        writeln!(out, "{}", subject.measure(row, count.parse().unwrap())).unwrap();
        out.flush().unwrap();
    }
}
