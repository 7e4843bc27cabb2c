//! What the containers of a run say.
//!
//! Owns the one truth: the answer to a request follows from its number alone, whatever the dialect
//! and however it is cut.

use async_trait::async_trait;
use bytes::Bytes;
use sagewire_dialects::fields::ReplyKind;
use sagewire_emulator::{Container, ContainerReply, Invocation};
use sagewire_tests::{
    observed::number_in,
    odd::{Draw, distorted},
    replies::{openai_reply, openai_stream, tgi_reply, tgi_stream},
};
use serde_json::{Value, json};

use crate::schedule::{Asked, Kind};

/// How a container speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tongue {
    Tgi,
    Lmi,
    OpenAi,
    /// OpenAI's chat, and by `route=` the Messages and Responses APIs.
    Native,
    Vectors,
    OpenAiVectors,
}

/// A container that answers each request with its own text.
#[derive(Debug)]
pub(crate) struct Speaker {
    pub(crate) tongue: Tongue,
    /// Leaves out the last word, and ends as if nothing were missing.
    pub(crate) lies: bool,
}

/// The words of the answer to a request.
pub(crate) fn words(number: u64) -> Vec<String> {
    let more = ["é", "😀", " data:", "\n\n", " [DONE]", " \"quoted\"", " \u{2028}"];
    let count = 2 + usize::try_from(number % 6).unwrap();
    let rest = more.iter().cycle().skip(usize::try_from(number % 7).unwrap()).take(count);
    [format!("Answer {number}:")]
        .into_iter()
        .chain(rest.map(|&word| word.to_owned()))
        .chain([" end.".to_owned()])
        .collect()
}

/// The whole answer to a request.
pub(crate) fn text(number: u64) -> String {
    words(number).concat()
}

/// The vectors of a request's two inputs.
pub(crate) fn vectors(number: u64) -> Vec<Vec<f32>> {
    #[expect(clippy::cast_precision_loss, reason = "the numbers of a run are small")]
    let number = number as f32;
    vec![vec![number, 0.5], vec![number, -0.25]]
}

/// The least tokens that a whole answer to a request counts as: what the container reports, or so
/// few that no estimate is below it.
pub(crate) fn least_tokens(asked: &Asked) -> u64 {
    match (asked.target.tongue, asked.kind) {
        // The fallback of a container that reports nothing may report so much.
        (_, Kind::Chat) => 3,
        (Tongue::OpenAiVectors | Tongue::Vectors, _) => 1,
        _ => text(asked.number).len() as u64 / 8,
    }
}

/// The most tokens that a call may count as.
pub(crate) fn most_tokens(asked: &Asked) -> u64 {
    text(asked.number).len() as u64 / 2 + 20
}

#[async_trait]
impl Container for Speaker {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let Some(number) = number_in(&invocation.body) else {
            return ContainerReply::new(400, "text/plain", "the request has no mark");
        };
        let body: Value = serde_json::from_slice(&invocation.body).unwrap_or_default();
        let mut words = words(number);
        if self.lies {
            words.pop();
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let text = words.concat();
        let attributes = invocation.custom_attributes.as_deref().unwrap_or_default();
        let api = ["/v1/messages", "/v1/responses"].into_iter().find(|path| attributes.contains(path));
        let form = match self.tongue {
            Tongue::Native if api.is_some() => None,
            Tongue::OpenAi if body.get("prompt").is_some() => Some(ReplyKind::Completion),
            Tongue::OpenAi | Tongue::Native => Some(ReplyKind::Chat),
            Tongue::Tgi | Tongue::Lmi => Some(ReplyKind::Text),
            Tongue::Vectors | Tongue::OpenAiVectors => None,
        };
        if !invocation.is_streaming() {
            let reply = match self.tongue {
                Tongue::Native if api == Some("/v1/messages") => message(&text).to_string(),
                Tongue::Native if api == Some("/v1/responses") => response("completed", &text).to_string(),
                Tongue::Native => openai_reply(&text),
                Tongue::Tgi => tgi_reply(&text),
                Tongue::Lmi => json!({"generated_text": text, "details": {"finish_reason": "eos_token"}}).to_string(),
                Tongue::OpenAi if body.get("prompt").is_some() => {
                    completion("text_completion", &text, Some("stop")).to_string()
                }
                Tongue::OpenAi => openai_reply(&text),
                Tongue::Vectors => json!({"embedding": vectors(number)}).to_string(),
                Tongue::OpenAiVectors => openai_vectors(number).to_string(),
            };
            let reply = form.map(|form| odd_reply(&reply, form, number)).unwrap_or(reply);
            return ContainerReply::new(200, "application/json", reply);
        }
        let stream = match self.tongue {
            Tongue::Native if api == Some("/v1/messages") => message_stream(&words),
            Tongue::Native if api == Some("/v1/responses") => response_stream(&words),
            Tongue::Native => openai_stream(&words),
            Tongue::Lmi => lmi_stream(&words),
            Tongue::OpenAi if body.get("prompt").is_some() => completion_stream(&words),
            Tongue::OpenAi => openai_stream(&words),
            _ => tgi_stream(&words),
        };
        let stream = form.map(|form| odd_stream(&stream, form, number)).unwrap_or(stream);
        // Borders anywhere, inside events and inside letters.
        let length = 1 + usize::try_from(number * 37 % 180).unwrap();
        let parts = stream.as_bytes().chunks(length).map(Bytes::copy_from_slice);
        ContainerReply::parts("text/event-stream", parts)
    }
}

/// A whole reply with odd values in fields on which nothing depends. The request's number decides
/// which ones.
fn odd_reply(reply: &str, kind: ReplyKind, number: u64) -> String {
    let value: Value = serde_json::from_str(reply).unwrap();
    // TGI replies with a list.
    match value {
        Value::Array(mut items) if items.len() == 1 => format!("[{}]", odd(items.remove(0), kind, number, 0)),
        value => odd(value, kind, number, 0),
    }
}

/// The same for each record of a stream.
fn odd_stream(stream: &str, whole: ReplyKind, number: u64) -> String {
    let kind = if whole == ReplyKind::Text { ReplyKind::TextRecord } else { ReplyKind::ChatChunk };
    let line = |(place, line): (u64, &str)| {
        let start = line.find('{').unwrap_or(line.len());
        let (before, record) = line.split_at(start);
        match serde_json::from_str(record) {
            Ok(record) => format!("{before}{}\n", odd(record, kind, number, place)),
            Err(_) => format!("{line}\n"),
        }
    };
    (0..).zip(stream.lines()).map(line).collect()
}

/// Counts stay as they are, because keys are charged by them.
fn odd(reply: Value, kind: ReplyKind, number: u64, place: u64) -> String {
    let mut random = fastrand::Rng::with_seed(number << 8 | place);
    let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(64).collect();
    let is_count = |path: &str| path.starts_with("usage") || path.ends_with("generated_tokens");
    distorted(reply, kind, is_count, &mut Draw(&bytes))
}

fn lmi_stream(words: &[&str]) -> String {
    let line = |at: usize, word: &str| {
        let mut record = json!({"token": {"id": at, "text": word, "log_prob": -0.5}});
        if at + 1 == words.len() {
            record["generated_text"] = json!(words.concat());
            record["details"] = json!({"finish_reason": "eos_token", "generated_tokens": words.len()});
        }
        format!("{record}\n")
    };
    words.iter().enumerate().map(|(at, word)| line(at, word)).collect()
}

fn completion(object: &str, text: &str, finish_reason: Option<&str>) -> Value {
    json!({
        "id": "cmpl-1", "object": object, "created": 7, "model": "m",
        "choices": [{"index": 0, "text": text, "finish_reason": finish_reason}],
    })
}

fn completion_stream(words: &[&str]) -> String {
    let event = |text: &str, finish: Option<&str>| format!("data: {}\n\n", completion("text_completion", text, finish));
    let texts: String = words.iter().map(|word| event(word, None)).collect();
    format!("{texts}{}data: [DONE]\n\n", event("", Some("stop")))
}

fn tokens(text: &str) -> usize {
    text.len() / 4
}

fn message(text: &str) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": tokens(text)},
    })
}

fn message_stream(words: &[&str]) -> String {
    let mut start = message("");
    (start["content"], start["stop_reason"]) = (json!([]), Value::Null);
    let mut events = vec![
        json!({"type": "message_start", "message": start}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    ];
    let delta =
        |word: &&str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}});
    events.extend(words.iter().map(delta));
    events.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"input_tokens": 1, "output_tokens": tokens(&words.concat())}}),
        json!({"type": "message_stop"}),
    ]);
    named(events)
}

fn response(status: &str, text: &str) -> Value {
    let used = tokens(text);
    let output = json!([{"type": "message", "id": "msg_1", "role": "assistant", "status": status, "content": [{"type": "output_text", "text": text, "annotations": []}]}]);
    json!({
        "id": "resp_1", "object": "response", "created_at": 7, "status": status, "model": "m", "output": if text.is_empty() { json!([]) } else { output },
        "usage": {"input_tokens": 1, "output_tokens": used, "total_tokens": used + 1},
    })
}

fn response_stream(words: &[&str]) -> String {
    let mut events = vec![json!({"type": "response.created", "response": response("in_progress", "")})];
    let delta = |word: &&str| json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": word});
    events.extend(words.iter().map(delta));
    events.push(json!({"type": "response.completed", "response": response("completed", &words.concat())}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    named(events)
}

fn named(events: Vec<Value>) -> String {
    events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())).collect()
}

fn openai_vectors(number: u64) -> Value {
    let data: Vec<Value> = vectors(number)
        .iter()
        .enumerate()
        .map(|(index, vector)| json!({"object": "embedding", "index": index, "embedding": vector}))
        .collect();
    json!({"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 2, "total_tokens": 2}})
}
