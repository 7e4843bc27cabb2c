//! What the containers of a run say.
//!
//! Owns the one truth: the answer to a request follows from its number alone, whatever the dialect and however it is cut.

use async_trait::async_trait;
use bytes::Bytes;
use sagewire_emulator::{Container, ContainerReply, Invocation};
use sagewire_tests::{
    observed::number_in,
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

/// The least tokens that a whole answer to a request counts as: what the container reports, or so few that no estimate is below it.
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
        if !invocation.is_streaming() {
            let reply = match self.tongue {
                Tongue::Tgi => tgi_reply(&text),
                Tongue::Lmi => json!({"generated_text": text, "details": {"finish_reason": "eos_token"}}).to_string(),
                Tongue::OpenAi if body.get("prompt").is_some() => {
                    completion("text_completion", &text, Some("stop")).to_string()
                }
                Tongue::OpenAi => openai_reply(&text),
                Tongue::Vectors => json!({"embedding": vectors(number)}).to_string(),
                Tongue::OpenAiVectors => openai_vectors(number).to_string(),
            };
            return ContainerReply::new(200, "application/json", reply);
        }
        let stream = match self.tongue {
            Tongue::Lmi => lmi_stream(&words),
            Tongue::OpenAi if body.get("prompt").is_some() => completion_stream(&words),
            Tongue::OpenAi => openai_stream(&words),
            _ => tgi_stream(&words),
        };
        // Borders anywhere, inside events and inside letters.
        let length = 1 + usize::try_from(number * 37 % 180).unwrap();
        let parts = stream.as_bytes().chunks(length).map(Bytes::copy_from_slice);
        ContainerReply::parts("text/event-stream", parts)
    }
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

fn openai_vectors(number: u64) -> Value {
    let data: Vec<Value> = vectors(number)
        .iter()
        .enumerate()
        .map(|(index, vector)| json!({"object": "embedding", "index": index, "embedding": vector}))
        .collect();
    json!({"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 2, "total_tokens": 2}})
}
