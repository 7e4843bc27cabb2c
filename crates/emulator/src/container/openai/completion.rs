//! Plain completions: a prompt in, a text out.
//!
//! Owns the request as far as the emulator reads it, and both forms of the answer.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        reply::ContainerReply,
        speech::{Limits, Speech, answer, count, gist},
    },
    AnswerIdentity, Flavour, Stop, StreamOptions, Usage, event_stream, finish_reason,
};

/// The body of a plain completion.
#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct CompletionRequest {
    pub(in super::super) model: Option<String>,
    prompt: Prompt,
    pub(in super::super) max_tokens: Option<i64>,
    pub(in super::super) temperature: Option<f64>,
    pub(in super::super) top_p: Option<f64>,
    stop: Option<Stop>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    echo: Option<bool>,
    ignore_eos: Option<bool>,
}

/// One prompt or several, in text or in token ids.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Prompt {
    One(String),
    Several(Vec<String>),
    Ids(Vec<u32>),
    SeveralIds(Vec<Vec<u32>>),
}

impl Prompt {
    fn texts(&self) -> Vec<String> {
        let ids = |ids: &Vec<u32>| ids.iter().map(|id| format!(" #{id}")).collect::<String>();
        match self {
            Self::One(one) => vec![one.clone()],
            Self::Several(several) => several.clone(),
            Self::Ids(one) => vec![ids(one)],
            Self::SeveralIds(several) => several.iter().map(ids).collect(),
        }
    }
}

impl CompletionRequest {
    pub(in super::super) fn is_streaming(&self) -> bool {
        self.stream.unwrap_or_default()
    }

    pub(in super::super) fn prompt_tokens(&self) -> usize {
        self.prompt.texts().iter().map(|prompt| count(prompt)).sum()
    }

    /// Is there nothing to complete?
    pub(in super::super) fn is_empty(&self) -> bool {
        self.prompt.texts().iter().all(String::is_empty)
    }

    /// The answer, one choice for each prompt.
    pub(in super::super) fn answer(&self, identity: &AnswerIdentity, default_limit: usize) -> ContainerReply {
        let max_tokens = self.max_tokens.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(default_limit);
        let stop = Stop::strings(self.stop.as_ref());
        let limits = Limits {
            max_tokens,
            stop: &stop,
            keeps_stop: identity.flavour == Flavour::Tgi,
            ignores_end: self.ignore_eos.unwrap_or_default(),
        };
        let prompts = self.prompt.texts();
        let texts: Vec<(&str, Speech)> = prompts
            .iter()
            .map(|prompt| {
                let echoed = if self.echo == Some(true) { prompt.as_str() } else { "" };
                (echoed, Speech::new(&answer(&gist(prompt), max_tokens), &limits))
            })
            .collect();
        let completion = texts.iter().map(|(_, speech)| speech.tokens.len()).sum();
        let usage = Usage { prompt: self.prompt_tokens(), completion };
        if self.is_streaming() { self.chunks(identity, &texts, usage) } else { whole(identity, &texts, usage) }
    }

    fn chunks(&self, identity: &AnswerIdentity, texts: &[(&str, Speech)], usage: Usage) -> ContainerReply {
        let options = self.stream_options.clone().unwrap_or_default();
        let mut chunks = Vec::new();
        for (index, (echoed, speech)) in texts.iter().enumerate() {
            let pieces = std::iter::once(*echoed)
                .filter(|echoed| !echoed.is_empty())
                .chain(speech.tokens.iter().map(String::as_str));
            for piece in pieces {
                chunks.push(envelope(identity, &[choice(index, piece, None)], None));
            }
            chunks.push(envelope(identity, &[choice(index, "", Some(speech))], None));
        }
        if options.include_usage {
            chunks.push(envelope(identity, &[], Some(usage)));
        }
        event_stream(&chunks)
    }
}

fn whole(identity: &AnswerIdentity, texts: &[(&str, Speech)], usage: Usage) -> ContainerReply {
    let choices: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, (echoed, speech))| choice(index, &format!("{echoed}{}", speech.text()), Some(speech)))
        .collect();
    ContainerReply::json(200, &envelope(identity, &choices, Some(usage)))
}

fn envelope(identity: &AnswerIdentity, choices: &[Value], usage: Option<Usage>) -> Value {
    identity.envelope("cmpl", "text_completion", choices, usage)
}

/// One choice; `ended` where it is the last of its prompt.
fn choice(index: usize, text: &str, ended: Option<&Speech>) -> Value {
    let (finish_reason, stop_reason) = match ended.map(|speech| finish_reason(&speech.finish)) {
        Some((finish_reason, stop_reason)) => (Value::from(finish_reason), stop_reason),
        None => (Value::Null, Value::Null),
    };
    json!({"index": index, "text": text, "logprobs": null, "finish_reason": finish_reason, "stop_reason": stop_reason})
}
