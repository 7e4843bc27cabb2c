//! Chunks that repeat the one before them but for their text.
//!
//! Owns the shortcut: where a record has the same bytes as a known one around the text of
//! `content`, it is that chunk with another text, and nothing of it needs to be parsed. It is taken
//! only for texts without escapes, and learned only where a parsed probe has proved it. It halves
//! the instructions of a token.

use sagewire_types::ChatChunk;

/// How many records of a stream are learned from: where each one differs, it is not worth it.
const LESSONS: u8 = 4;

/// A text that no container sends, to prove where the text stands.
const PROBE: &str = "\u{2063}the text stands here\u{2063}";

/// What is known of a stream's records.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    known: Option<Known>,
    lessons: u8,
}

#[derive(Debug)]
struct Known {
    /// The record up to its text, and what comes behind it.
    before: Box<str>,
    behind: Box<str>,
    /// The chunk without its text.
    chunk: ChatChunk,
}

impl Repeated {
    /// The chunk of a record that repeats the known one.
    pub(super) fn read(&self, record: &str) -> Option<ChatChunk> {
        let Known { before, behind, chunk } = self.known.as_ref()?;
        let text = record.strip_prefix(&**before)?.strip_suffix(&**behind)?;
        // Without these the text stands for itself, and ends where it seems to.
        if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            return None;
        }
        with_text(chunk, text)
    }

    /// Learns from a record that was parsed.
    pub(super) fn learn(&mut self, record: &str, chunk: &ChatChunk) {
        let text = chunk.content();
        if self.lessons >= LESSONS || text.is_empty() || text == PROBE || chunk.choices.len() != 1 {
            return;
        }
        self.lessons += 1;
        self.known = prove(record, chunk, text);
    }
}

fn prove(record: &str, chunk: &ChatChunk, text: &str) -> Option<Known> {
    let token = format!("\"content\":{}", serde_json::to_string(text).ok()?);
    let (before, behind) = record.split_once(&token)?;
    let (before, behind) = (format!("{before}\"content\":\""), format!("\"{behind}"));
    // The place may be another field's of the same name and text: then the probe is not the chunk's
    // text.
    let probed: ChatChunk = serde_json::from_str(&format!("{before}{PROBE}{behind}")).ok()?;
    let expected = with_text(chunk, PROBE)?;
    let without_text = with_text(chunk, "")?;
    (probed == expected).then(|| Known { before: before.into(), behind: behind.into(), chunk: without_text })
}

fn with_text(chunk: &ChatChunk, text: &str) -> Option<ChatChunk> {
    let mut chunk = chunk.clone();
    chunk.choices.first_mut()?.delta.content = Some(text.to_owned());
    Some(chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> String {
        format!(
            r#"{{"id":"c","created":1,"model":"m","choices":[{{"index":0,"delta":{{"content":"{text}"}},"logprobs":null,"token_ids":null}}]}}"#
        )
    }

    fn learned(record: &str) -> Repeated {
        let mut repeated = Repeated::default();
        repeated.learn(record, &serde_json::from_str(record).unwrap());
        repeated
    }

    #[test]
    fn what_is_read_is_what_would_have_been_parsed() {
        for first in ["one", "content", "é\\n\\\"x"] {
            let repeated = learned(&record(first));
            for text in ["", " two", "é😀", "}", "content", "\u{7f}\u{2028}"] {
                let record = record(text);
                assert_eq!(
                    repeated.read(&record),
                    Some(serde_json::from_str(&record).unwrap()),
                    "{text:?} after {first:?}"
                );
            }
        }
    }

    #[test]
    fn every_other_record_is_left_to_the_parser() {
        let repeated = learned(&record("one"));
        for text in ["a\\nb", "\\u0041", "tab\tin it", "a\",\"role\":\"user", "a\\"] {
            assert_eq!(repeated.read(&record(text)), None, "{text:?}");
        }
        for other in [&record("x").replace("\"c\"", "\"d\""), &record("x").replace("null}]", "7}]"), "{}", ""] {
            assert_eq!(repeated.read(other), None, "{other}");
        }
        // A record that is shorter than what stands around the text.
        let mut short = record("");
        short.truncate(60);
        assert_eq!(repeated.read(&short), None);
    }

    #[test]
    fn a_field_of_the_same_name_elsewhere_is_not_taken_for_the_text() {
        let twice = r#"{"choices":[{"echo":{"content":"one"},"delta":{"content":"one"}}]}"#;
        assert!(learned(twice).known.is_none());
        let in_a_text = r#"{"choices":[{"delta":{"content":"one"}}],"x":"\"content\":\"one\""}"#;
        assert!(learned(in_a_text).known.is_some());
        let two_choices = r#"{"choices":[{"delta":{"content":"one"}},{"delta":{}}]}"#;
        assert!(learned(two_choices).known.is_none());
    }

    #[test]
    fn a_stream_whose_records_all_differ_is_soon_left_alone() {
        let mut repeated = Repeated::default();
        for id in 0..20 {
            let record = record("one").replace("\"c\"", &format!("\"{id}\""));
            repeated.learn(&record, &serde_json::from_str(&record).unwrap());
        }
        assert_eq!(repeated.lessons, LESSONS);
    }
}
