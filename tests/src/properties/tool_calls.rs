//! The calls of tools that a model writes into its text, in each form.
//!
//! The input's first line holds words: a parser's name and how the text is read (`forced`, `one`,
//! `stop`, `thoughts`, `logprobs`). What follows is what the model wrote.

use std::{borrow::Cow, collections::BTreeMap};

use sagewire_dialects::{ChatDialect, DecodeContext, ToolCallReading, tool_calls};
use sagewire_types::{ChatChunk, Tool};
use serde_json::{Value, json};

use super::{Bound, SIZES, headed};

/// A call of some letters becomes a chunk of some hundred bytes. Here all are kept.
pub const BOUND: Bound = Bound::small(800, 8_000);

/// Reads the text as a whole answer and as a stream.
pub fn read(input: &[u8]) {
    let case = Case::new(input);
    let _ = case.whole();
    let _ = case.streamed(61);
}

/// No panic; a stream says the same at every cut; the answer is no longer than the text, but for
/// escapes; and the arguments of the calls in a whole answer are JSON.
///
/// # Panics
/// If this is not so.
pub fn check(input: &[u8]) {
    let case = Case::new(input);
    let whole = case.whole();
    whole.is_bounded(&case.text);
    for call in whole.calls.values() {
        let arguments: Result<Value, _> = serde_json::from_str(&call.arguments);
        assert!(arguments.is_ok(), "the arguments of `{}` are not JSON: {}", call.name, call.arguments);
    }
    let streamed = case.streamed(case.text.len().max(1));
    streamed.is_bounded(&case.text);
    for size in SIZES {
        assert_eq!(case.streamed(size), streamed, "pieces of {size} bytes change what is said");
    }
}

struct Case<'a> {
    context: DecodeContext,
    text: Cow<'a, str>,
}

/// What an answer says, however it came.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    content: String,
    thoughts: String,
    calls: BTreeMap<u32, Call>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Call {
    name: String,
    arguments: String,
}

impl Said {
    /// An escape takes six bytes, and what says that a call is one takes some.
    fn is_bounded(&self, text: &str) {
        let calls: usize = self.calls.values().map(|call| call.name.len() + call.arguments.len()).sum();
        let said = self.content.len() + self.thoughts.len() + calls;
        assert!(said <= 8 * text.len() + 64, "{said} bytes of {}", text.len());
        assert!(self.calls.len() <= text.len(), "{} calls in {} bytes", self.calls.len(), text.len());
    }
}

impl<'a> Case<'a> {
    fn new(input: &'a [u8]) -> Self {
        let (head, text) = headed(input);
        let words: Vec<&str> =
            head.split(|byte| *byte == b' ').filter_map(|word| std::str::from_utf8(word).ok()).collect();
        let has = |word: &str| words.contains(&word);
        let parser = words.iter().find_map(|name| tool_calls::by_name(name));
        let parser = parser.or_else(|| tool_calls::by_name("hermes")).expect("a parser");
        let reading = match has("forced") {
            true => ToolCallReading::forced(Some(parser), tools()),
            false => ToolCallReading::new(parser, tools()),
        };
        let mut context = DecodeContext::new("id", "m", 1).with_tool_calls(Some(reading.only_one(has("one"))));
        if has("stop") {
            context.stop = ["END".to_owned()].into();
        }
        context.end_tokens = ["<|im_end|>".to_owned(), "<|return|>".to_owned()].into();
        context.open_thoughts = has("thoughts").then_some("</think>");
        context.logprobs = has("logprobs");
        Self { context, text: String::from_utf8_lossy(text) }
    }

    fn whole(&self) -> Said {
        let reply = json!({"generated_text": self.text}).to_string();
        let response = ChatDialect::Tgi.implementation().decode(reply.as_bytes(), &self.context).expect("an answer");
        let message = response.choices.into_iter().next().expect("a choice").message;
        let call =
            |call: sagewire_types::ToolCall| Call { name: call.function.name, arguments: call.function.arguments };
        Said {
            content: message.content.unwrap_or_default(),
            thoughts: message.reasoning_content.unwrap_or_default(),
            calls: (0..).zip(message.tool_calls.into_iter().map(call)).collect(),
        }
    }

    /// The text in pieces of so many bytes, or a few more if a character is longer.
    fn streamed(&self, size: usize) -> Said {
        let mut decoder = ChatDialect::Tgi.implementation().stream_decoder(self.context.clone());
        let (mut said, mut chunks) = (Said::default(), Vec::new());
        let mut rest: &str = &self.text;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.ceil_char_boundary(size));
            let record = format!("data:{}\n\n", json!({"token": {"text": piece, "special": false, "logprob": -1.0}}));
            decoder.push(record.as_bytes(), &mut chunks).expect("a record is read");
            said.add(&mut chunks);
            rest = behind;
        }
        let end = br#"data:{"token":{"text":"","special":true},"generated_text":null,"details":{"finish_reason":"eos_token"}}"#;
        decoder.push(end, &mut chunks).expect("a record is read");
        decoder.finish(&mut chunks).expect("the answer has its end");
        said.add(&mut chunks);
        said
    }
}

impl Said {
    fn add(&mut self, chunks: &mut Vec<ChatChunk>) {
        for delta in chunks.drain(..).flat_map(|chunk| chunk.choices).map(|choice| choice.delta) {
            self.content.push_str(delta.content.as_deref().unwrap_or_default());
            self.thoughts.push_str(delta.reasoning_content.as_deref().unwrap_or_default());
            for piece in delta.tool_calls {
                let call = self.calls.entry(piece.index.expect("a piece of a call has its place")).or_default();
                let Some(function) = piece.function else { continue };
                call.name.push_str(function.name.as_deref().unwrap_or_default());
                call.arguments.push_str(function.arguments.as_deref().unwrap_or_default());
            }
        }
    }
}

fn tools() -> Vec<Tool> {
    let text = json!({"type": "string"});
    let weather = json!({"type": "object", "properties": {
        "city": text, "days": {"type": "integer"}, "exact": {"type": "boolean"}, "place": {"type": "object"},
    }});
    vec![Tool::function("get_weather", "", weather), Tool::function("get_time", "", json!({"type": "object"}))]
}
