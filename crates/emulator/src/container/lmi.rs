//! DJL Serving's Large Model Inference container.
//!
//! Owns its own schema: `inputs` and `parameters` in, an object with `generated_text` out, or one
//! line of JSON per token. Rules: [LMI's input and output](https://docs.djl.ai/master/docs/serving/serving/docs/lmi/user_guides/lmi_input_output_schema.html).

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Container, ContainerReply, Invocation, ReplyBody,
    speech::{Finish, Limits, Speech, answer, gist, logprob, token_id},
};

/// How many tokens an answer has at most where the request does not say.
const DEFAULT_NEW_TOKENS: usize = 30;

/// The LMI container with its rolling batch: whole answers are an object, streams are lines of
/// JSON.
#[derive(Clone, Debug, Default)]
pub struct Lmi {
    pace: Duration,
}

#[derive(Deserialize)]
struct LmiRequest {
    inputs: String,
    #[serde(default)]
    parameters: LmiParameters,
    #[serde(default)]
    stream: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LmiParameters {
    max_new_tokens: Option<usize>,
    stop_sequences: Vec<String>,
    details: bool,
    return_full_text: bool,
}

impl Lmi {
    /// A model that streams as fast as it can.
    #[must_use]
    pub const fn new() -> Self {
        Self { pace: Duration::ZERO }
    }

    /// Waits so long before each part of a stream, by tokio's clock.
    #[must_use]
    pub const fn paced(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }
}

#[async_trait]
impl Container for Lmi {
    fn image(&self) -> &str {
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.36.0-lmi18.0.0-cu128"
    }

    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        match serde_json::from_slice::<LmiRequest>(&invocation.body) {
            Ok(request) => request.answer().paced(self.pace),
            Err(error) => {
                ContainerReply::json(424, &json!({"error": format!("Input Parsing failed: {error}"), "code": 424}))
            }
        }
    }
}

impl LmiRequest {
    fn answer(&self) -> ContainerReply {
        let limit = self.parameters.max_new_tokens.unwrap_or(DEFAULT_NEW_TOKENS);
        let stop = &self.parameters.stop_sequences;
        let limits = Limits { max_tokens: limit, stop, keeps_stop: false, ignores_end: false };
        let speech = Speech::new(&answer(&gist(&self.inputs), limit), &limits);
        let prompt = if self.parameters.return_full_text { self.inputs.as_str() } else { "" };
        let text = format!("{prompt}{}", speech.text());
        let details = json!({"finish_reason": finish_reason(&speech.finish), "generated_tokens": speech.tokens.len(), "inputs": self.inputs});
        if self.stream {
            return Self::lines(&speech, &text, &details);
        }
        if self.parameters.details {
            return ContainerReply::json(200, &json!({"generated_text": text, "details": details}));
        }
        ContainerReply::json(200, &json!({"generated_text": text}))
    }

    /// One line per token; the last one has the whole text and its details.
    fn lines(speech: &Speech, text: &str, details: &Value) -> ContainerReply {
        let last = speech.tokens.len();
        let line = |(number, token): (usize, &String)| {
            let token = json!({"id": token_id(token), "text": token, "log_prob": logprob(token)});
            let line = if number == last {
                json!({"token": token, "generated_text": text, "details": details})
            } else {
                json!({"token": token})
            };
            format!("{line}\n")
        };
        let body: String = (1..).zip(&speech.tokens).map(line).collect();
        let mut reply = ContainerReply::new(200, "application/jsonlines", body.clone());
        // Each line is a write of its own.
        reply.body = ReplyBody::Parts(body.split_inclusive('\n').map(|line| line.to_owned().into()).collect());
        reply
    }
}

const fn finish_reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::EndOfText => "eos_token",
        Finish::Length => "length",
        Finish::Stop(_) => "stop_sequence",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(body: Value) -> (u16, String, Vec<Value>) {
        let reply = Lmi::new().invoke(Invocation::new(body.to_string())).await;
        let (status, content_type) = (reply.status, reply.content_type.clone());
        let body = reply.body.collect().await.unwrap();
        let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        (status, content_type, lines.map(|line| serde_json::from_slice(line).unwrap()).collect())
    }

    #[tokio::test]
    async fn a_whole_answer_is_an_object_and_a_stream_is_lines() {
        let (status, _, whole) = ask(json!({"inputs": "hi", "parameters": {"details": true}})).await;
        let text = whole[0]["generated_text"].as_str().unwrap();
        assert_eq!((status, &whole[0]["details"]["finish_reason"]), (200, &json!("eos_token")));
        let (_, content_type, lines) = ask(json!({"inputs": "hi", "stream": true})).await;
        assert_eq!(content_type, "application/jsonlines");
        let streamed: String = lines.iter().map(|line| line["token"]["text"].as_str().unwrap()).collect();
        assert_eq!(streamed, text);
        assert_eq!(lines.last().unwrap()["generated_text"], text);
        assert_eq!(ask(json!({"messages": []})).await.0, 424);
    }
}
