//! Chat completions.
//!
//! Owns the request as far as the emulator reads it, and both forms of the answer. Which tool is
//! called is decided in `tools`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::{
        reply::ContainerReply,
        speech::{Limits, Speech, answer, count, gist, logprob, tokens},
    },
    AnswerIdentity, Flavour, Stop, StreamOptions, Usage, event_stream, extended, finish_reason,
    tools::{self, AnsweredCall, Tool},
};

/// A chat template puts about so many tokens around each message.
const TOKENS_PER_MESSAGE: usize = 4;

/// The body of a chat completion. Numbers are wide and optional, so that what is out of range is
/// refused in the server's own words.
#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct ChatRequest {
    pub(in super::super) model: Option<String>,
    pub(in super::super) messages: Vec<Message>,
    pub(in super::super) max_tokens: Option<i64>,
    pub(in super::super) max_completion_tokens: Option<i64>,
    pub(in super::super) temperature: Option<f64>,
    pub(in super::super) top_p: Option<f64>,
    pub(in super::super) presence_penalty: Option<f64>,
    pub(in super::super) frequency_penalty: Option<f64>,
    pub(in super::super) n: Option<i64>,
    stop: Option<Stop>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    tools: Option<Vec<Tool>>,
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<bool>,
    response_format: Option<Value>,
    logprobs: Option<bool>,
    ignore_eos: Option<bool>,
    include_stop_str_in_output: Option<bool>,
}

/// One message of the conversation.
#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct Message {
    pub(in super::super) role: String,
    content: Option<Value>,
    tool_calls: Option<Value>,
}

impl Message {
    /// The text, whether it came as a string or in parts.
    fn text(&self) -> String {
        match &self.content {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => {
                let texts: Vec<&str> =
                    parts.iter().map(|part| part.get("text").and_then(Value::as_str).unwrap_or("(picture)")).collect();
                texts.join(" ")
            }
            _ => String::new(),
        }
    }
}

/// One choice of the answer, before it is dressed.
struct ChoiceTurn {
    speech: Option<Speech>,
    calls: Vec<AnsweredCall>,
}

impl ChoiceTurn {
    /// How a choice says that it has ended.
    fn ending(&self, flavour: Flavour) -> Vec<(&'static str, Value)> {
        let (finish_reason, stop_reason) = match &self.speech {
            Some(speech) => finish_reason(&speech.finish),
            None => ("tool_calls", Value::Null),
        };
        let mut members = vec![("finish_reason", Value::from(finish_reason))];
        if flavour == Flavour::Vllm {
            members.push(("stop_reason", stop_reason));
        }
        members
    }

    fn tokens(&self) -> usize {
        let said = self.speech.as_ref().map_or(0, |speech| speech.tokens.len());
        said + self.calls.iter().map(|call| count(&call.name) + count(&call.arguments)).sum::<usize>()
    }
}

impl ChatRequest {
    pub(in super::super) fn is_streaming(&self) -> bool {
        self.stream.unwrap_or_default()
    }

    pub(in super::super) fn limit(&self) -> Option<i64> {
        self.max_completion_tokens.or(self.max_tokens)
    }

    pub(in super::super) fn prompt_tokens(&self) -> usize {
        self.messages.iter().map(|message| count(&message.text()) + TOKENS_PER_MESSAGE).sum()
    }

    /// The answer, of at most `default_limit` tokens where the request sets no limit.
    pub(in super::super) fn answer(&self, identity: &AnswerIdentity, default_limit: usize) -> ContainerReply {
        let max_tokens = self.limit().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(default_limit);
        // TGI takes `n` and does not heed it.
        let choices = match identity.flavour {
            Flavour::Vllm => usize::try_from(self.n.unwrap_or(1)).unwrap_or(1),
            Flavour::Tgi => 1,
        };
        let turns: Vec<ChoiceTurn> = (0..choices).map(|index| self.turn(identity, index, max_tokens)).collect();
        let usage = Usage { prompt: self.prompt_tokens(), completion: turns.iter().map(ChoiceTurn::tokens).sum() };
        if self.is_streaming() { self.chunks(identity, &turns, usage) } else { self.whole(identity, &turns, usage) }
    }

    fn turn(&self, identity: &AnswerIdentity, index: usize, max_tokens: usize) -> ChoiceTurn {
        let question = self.question();
        let calls = match &self.tools {
            Some(offered) if !self.answers_a_tool() => tools::calls(
                offered,
                self.tool_choice.as_ref(),
                &question,
                identity.fingerprint.wrapping_add(index as u64),
            ),
            _ => Vec::new(),
        };
        if !calls.is_empty() {
            let most = if self.parallel_tool_calls == Some(false) { 1 } else { usize::MAX };
            return ChoiceTurn { speech: None, calls: calls.into_iter().take(most).collect() };
        }
        let mut text = match tools::formatted(self.response_format.as_ref(), &question) {
            Some(json) => json,
            None if self.answers_a_tool() => format!("The tool says: “{question}” That is all I know ☕."),
            None => answer(&question, max_tokens),
        };
        if index > 0 {
            text.push_str(&format!(" (choice {index})"));
        }
        let stop = Stop::strings(self.stop.as_ref());
        let limits = Limits {
            max_tokens,
            stop: &stop,
            keeps_stop: identity.flavour == Flavour::Tgi || self.include_stop_str_in_output.unwrap_or_default(),
            ignores_end: self.ignore_eos.unwrap_or_default(),
        };
        ChoiceTurn { speech: Some(Speech::new(&text, &limits)), calls: Vec::new() }
    }

    /// What the last message says; of the user's, unless a tool had the last word.
    fn question(&self) -> String {
        let last = if self.answers_a_tool() {
            self.messages.last()
        } else {
            self.messages.iter().rfind(|message| message.role == "user").or(self.messages.last())
        };
        last.map(|message| gist(&message.text())).unwrap_or_default()
    }

    fn answers_a_tool(&self) -> bool {
        self.messages.last().is_some_and(|message| message.role == "tool" && message.tool_calls.is_none())
    }

    fn whole(&self, identity: &AnswerIdentity, turns: &[ChoiceTurn], usage: Usage) -> ContainerReply {
        let choices: Vec<Value> = turns
            .iter()
            .enumerate()
            .map(|(index, turn)| {
                let tokens = turn.speech.as_ref().map(|speech| speech.tokens.as_slice());
                let choice = json!({"index": index, "message": message(identity.flavour, turn), "logprobs": self.logprobs_of(tokens)});
                extended(choice, turn.ending(identity.flavour))
            })
            .collect();
        ContainerReply::json(200, &identity.envelope("chatcmpl", "chat.completion", &choices, Some(usage)))
    }

    fn chunks(&self, identity: &AnswerIdentity, turns: &[ChoiceTurn], usage: Usage) -> ContainerReply {
        let options = self.stream_options.clone().unwrap_or_default();
        let mut so_far = Usage { completion: 0, ..usage };
        let chunk = |choices: &[Value], usage: Option<Usage>| {
            identity.envelope("chatcmpl", "chat.completion.chunk", choices, usage)
        };
        let mut chunks = Vec::new();
        for (index, turn) in turns.iter().enumerate() {
            for (delta, logprobs, tokens) in self.deltas(identity.flavour, turn) {
                so_far.completion += tokens;
                let choice = json!({"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": null});
                chunks.push(chunk(&[choice], options.continuous_usage_stats.then_some(so_far)));
            }
            let delta = match identity.flavour {
                Flavour::Vllm if turn.speech.is_none() => json!({}),
                Flavour::Vllm => json!({"content": ""}),
                Flavour::Tgi => json!({"role": "assistant", "content": ""}),
            };
            let last =
                extended(json!({"index": index, "delta": delta, "logprobs": null}), turn.ending(identity.flavour));
            chunks.push(chunk(&[last], options.continuous_usage_stats.then_some(so_far)));
        }
        if options.include_usage {
            chunks.push(chunk(&[], Some(usage)));
        }
        event_stream(&chunks)
    }

    /// The deltas before the last one, each with its log-probabilities and its number of tokens.
    fn deltas(&self, flavour: Flavour, turn: &ChoiceTurn) -> Vec<(Value, Value, usize)> {
        let mut deltas = Vec::new();
        if flavour == Flavour::Vllm {
            deltas.push((json!({"role": "assistant", "content": ""}), Value::Null, 0));
        }
        for token in turn.speech.iter().flat_map(|speech| &speech.tokens) {
            let mut delta = Map::new();
            if flavour == Flavour::Tgi {
                delta.insert("role".to_owned(), Value::from("assistant"));
            }
            delta.insert("content".to_owned(), Value::from(token.as_str()));
            deltas.push((Value::Object(delta), self.logprobs_of(Some(std::slice::from_ref(token))), 1));
        }
        for (index, call) in turn.calls.iter().enumerate() {
            let begin = json!({"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}});
            deltas.push((json!({"tool_calls": [begin]}), Value::Null, count(&call.name)));
            for piece in tokens(&call.arguments) {
                deltas.push((
                    json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}),
                    Value::Null,
                    1,
                ));
            }
        }
        deltas
    }

    fn logprobs_of(&self, tokens: Option<&[String]>) -> Value {
        match tokens {
            Some(tokens) if self.logprobs == Some(true) => {
                let content: Vec<Value> = tokens
                    .iter()
                    .map(|token| json!({"token": token, "logprob": logprob(token), "bytes": token.as_bytes(), "top_logprobs": []}))
                    .collect();
                json!({"content": content})
            }
            _ => Value::Null,
        }
    }
}

fn message(flavour: Flavour, turn: &ChoiceTurn) -> Value {
    let content = turn.speech.as_ref().map(Speech::text);
    let calls: Vec<Value> = turn
        .calls
        .iter()
        .map(|call| json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}))
        .collect();
    let mut members = Vec::new();
    if flavour == Flavour::Vllm {
        members.extend(
            ["refusal", "annotations", "audio", "function_call", "reasoning"].map(|absent| (absent, Value::Null)),
        );
    }
    if !calls.is_empty() {
        members.push(("tool_calls", Value::Array(calls)));
    }
    extended(json!({"role": "assistant", "content": content}), members)
}
