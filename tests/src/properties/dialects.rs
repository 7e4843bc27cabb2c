//! The decoders of chat and completion replies, whole and streamed.
//!
//! The input's first line holds words: a dialect's name and what the caller asked for (`prompt`,
//! `keep`, `stop`, `end`, `logprobs`, `usage`, `two`). What follows is the reply.

use sagewire_dialects::{
    ChatDialect, DecodeContext, StreamDecoder,
    completion::{self, CompletionDecoder},
};
use sagewire_types::{ChatChunk, Error};
use serde::Serialize;

use super::{Bound, cuttings, headed};

/// What says that an answer is whole, in the forms that containers write it: an end mark, or a
/// record that is a whole reply. Without any of them no stream is complete.
const END_MARKS: &[&str] = &[
    "[DONE]",
    "finish_reason",
    "stop_reason",
    "details",
    "stopReason",
    "outputs",
    "generated_text",
    "generation",
    "message",
];

/// A choice of some letters becomes a chunk of some hundred bytes, which is passed on before the
/// next is read. Here all are kept.
pub const BOUND: Bound = Bound::small(600, 4_000);

/// Reads a reply as a whole, as a stream, and as a completion's.
pub fn read(input: &[u8]) {
    let (head, reply) = headed(input);
    let words: Vec<&str> = head.split(|byte| *byte == b' ').filter_map(|word| std::str::from_utf8(word).ok()).collect();
    let asked = asked(&words);
    let dialect = words.iter().find_map(|name| name.parse().ok()).unwrap_or(ChatDialect::Tgi).implementation();
    let _ = dialect.decode(reply, &asked);
    let _ = completion::decode(reply, &asked, dialect.name());
    let mut decoder = dialect.stream_decoder(asked);
    let mut chunks = Vec::new();
    for piece in reply.chunks(61) {
        let read = decoder.push(piece, &mut chunks);
        chunks.clear();
        if read.is_err() {
            break;
        }
    }
    let _ = decoder.finish(&mut chunks);
}

/// No panic; a stream reads the same at every cut; it is complete only where its bytes hold an end
/// mark; it gives no more parts than it has bytes; and its whole form is an answer or an error.
///
/// # Panics
/// Where this is not so.
pub fn check(input: &[u8]) {
    let (head, reply) = headed(input);
    let words: Vec<&str> = head.split(|byte| *byte == b' ').filter_map(|word| std::str::from_utf8(word).ok()).collect();
    let asked = asked(&words);
    let dialect = words.iter().find_map(|name| name.parse().ok()).unwrap_or(ChatDialect::Tgi).implementation();

    let chat = |pieces: &[&[u8]]| drain(dialect.stream_decoder(asked.clone()), pieces);
    let whole = chat(&[reply]);
    is_bounded(&whole, reply);
    is_complete_for_a_reason(&whole, reply);
    let completion = |pieces: &[&[u8]]| {
        drain(Box::new(CompletionDecoder::new(dialect.stream_decoder(asked.clone().keeping_thoughts()))), pieces)
    };
    let whole_completion = completion(&[reply]);
    is_bounded(&whole_completion, reply);
    for pieces in cuttings(reply) {
        is_same(&chat(&pieces), &whole);
        is_same(&completion(&pieces), &whole_completion);
    }
    without_its_end_it_is_broken(&whole, reply, |part| chat(&[part]).error);

    if let Ok(response) = dialect.decode(reply, &asked) {
        assert!(!response.choices.is_empty(), "an answer without a choice");
        serde_json::to_string(&response).expect("an answer has a JSON form");
    }
    if let Ok(response) = completion::decode(reply, &asked, dialect.name()).map(completion::from_chat) {
        serde_json::to_string(&response).expect("an answer has a JSON form");
    }
}

fn asked(words: &[&str]) -> DecodeContext {
    let has = |word: &str| words.contains(&word);
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let mut context = DecodeContext::new("id", "m", 1);
    context.prompt = has("prompt").then(|| "Hello, how are you?".into());
    context.keep_prompt = has("keep");
    context.stop = if has("stop") { texts(&["END", "</s>"]) } else { texts(&[]) };
    context.end_tokens = if has("end") { texts(&["<|im_end|>"]) } else { texts(&[]) };
    (context.logprobs, context.include_usage) = (has("logprobs"), has("usage"));
    context.choices = if has("two") { 2 } else { 1 };
    context
}

/// What a streamed reply gave: its parts, and the error that ended it.
struct Streamed<T> {
    parts: Vec<T>,
    error: Option<Error>,
}

fn drain<T>(mut decoder: Box<dyn StreamDecoder<T>>, pieces: &[&[u8]]) -> Streamed<T> {
    let mut parts = Vec::new();
    for piece in pieces {
        if let Err(error) = decoder.push(piece, &mut parts) {
            decoder.flush(&mut parts);
            return Streamed { parts, error: Some(error) };
        }
    }
    let error = decoder.finish(&mut parts).err();
    Streamed { parts, error }
}

fn told(error: Option<&Error>) -> Option<(&'static str, String)> {
    error.map(|error| (error.kind().as_str(), error.message().to_owned()))
}

fn is_same<T: Serialize>(cut: &Streamed<T>, whole: &Streamed<T>) {
    assert_eq!(told(cut.error.as_ref()), told(whole.error.as_ref()), "a cut changes how the stream ends");
    let [cut, whole] = [cut, whole].map(|streamed| serde_json::to_string(&streamed.parts).unwrap());
    assert_eq!(cut, whole, "a cut changes what the stream says");
}

fn is_bounded<T>(streamed: &Streamed<T>, reply: &[u8]) {
    // Each record gives one part for each of its choices, and some records a part more.
    assert!(streamed.parts.len() <= reply.len() + 8, "{} parts of {} bytes", streamed.parts.len(), reply.len());
}

fn is_complete_for_a_reason(streamed: &Streamed<ChatChunk>, reply: &[u8]) {
    if streamed.error.is_some() {
        return;
    }
    let ended = streamed.parts.iter().flat_map(|chunk| &chunk.choices).any(|choice| choice.finish_reason.is_some());
    assert!(ended, "a complete answer without an end");
    assert!(first_end_mark(reply).is_some() || is_escaped(reply), "a complete answer without an end mark");
}

/// Cut off before its first end mark, a stream that was complete is not.
fn without_its_end_it_is_broken(whole: &Streamed<ChatChunk>, reply: &[u8], error: impl Fn(&[u8]) -> Option<Error>) {
    if whole.error.is_none()
        && !is_escaped(reply)
        && let Some(end) = first_end_mark(reply)
    {
        assert!(error(&reply[..end]).is_some(), "complete without its end");
    }
}

fn first_end_mark(reply: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(reply);
    let first = END_MARKS.iter().filter_map(|mark| text.find(mark)).min()?;
    // Only what is UTF-8 up to there has the same places in both forms.
    std::str::from_utf8(reply.get(..first)?).ok().map(|_| first)
}

/// A name that is written with escapes is no mark that a search finds.
fn is_escaped(reply: &[u8]) -> bool {
    reply.contains(&b'\\') || std::str::from_utf8(reply).is_err()
}
