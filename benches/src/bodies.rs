//! The requests and answers that are measured, always the same bytes.
//!
//! Owns their size and shape: a short chat, an answer of 64 tokens whole and in pieces, and 32
//! embeddings of 1,024 numbers; and another answer, for what must not be made for these alone.

use std::{fmt::Write as _, time::Duration};

use bytes::Bytes;

use crate::frame;

/// The tokens of an answer.
pub const TOKENS: usize = 64;

/// The inputs of an embedding request, and the numbers of each vector.
pub const EMBEDDINGS: (usize, usize) = (32, 1024);

const QUESTION: &str = "What is the capital of France, and which river flows through it? Answer in one sentence.";

/// A short chat as a caller of an OpenAI-compatible gateway sends it.
#[must_use]
pub fn chat(model: &str, stream: bool) -> String {
    chat_saying(model, stream, QUESTION)
}

/// The same for an upstream that is to wait so many milliseconds before it answers.
#[must_use]
pub fn chat_after(model: &str, millis: u64) -> String {
    chat_saying(
        model,
        false,
        &format!("{WAIT}{millis} What is the capital of France, and which river flows through it?"),
    )
}

/// What stands before the milliseconds in a message. Gateways pass messages on as they are.
const WAIT: &str = "wait=";

/// How long the upstream is to wait with its answer to this body.
#[must_use]
pub fn wait_of(body: &[u8]) -> Option<Duration> {
    // It is in the short bodies of one measurement: the others are not searched to their ends.
    let begin = body.get(..body.len().min(1024))?;
    let (_, rest) = str::from_utf8(begin).ok()?.split_once(WAIT)?;
    Some(Duration::from_millis(rest.split(' ').next()?.parse().ok()?))
}

/// The same with a last message of this many bytes.
#[must_use]
pub fn chat_of(model: &str, stream: bool, bytes: usize) -> String {
    let said: String = "The quick brown fox jumps over the lazy dog. ".chars().cycle().take(bytes).collect();
    chat_saying(model, stream, &said)
}

fn chat_saying(model: &str, stream: bool, said: &str) -> String {
    let stream = if stream { ",\"stream\":true" } else { "" };
    format!(
        "{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"system\",\"content\":\"You are a helpful assistant.\"}},\
         {{\"role\":\"user\",\"content\":\"{said}\"}}],\"temperature\":0.7,\"max_tokens\":128{stream}}}"
    )
}

/// A request for embeddings, in OpenAI's form.
#[must_use]
pub fn embedding_request(model: &str) -> String {
    let inputs: Vec<String> =
        (0..EMBEDDINGS.0).map(|i| format!("\"the text of document {i}, short enough\"")).collect();
    format!("{{\"model\":\"{model}\",\"input\":[{}]}}", inputs.join(","))
}

/// What an answer says.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    words: &'static [&'static str],
    tokens: usize,
}

impl Text {
    /// What is measured.
    pub const MEASURED: Self = Self {
        words: &["The", "capital", "of", "France", "is", "Paris", "and", "its", "river", "\u{201c}Seine\u{201d}"],
        tokens: TOKENS,
    };
    /// What the guided build counts: longer, with line ends and quotes, which JSON escapes.
    pub const TRAINED: Self = Self {
        words: &[
            "fn",
            "main",
            "()",
            "{\\n",
            "println!",
            "(\\\"",
            "hello",
            "w\u{f6}rld",
            "\\\"",
            ");",
            "\\n}\\n\\n",
            "1024",
        ],
        tokens: 150,
    };

    /// Its tokens, as JSON writes them.
    fn words(self) -> impl Iterator<Item = String> {
        self.words.iter().cycle().take(self.tokens).enumerate().map(|(place, word)| match place {
            0 => (*word).to_owned(),
            _ => format!(" {word}"),
        })
    }
}

/// A container's whole answer, as vLLM writes it.
#[must_use]
pub fn chat_reply(text: Text) -> Bytes {
    let said: String = text.words().collect();
    format!(
        "{{\"id\":\"chatcmpl-b7a2169819585415\",\"object\":\"chat.completion\",\"created\":1795428042,\"model\":\"tiny\",\"choices\":[{{\"index\":0,\
         \"message\":{{\"role\":\"assistant\",\"content\":\"{said}\",\"refusal\":null,\"annotations\":null,\"audio\":null,\"function_call\":null,\
         \"tool_calls\":[],\"reasoning_content\":null}},\"logprobs\":null,\"finish_reason\":\"stop\",\"stop_reason\":null}}],\"service_tier\":null,\
         \"system_fingerprint\":null,\"usage\":{{\"prompt_tokens\":38,\"total_tokens\":{},\"completion_tokens\":{},\"prompt_tokens_details\":null}},\
         \"prompt_logprobs\":null,\"kv_transfer_params\":null}}",
        38 + text.tokens,
        text.tokens
    )
    .into()
}

/// A container's streamed answer as server-sent events, one for each token, and the end mark.
#[must_use]
pub fn events(text: Text) -> Vec<Bytes> {
    let chunk = |choice: &str| {
        let head = "{\"id\":\"chatcmpl-b7a2169819585415\",\"object\":\"chat.completion.chunk\",\"created\":1795428042,\"model\":\"tiny\"";
        Bytes::from(format!("data: {head},\"choices\":[{choice}]}}\n\n"))
    };
    let token = |word: &str| {
        chunk(&format!("{{\"index\":0,\"delta\":{{\"content\":\"{word}\"}},\"logprobs\":null,\"finish_reason\":null}}"))
    };
    let first =
        "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}";
    let last = "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\",\"stop_reason\":null}";
    let mut events = vec![chunk(first)];
    events.extend(text.words().map(|word| token(&word)));
    events.push(chunk(last));
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

/// The same events, each in a frame of AWS's event stream.
#[must_use]
pub fn frames(text: Text) -> Vec<Bytes> {
    events(text).iter().map(|event| frame::payload_part(event)).collect()
}

/// The same short chat as a caller of the Messages API sends it.
#[must_use]
pub fn messages(model: &str) -> String {
    format!(
        "{{\"model\":\"{model}\",\"system\":\"You are a helpful assistant.\",\"messages\":[\
         {{\"role\":\"user\",\"content\":\"{QUESTION}\"}}],\"temperature\":0.7,\"max_tokens\":128,\"stream\":true}}"
    )
}

/// The same short chat as a caller of the Responses API sends it.
#[must_use]
pub fn responses(model: &str) -> String {
    format!(
        "{{\"model\":\"{model}\",\"instructions\":\"You are a helpful assistant.\",\"input\":\"{QUESTION}\",\
         \"temperature\":0.7,\"max_output_tokens\":128,\"stream\":true}}"
    )
}

/// The streamed answer of a container that speaks the Messages API itself, each event in a frame of AWS's event stream.
#[must_use]
pub fn message_frames(text: Text) -> Vec<Bytes> {
    let event = |name: &str, data: &str| {
        frame::payload_part(format!("event: {name}\ndata: {{\"type\":\"{name}\",{data}}}\n\n").as_bytes())
    };
    let mut frames = vec![
        event(
            "message_start",
            "\"message\":{\"id\":\"chatcmpl-b7a2169819585415\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"model\":\"tiny\",\"stop_reason\":null,\
             \"stop_sequence\":null,\"usage\":{\"input_tokens\":38,\"output_tokens\":0}}",
        ),
        event("content_block_start", "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}"),
    ];
    let token = |word: String| {
        event("content_block_delta", &format!("\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{word}\"}}"))
    };
    frames.extend(text.words().map(token));
    frames.push(event("content_block_stop", "\"index\":0"));
    frames.push(event(
        "message_delta",
        "\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":38,\"output_tokens\":64}",
    ));
    frames.push(frame::payload_part(b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
    frames
}

/// The same answer as Hugging Face's text generation containers write it.
#[must_use]
pub fn generation_reply(text: Text) -> Bytes {
    let said: String = text.words().collect();
    format!("[{{\"generated_text\":\"{said}\"}}]").into()
}

/// Its stream, one token in each frame; the last has the whole text.
#[must_use]
pub fn generation_frames(text: Text) -> Vec<Bytes> {
    let said: String = text.words().collect();
    let event = |(place, word): (usize, String)| {
        let (whole, details) = if place + 1 == text.tokens {
            (
                format!("\"{said}\""),
                format!(
                    "{{\"finish_reason\":\"eos_token\",\"generated_tokens\":{},\"input_length\":38,\"seed\":null}}",
                    text.tokens
                ),
            )
        } else {
            ("null".to_owned(), "null".to_owned())
        };
        format!(
            "data:{{\"index\":{},\"token\":{{\"id\":{},\"text\":\"{word}\",\"logprob\":-0.25,\"special\":false}},\"generated_text\":{whole},\"details\":{details}}}\n\n",
            place + 1,
            1000 + place,
        )
    };
    text.words().enumerate().map(|word| frame::payload_part(event(word).as_bytes())).collect()
}

/// The vectors as JumpStart's containers write them.
#[must_use]
pub fn embedding_reply() -> Bytes {
    let (inputs, numbers) = EMBEDDINGS;
    let mut text = String::from("{\"embedding\":[");
    for input in 0..inputs {
        text.push_str(if input == 0 { "[" } else { ",[" });
        for place in 0..numbers {
            let number = ((input * numbers + place) % 20_011) as f64 / 20_011.0 - 0.5;
            let comma = if place == 0 { "" } else { "," };
            // Writing to a String cannot fail.
            let _ = write!(text, "{comma}{number:.8}");
        }
        text.push(']');
    }
    text.push_str("]}");
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_is_json_of_the_size_that_is_claimed() {
        for json in [chat("m", true), chat_of("m", false, 1024), embedding_request("m")] {
            assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
            assert_eq!(wait_of(json.as_bytes()), None);
        }
        let after = chat_after("m", 5);
        assert!(serde_json::from_str::<serde_json::Value>(&after).is_ok(), "{after}");
        assert_eq!(wait_of(after.as_bytes()), Some(Duration::from_millis(5)));
        let trained: serde_json::Value = serde_json::from_slice(&chat_reply(Text::TRAINED)).unwrap();
        assert!(
            trained["choices"][0]["message"]["content"].as_str().unwrap().contains("\n println! (\" hello"),
            "{trained}"
        );
        let reply: serde_json::Value = serde_json::from_slice(&chat_reply(Text::MEASURED)).unwrap();
        assert_eq!(reply["usage"]["completion_tokens"], TOKENS);
        let generation: serde_json::Value = serde_json::from_slice(&generation_reply(Text::MEASURED)).unwrap();
        assert_eq!(generation[0]["generated_text"], reply["choices"][0]["message"]["content"]);
        let vectors: serde_json::Value = serde_json::from_slice(&embedding_reply()).unwrap();
        let vectors = vectors["embedding"].as_array().unwrap();
        assert_eq!((vectors.len(), vectors[31].as_array().unwrap().len()), EMBEDDINGS);
    }

    #[test]
    fn a_stream_is_its_first_chunk_the_tokens_the_last_and_the_end() {
        assert_eq!(
            (events(Text::MEASURED).len(), frames(Text::MEASURED).len(), generation_frames(Text::MEASURED).len()),
            (TOKENS + 3, TOKENS + 3, TOKENS)
        );
        assert!(
            frames(Text::MEASURED).iter().zip(events(Text::MEASURED)).all(|(frame, event)| frame.len() > event.len())
        );
    }
}
