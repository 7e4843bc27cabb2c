//! TGI's own schema: `inputs` and `parameters` in, `generated_text` out.
//!
//! Owns what the request may say, TGI's complaints about it, and both forms of the answer.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        reply::ContainerReply,
        speech::{Finish, Limits, Speech, answer, count, gist, logprob, token_id, tokens},
    },
    DEFAULT_NEW_TOKENS, TgiRefusal,
};

/// The most stop strings TGI takes.
const MAX_STOP_SEQUENCES: usize = 4;
/// The end-of-text token: it is sent, and marked `special`.
const END_OF_TEXT: (&str, u64) = ("</s>", 2);

/// The body of `generate`.
#[derive(Deserialize)]
pub(in crate::container) struct Generate {
    inputs: String,
    #[serde(default)]
    parameters: GenerateParameters,
    #[serde(default)]
    stream: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GenerateParameters {
    best_of: Option<usize>,
    temperature: Option<f64>,
    repetition_penalty: Option<f64>,
    frequency_penalty: Option<f64>,
    top_k: Option<i64>,
    top_p: Option<f64>,
    typical_p: Option<f64>,
    do_sample: bool,
    max_new_tokens: Option<usize>,
    return_full_text: Option<bool>,
    stop: Vec<String>,
    truncate: Option<usize>,
    details: bool,
    decoder_input_details: bool,
    seed: Option<u64>,
}

impl GenerateParameters {
    fn complaint(&self, streaming: bool) -> Option<&'static str> {
        let outside = |value: Option<f64>| value.is_some_and(|value| !(value > 0.0 && value < 1.0));
        let not_positive = |value: Option<f64>| value.is_some_and(|value| value <= 0.0);
        let several = self.best_of.is_some_and(|best_of| best_of > 1);
        let sampling = self.do_sample
            || self.temperature.is_some()
            || self.top_k.is_some()
            || self.top_p.is_some()
            || self.typical_p.is_some();
        let frequency = self.frequency_penalty.is_some_and(|penalty| !(-2.0..=2.0).contains(&penalty));
        // In TGI's order: the first complaint is the one that is made.
        let complaints = [
            (self.best_of == Some(0), "`best_of` must be strictly positive"),
            (several && !sampling, "you must use sampling when `best_of` is > 1"),
            (several && self.seed.is_some(), "`seed` must not be set when `best_of` > 1"),
            (several && streaming, "`best_of` != 1 is not supported when streaming tokens"),
            (not_positive(self.temperature), "`temperature` must be strictly positive"),
            (not_positive(self.repetition_penalty), "`repetition_penalty` must be strictly positive"),
            (frequency, "`frequency_penalty` must be >= -2.0 and <= 2.0"),
            (outside(self.top_p), "`top_p` must be > 0.0 and < 1.0"),
            (self.top_k.is_some_and(|top_k| top_k <= 0), "`top_k` must be strictly positive"),
            (outside(self.typical_p), "`typical_p` must be > 0.0 and < 1.0"),
            (self.max_new_tokens == Some(0), "`max_new_tokens` must be strictly positive"),
        ];
        complaints.into_iter().find_map(|(fails, complaint)| fails.then_some(complaint))
    }
}

impl Generate {
    pub(super) const fn is_streaming(&self) -> bool {
        self.stream
    }

    pub(super) fn validate(&self) -> Result<(), TgiRefusal> {
        if let Some(complaint) = self.parameters.complaint(self.stream) {
            return Err(TgiRefusal::validation(complaint));
        }
        let stops = self.parameters.stop.len();
        if stops > MAX_STOP_SEQUENCES {
            return Err(TgiRefusal::validation(format!(
                "`stop` supports up to {MAX_STOP_SEQUENCES} stop sequences. Given: {stops}"
            )));
        }
        if self.inputs.is_empty() {
            return Err(TgiRefusal::validation("`inputs` cannot be empty"));
        }
        Ok(())
    }

    pub(super) fn input_tokens(&self) -> usize {
        count(&self.inputs).min(self.parameters.truncate.unwrap_or(usize::MAX))
    }

    pub(super) fn limit(&self) -> usize {
        self.parameters.max_new_tokens.unwrap_or(DEFAULT_NEW_TOKENS)
    }

    /// The prompt.
    pub(in crate::container) fn inputs(&self) -> &str {
        &self.inputs
    }

    /// Answers the question in the prompt.
    pub(super) fn answer(&self, limit: usize) -> ContainerReply {
        self.say(&answer(&gist(&self.inputs), limit), limit)
    }

    /// Answers with this text. It has no limit but that of the request.
    pub(in crate::container) fn saying(&self, text: &str) -> ContainerReply {
        self.say(text, self.parameters.max_new_tokens.unwrap_or(usize::MAX))
    }

    fn say(&self, text: &str, limit: usize) -> ContainerReply {
        let limits = Limits { max_tokens: limit, stop: &self.parameters.stop, keeps_stop: true, ignores_end: false };
        let speech = Speech::new(text, &limits);
        if self.stream { self.events(&speech) } else { self.whole(&speech) }
    }

    fn generated_text(&self, speech: &Speech) -> String {
        let prompt = if self.parameters.return_full_text == Some(true) { self.inputs.as_str() } else { "" };
        format!("{prompt}{}", speech.text())
    }

    /// An array with one answer in it.
    fn whole(&self, speech: &Speech) -> ContainerReply {
        let generated_text = self.generated_text(speech);
        if !self.parameters.details {
            return ContainerReply::json(200, &json!([{"generated_text": generated_text}]));
        }
        let mut details = json!({
            "finish_reason": finish_reason(&speech.finish),
            "generated_tokens": pieces(speech).len(),
            "seed": self.parameters.seed,
            "prefill": self.prefill(),
            "tokens": pieces(speech),
        });
        // The best answer is in its usual place, and only the others are here: all are the same from this
        // model.
        let others = self.parameters.best_of.unwrap_or(1).saturating_sub(1);
        if others > 0
            && let Value::Object(details) = &mut details
        {
            let mut other = details.clone();
            other.insert("generated_text".to_owned(), Value::from(generated_text.as_str()));
            details.insert("best_of_sequences".to_owned(), Value::from(vec![Value::Object(other); others]));
        }
        ContainerReply::json(200, &json!([{"generated_text": generated_text, "details": details}]))
    }

    fn prefill(&self) -> Vec<Value> {
        let asked = self.parameters.decoder_input_details;
        let prompt = if asked { tokens(&self.inputs) } else { Vec::new() };
        // Nothing precedes the first token, so it has no probability.
        let piece = |(index, token): (usize, &String)| json!({"id": token_id(token), "text": token, "logprob": (index > 0).then(|| logprob(token))});
        prompt.iter().enumerate().map(piece).collect()
    }

    /// One event per token; the last one has the whole text and its details.
    fn events(&self, speech: &Speech) -> ContainerReply {
        let pieces = pieces(speech);
        let last = pieces.len();
        let mut body = String::new();
        for (index, token) in (1..).zip(&pieces) {
            let (generated_text, details) = if index == last {
                let details = json!({
                    "finish_reason": finish_reason(&speech.finish),
                    "generated_tokens": last,
                    "seed": self.parameters.seed,
                    "input_length": count(&self.inputs),
                });
                (Value::from(self.generated_text(speech)), details)
            } else {
                (Value::Null, Value::Null)
            };
            let event = json!({"index": index, "token": token, "generated_text": generated_text, "details": details});
            body.push_str(&format!("data:{event}\n\n"));
        }
        ContainerReply::new(200, "text/event-stream", body)
    }
}

/// The tokens as TGI shows them, with the special one at the end of a text that ends by itself.
fn pieces(speech: &Speech) -> Vec<Value> {
    let piece = |id: u64, text: &str, special: bool| json!({"id": id, "text": text, "logprob": logprob(text), "special": special});
    let end = (speech.finish == Finish::EndOfText).then(|| piece(END_OF_TEXT.1, END_OF_TEXT.0, true));
    speech.tokens.iter().map(|token| piece(token_id(token), token, false)).chain(end).collect()
}

const fn finish_reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::EndOfText => "eos_token",
        Finish::Length => "length",
        Finish::Stop(_) => "stop_sequence",
    }
}
