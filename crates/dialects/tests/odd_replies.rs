//! Replies as containers write them that do not keep to the form: nulls, other types and any order
//! in the fields on which nothing depends. An answer's text is never lost and never invented, in
//! every dialect, whole and streamed at every cut.
//!
//! Owns the drawing of such replies from random bytes; which fields these are is the list of
//! `sagewire_dialects::fields`.
#![expect(clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use proptest::{collection::vec, prelude::*};
use sagewire_dialects::{
    ChatDialect, DecodeContext,
    fields::{Effect, FIELDS, ReplyKind},
};
use sagewire_types::{ChatResponse, ChunkCollector};
use serde_json::{Map, Value, json};

/// What stands in the place of a field's value, as JSON and as what is nearly JSON.
const ODD: [&str; 14] = [
    "null",
    "\"\"",
    "\"odd\"",
    "[]",
    "[1]",
    "{}",
    "{\"a\":[null]}",
    "true",
    "false",
    "-1",
    "0.0",
    "\"0\"",
    "NaN",
    "-Infinity",
];

/// Where one choice or token is told from another: a number there is that number.
const NUMBERED: [&str; 2] = ["choices[].index", "choices[].delta.tool_calls[].index"];

/// Draws from bytes: the same bytes are the same reply. Where they end, the first of all choices is
/// taken.
#[derive(Clone, Debug)]
struct Draw<'a>(&'a [u8]);

impl Draw<'_> {
    /// A number below this one.
    fn below(&mut self, count: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % count
    }

    /// One of these.
    fn pick<'b, T>(&mut self, of: &'b [T]) -> &'b T {
        &of[self.below(of.len())]
    }
}

/// The reply's text with odd values in some of its fields on which nothing depends, and the members
/// of its objects in another order.
fn distorted(mut reply: Value, kind: ReplyKind, draw: &mut Draw<'_>) -> String {
    let fields: Vec<&str> = FIELDS
        .iter()
        .filter(|field| field.reply == kind && field.effect == Effect::Missing)
        // A special token is not part of the text.
        .filter(|field| field.path != "token.special")
        .map(|field| field.path)
        .collect();
    let mut values = Vec::new();
    for _ in 0..draw.below(8) {
        let path = *draw.pick(&fields);
        let value = if NUMBERED.contains(&path) { draw.pick(&ODD[..9]) } else { draw.pick(&ODD) };
        if let Some(found) = reply.pointer_mut(&format!("/{}", path.replace("[]", "/0").replace('.', "/"))) {
            *found = json!(format!("\u{1}{}", values.len()));
            values.push(*value);
        }
    }
    let mut text = reordered(reply, draw).to_string();
    for (place, value) in values.iter().enumerate() {
        text = text.replace(&format!("\"\\u0001{place}\""), value);
    }
    text
}

/// The value with the members of its objects in another order.
fn reordered(value: Value, draw: &mut Draw<'_>) -> Value {
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> = object.into_iter().collect();
            let mut out = Map::new();
            while !members.is_empty() {
                let (name, value) = members.remove(draw.below(members.len()));
                out.insert(name, reordered(value, draw));
            }
            Value::Object(out)
        }
        Value::Array(items) => items.into_iter().map(|item| reordered(item, draw)).collect(),
        other => other,
    }
}

const WORDS: [&str; 12] =
    ["a", "é", "😀", " ", "\n\n", "data: ", "[DONE]", "{\"x\":1}", "</think>", "null", "\"", "\u{2028}"];

/// How a reply is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Chat,
    Text,
    ChatEvents,
    ChatLines,
    TextEvents,
    TextLines,
}

const FORMS: [Form; 6] = [Form::Chat, Form::Text, Form::ChatEvents, Form::ChatLines, Form::TextEvents, Form::TextLines];

/// What an answer says.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    text: String,
    arguments: Vec<String>,
}

/// A reply and what it says.
struct Reply {
    bytes: Vec<u8>,
    is_stream: bool,
    said: Said,
    /// A field on which the answer depends has another type.
    is_broken: bool,
}

/// The answer says what the reply says, whatever else is odd, and a broken reply is an error with a
/// beginning of its text.
fn check(input: &[u8]) {
    let reply = drawn(input);
    let shown = String::from_utf8_lossy(&reply.bytes);
    for dialect in ChatDialect::ALL {
        if !reply.is_stream {
            let read = whole(*dialect, &reply.bytes);
            match read {
                Ok(said) => {
                    assert!(!reply.is_broken, "{dialect}: an answer from a broken reply: {shown}");
                    assert_eq!(said, reply.said, "{dialect}: {shown}");
                }
                Err(error) => assert!(reply.is_broken, "{dialect}: {error}: {shown}"),
            }
            continue;
        }
        for size in [1, 2, 3, 7, 61, reply.bytes.len()] {
            let pieces: Vec<&[u8]> = reply.bytes.chunks(size).collect();
            let (so_far, read) = streamed(*dialect, &pieces);
            match read {
                Ok(said) => {
                    assert!(!reply.is_broken, "{dialect}: an answer from a broken stream: {shown}");
                    assert_eq!(said, reply.said, "{dialect}: {shown}");
                }
                Err(error) => {
                    assert!(reply.is_broken, "{dialect}: {error}: {shown}");
                    assert!(reply.said.text.starts_with(&so_far), "{dialect}: invented {so_far:?}: {shown}");
                }
            }
        }
    }
}

fn context() -> DecodeContext {
    let mut context = DecodeContext::new("id", "m", 1);
    (context.logprobs, context.include_usage) = (true, true);
    context
}

fn whole(dialect: ChatDialect, reply: &[u8]) -> Result<Said, String> {
    dialect.implementation().decode(reply, &context()).map(said).map_err(|error| error.to_string())
}

/// The text until the end or the error, and the answer.
fn streamed(dialect: ChatDialect, pieces: &[&[u8]]) -> (String, Result<Said, String>) {
    let mut decoder = dialect.implementation().stream_decoder(context());
    let mut chunks = Vec::new();
    let pushed = pieces.iter().try_for_each(|piece| decoder.push(piece, &mut chunks));
    let ended = pushed.and_then(|()| decoder.finish(&mut chunks));
    let mut collector = ChunkCollector::new();
    chunks.into_iter().for_each(|chunk| collector.push(chunk));
    let response = collector.finish();
    let so_far = response.content().to_owned();
    (so_far, ended.map(|()| said(response)).map_err(|error| error.to_string()))
}

fn said(response: ChatResponse) -> Said {
    assert_eq!(response.choices.len(), 1, "one answer");
    let choice = &response.choices[0];
    assert!(choice.finish_reason.is_some(), "an answer without an end");
    let arguments = choice.message.tool_calls.iter().map(|call| call.function.arguments.clone()).collect();
    Said { text: response.content().to_owned(), arguments }
}

fn drawn(input: &[u8]) -> Reply {
    let mut draw = Draw(input);
    let form = *draw.pick(&FORMS);
    let words: Vec<&str> = (0..=draw.below(5)).map(|_| *draw.pick(&WORDS)).collect();
    // Blanks at the ends of an answer, and marks at its beginning, are the containers' own.
    let words: Vec<&str> = ["So "].into_iter().chain(words).chain(["end."]).collect();
    let calls = matches!(form, Form::Chat | Form::ChatEvents | Form::ChatLines) && draw.below(3) == 1;
    let broken = (draw.below(6) == 1).then(|| draw.below(words.len()));
    let mut said = Said { text: words.concat(), arguments: Vec::new() };
    let call = json!({"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"n\":1}"}});
    if calls {
        said.arguments.push("{\"n\":1}".to_owned());
    }
    let text = |word: &str, is_broken: bool| if is_broken { json!({"odd": word}) } else { json!(word) };
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3});
    let records: Vec<String> = match form {
        Form::Chat => {
            let mut message = json!({"role": "assistant", "content": text(&said.text, broken.is_some())});
            if calls {
                message["tool_calls"] = json!([call]);
            }
            let reply = json!({"id": "i", "object": "chat.completion", "created": 1, "model": "m", "usage": usage, "choices": [
                {"index": 0, "message": message, "finish_reason": "stop", "logprobs": {"content": []}}]});
            vec![distorted(reply, ReplyKind::Chat, &mut draw)]
        }
        Form::Text => {
            let details = json!({"finish_reason": "length", "generated_tokens": 1, "input_length": 1, "prefill": [], "tokens": []});
            let reply = json!({"generated_text": text(&said.text, broken.is_some()), "details": details});
            vec![distorted(reply, ReplyKind::Text, &mut draw)]
        }
        Form::ChatEvents | Form::ChatLines => {
            let chunk = |delta: Value, reason: Value| {
                json!({"id": "i", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [
                    {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": {"content": []}}]})
            };
            let mut records: Vec<Value> = words
                .iter()
                .enumerate()
                .map(|(place, word)| {
                    chunk(json!({"role": "assistant", "content": text(word, broken == Some(place))}), Value::Null)
                })
                .collect();
            if calls {
                records.push(chunk(json!({"tool_calls": [call]}), Value::Null));
            }
            records.push(chunk(json!({}), json!("stop")));
            records.push(json!({"id": "i", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": usage}));
            records.into_iter().map(|record| distorted(record, ReplyKind::ChatChunk, &mut draw)).collect()
        }
        Form::TextEvents | Form::TextLines => {
            let last = words.len() - 1;
            let records = words.iter().enumerate().map(|(place, word)| {
                let token =
                    json!({"id": 1, "text": text(word, broken == Some(place)), "logprob": -0.5, "special": false});
                let mut record = json!({"index": place, "token": token, "top_tokens": []});
                if place == last {
                    record["generated_text"] = json!(said.text);
                    record["details"] = json!({"finish_reason": "length", "generated_tokens": 1, "input_length": 1});
                }
                distorted(record, ReplyKind::TextRecord, &mut draw)
            });
            records.collect()
        }
    };
    let bytes = match form {
        Form::Chat | Form::Text => records.concat(),
        Form::ChatLines | Form::TextLines => records.iter().map(|record| format!("{record}\n")).collect(),
        Form::ChatEvents => {
            records.iter().map(|record| format!("data: {record}\n\n")).chain(["data: [DONE]\n\n".to_owned()]).collect()
        }
        Form::TextEvents => records.iter().map(|record| format!("data:{record}\n\n")).collect(),
    };
    let is_stream = !matches!(form, Form::Chat | Form::Text);
    Reply { bytes: bytes.into(), is_stream, said, is_broken: broken.is_some() }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn an_answers_text_is_never_lost_and_never_invented(input in vec(any::<u8>(), 0..300)) {
        check(&input);
    }
}
