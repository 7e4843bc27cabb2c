//! Replies with odd values and orders whose text is known: an answer's text is never lost and never
//! invented, in every dialect, whole and streamed at every cut.
//!
//! The input draws the reply: its form, its words, its odd values and whether a record of it is
//! broken.

use sagewire_dialects::{ChatDialect, DecodeContext, fields::ReplyKind};
use sagewire_types::{ChatResponse, ChunkCollector};
use serde_json::{Value, json};

use super::{Bound, cuttings};
use crate::odd::{Draw, distorted};

/// A byte draws a record of some hundred bytes, which every dialect reads.
pub const BOUND: Bound = Bound::small(4_000, 400_000);

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

/// Reads a reply, which comes in these pieces. Returns the text until the end or the error, and the
/// answer.
type Reader = fn(dialect: ChatDialect, is_stream: bool, pieces: &[&[u8]]) -> (String, Result<Said, String>);

/// Reads the reply that the input draws in every dialect.
pub fn read(input: &[u8]) {
    let reply = drawn(input);
    for dialect in ChatDialect::ALL {
        let _ = answer(*dialect, reply.is_stream, &[&reply.bytes]);
    }
}

/// The answer says what the reply says, and a broken reply is an error after a beginning of its
/// text.
///
/// # Panics
/// If this does not hold.
pub fn check(input: &[u8]) {
    judge(input, answer);
}

fn judge(input: &[u8], reader: Reader) {
    let reply = drawn(input);
    let shown = String::from_utf8_lossy(&reply.bytes);
    let cuts = cuttings(&reply.bytes).filter(|_| reply.is_stream).chain([vec![&reply.bytes[..]]]);
    let cuts: Vec<_> = cuts.collect();
    for dialect in ChatDialect::ALL {
        for pieces in &cuts {
            let (so_far, answer) = reader(*dialect, reply.is_stream, pieces);
            match answer {
                Ok(said) => {
                    assert!(!reply.is_broken, "{dialect}: an answer from a broken reply: {shown}");
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

fn answer(dialect: ChatDialect, is_stream: bool, pieces: &[&[u8]]) -> (String, Result<Said, String>) {
    let mut context = DecodeContext::new("id", "m", 1);
    (context.logprobs, context.include_usage) = (true, true);
    if !is_stream {
        let read = dialect.implementation().decode(&pieces.concat(), &context);
        return (String::new(), read.map(said).map_err(|error| error.to_string()));
    }
    let mut decoder = dialect.implementation().stream_decoder(context);
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
    // Blanks at the ends of an answer, and marks at its beginning, are the container's.
    let words: Vec<&str> = ["So "].into_iter().chain(words).chain(["end."]).collect();
    let calls = matches!(form, Form::Chat | Form::ChatEvents | Form::ChatLines) && draw.below(3) == 1;
    let broken = (draw.below(6) == 1).then(|| draw.below(words.len()));
    let arguments = "{\"n\":1}";
    let call = json!({"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}});
    let text = words.concat();
    let written = |word: &str, is_broken: bool| if is_broken { json!({"odd": word}) } else { json!(word) };
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3});
    let (kind, records): (ReplyKind, Vec<Value>) = match form {
        Form::Chat => {
            let mut message = json!({"role": "assistant", "content": written(&text, broken.is_some())});
            if calls {
                message["tool_calls"] = json!([call]);
            }
            let reply = json!({"id": "i", "object": "chat.completion", "created": 1, "model": "m", "usage": usage, "choices": [
                {"index": 0, "message": message, "finish_reason": "stop", "logprobs": {"content": []}}]});
            (ReplyKind::Chat, vec![reply])
        }
        Form::Text => {
            let details = json!({"finish_reason": "length", "generated_tokens": 1, "input_length": 1, "prefill": [], "tokens": []});
            (ReplyKind::Text, vec![json!({"generated_text": written(&text, broken.is_some()), "details": details})])
        }
        Form::ChatEvents | Form::ChatLines => {
            let chunk = |choices: Value| json!({"id": "i", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices});
            let delta = |delta: Value, reason: Value| {
                chunk(json!([{"index": 0, "delta": delta, "finish_reason": reason, "logprobs": {"content": []}}]))
            };
            let texts = words.iter().enumerate().map(|(place, word)| {
                delta(json!({"role": "assistant", "content": written(word, broken == Some(place))}), Value::Null)
            });
            let mut last = chunk(json!([]));
            last["usage"] = usage;
            let calls = calls.then(|| delta(json!({"tool_calls": [call]}), Value::Null));
            (ReplyKind::ChatChunk, texts.chain(calls).chain([delta(json!({}), json!("stop")), last]).collect())
        }
        Form::TextEvents | Form::TextLines => {
            let mut records: Vec<Value> = words
                .iter()
                .enumerate()
                .map(|(place, word)| {
                    let token = json!({"id": 1, "text": written(word, broken == Some(place)), "logprob": -0.5, "special": false});
                    json!({"index": place, "token": token, "top_tokens": []})
                })
                .collect();
            if let Some(last) = records.last_mut() {
                last["generated_text"] = json!(text);
                last["details"] = json!({"finish_reason": "length", "generated_tokens": 1, "input_length": 1});
            }
            (ReplyKind::TextRecord, records)
        }
    };
    let records = records.into_iter().map(|record| distorted(record, kind, |_| false, &mut draw));
    let bytes: String = match form {
        Form::Chat | Form::Text => records.collect(),
        Form::ChatLines | Form::TextLines => records.map(|record| record + "\n").collect(),
        Form::ChatEvents => {
            records.map(|record| format!("data: {record}\n\n")).chain(["data: [DONE]\n\n".to_owned()]).collect()
        }
        Form::TextEvents => records.map(|record| format!("data:{record}\n\n")).collect(),
    };
    Reply {
        bytes: bytes.into(),
        is_stream: !matches!(form, Form::Chat | Form::Text),
        said: Said { text, arguments: if calls { vec![arguments.to_owned()] } else { Vec::new() } },
        is_broken: broken.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::{ChatDialect, Reader, Said, answer, judge};

    /// Some replies of these must show that a reader is wrong.
    fn is_found_out(reader: Reader) -> bool {
        let mut random = fastrand::Rng::with_seed(1);
        (0..100).any(|_| {
            let input: Vec<u8> = (0..random.usize(..200)).map(|_| random.u8(..)).collect();
            catch_unwind(|| judge(&input, reader)).is_err()
        })
    }

    fn changed(reader: fn(Said) -> Said, of: (String, Result<Said, String>)) -> (String, Result<Said, String>) {
        (of.0, of.1.map(reader))
    }

    #[test]
    fn the_readers_of_the_dialects_are_right() {
        assert!(!is_found_out(answer));
    }

    #[test]
    fn a_reader_that_loses_text_is_found_out() {
        assert!(is_found_out(|dialect: ChatDialect, is_stream, pieces| {
            let lose = |said: Said| Said { text: said.text.replace('é', ""), ..said };
            changed(lose, answer(dialect, is_stream, pieces))
        }));
    }

    #[test]
    fn a_reader_that_loses_a_call_is_found_out() {
        assert!(is_found_out(|dialect, is_stream, pieces| {
            let lose = |said: Said| Said { arguments: Vec::new(), ..said };
            changed(lose, answer(dialect, is_stream, pieces))
        }));
    }

    #[test]
    fn a_reader_that_invents_text_before_an_error_is_found_out() {
        assert!(is_found_out(|dialect, is_stream, pieces| {
            let (so_far, read) = answer(dialect, is_stream, pieces);
            if read.is_err() { (so_far + "?", read) } else { (so_far, read) }
        }));
    }

    #[test]
    fn a_reader_that_takes_a_broken_reply_for_an_answer_is_found_out() {
        assert!(is_found_out(|dialect, is_stream, pieces| {
            let (so_far, read) = answer(dialect, is_stream, pieces);
            let said = read.unwrap_or_else(|_| Said { text: so_far.clone(), arguments: Vec::new() });
            (so_far, Ok(said))
        }));
    }
}
