//! Integers beyond 64 bits in what a reply has beside its known fields.
//!
//! Owns the second reading of such a reply, with these integers [marked](crate::json::mark_integers):
//! in a known field a marked integer would be taken for a text, so that only the further fields are
//! taken from it.

use serde::de::DeserializeOwned;

use super::{ChatChunk, ChatResponse};
use crate::{Usage, json::mark_integers};

impl ChatResponse {
    /// Gives the integers beyond 64 bits in `extra` and `logprobs` the digits that they have in
    /// `json`, the text that the reply was read from. They are [marked](crate::json::mark_integers)
    /// there, and written as numbers.
    pub fn keep_integers(&mut self, json: &[u8]) {
        let Some(marked) = read::<Self>(json) else { return };
        self.extra = marked.extra;
        keep_usage(&mut self.usage, marked.usage);
        for (choice, marked) in self.choices.iter_mut().zip(marked.choices) {
            (choice.extra, choice.logprobs) = (marked.extra, marked.logprobs);
            choice.message.extra = marked.message.extra;
            for (call, marked) in choice.message.tool_calls.iter_mut().zip(marked.message.tool_calls) {
                call.extra = marked.extra;
            }
        }
    }
}

impl ChatChunk {
    /// The same for a chunk, as [`ChatResponse::keep_integers`].
    pub fn keep_integers(&mut self, json: &[u8]) {
        let Some(marked) = read::<Self>(json) else { return };
        self.extra = marked.extra;
        keep_usage(&mut self.usage, marked.usage);
        for (choice, marked) in self.choices.iter_mut().zip(marked.choices) {
            (choice.extra, choice.logprobs) = (marked.extra, marked.logprobs);
            choice.delta.extra = marked.delta.extra;
            for (call, marked) in choice.delta.tool_calls.iter_mut().zip(marked.delta.tool_calls) {
                call.extra = marked.extra;
            }
        }
    }
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    serde_json::from_slice(&mark_integers(json)?).ok()
}

fn keep_usage(usage: &mut Option<Usage>, marked: Option<Usage>) {
    if let Some((usage, marked)) = usage.as_mut().zip(marked) {
        usage.extra = marked.extra;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ChunkWriter;

    const LONG: &str = "123456789012345678901234567890";

    #[test]
    fn further_fields_keep_their_digits_and_known_ones_are_read_as_ever() {
        let call = format!(
            r#"{{"index":0,"id":{LONG},"type":"function","function":{{"name":"f","arguments":"{{}}"}},"n":{LONG}}}"#
        );
        let rest = format!(r#""n":[{LONG},{{"m":-{LONG}}}],"text":"{LONG}""#);
        let usage = format!(r#"{{"prompt_tokens":{LONG},"completion_tokens":2,"total_tokens":3,{rest}}}"#);
        let inner = format!(r#"{{"role":"assistant","content":"hi","tool_calls":[{call}],{rest}}}"#);
        let text = |name: &str| {
            format!(
                r#"{{"id":{LONG},"created":{LONG},"choices":[{{"index":{LONG},"{name}":{inner},"finish_reason":"stop","logprobs":{{"content":[{LONG}]}},{rest}}}],"usage":{usage},{rest}}}"#
            )
        };

        let plain: ChatResponse = serde_json::from_str(&text("message")).unwrap();
        let mut kept = plain.clone();
        kept.keep_integers(text("message").as_bytes());
        assert_eq!((&kept.id, kept.created, kept.choices[0].index), (&plain.id, plain.created, plain.choices[0].index));
        assert_eq!(kept.usage.as_ref().unwrap().prompt_tokens, plain.usage.as_ref().unwrap().prompt_tokens);
        let written = serde_json::to_string(&kept).unwrap();
        assert_eq!(
            (written.matches(&rest).count(), written.matches(&format!(r#""n":{LONG}"#)).count()),
            (4, 1),
            "{written}"
        );
        assert!(written.contains(&format!(r#""logprobs":{{"content":[{LONG}]}}"#)), "{written}");

        let mut chunk: ChatChunk = serde_json::from_str(&text("delta")).unwrap();
        chunk.keep_integers(text("delta").as_bytes());
        let written = serde_json::to_string(&chunk).unwrap();
        assert_eq!(
            (written.matches(&rest).count(), written.matches(&format!(r#""n":{LONG}"#)).count()),
            (4, 1),
            "{written}"
        );
        let mut out = Vec::new();
        ChunkWriter::default().write(&chunk, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), written);
    }

    #[test]
    fn a_reply_without_such_integers_stays() {
        let text =
            r#"{"id":"a","choices":[{"message":{"content":"1234567890123456789012"}}],"n":18446744073709551615}"#;
        let plain: ChatResponse = serde_json::from_str(text).unwrap();
        let mut kept = plain.clone();
        kept.keep_integers(text.as_bytes());
        assert_eq!(kept, plain);
    }
}
