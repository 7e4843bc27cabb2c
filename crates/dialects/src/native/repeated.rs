//! Events that repeat the one before them but for their text and number.
//!
//! Owns the shortcut: an event with the same bytes as a known one around its text and its number
//! reads as that one does, and nothing of it needs to be parsed. It is taken only for texts without
//! escapes, and learned only where a parsed probe has proved it. Parsing was a third of the
//! instructions of a forwarded stream.

use std::borrow::Cow;

use sagewire_types::{Error, Reading};

use super::SoFar;

/// How many events of a stream are learned from: each block of an answer has events of its own, and
/// where each event differs, it is not worth it.
const LESSONS: u8 = 16;

/// What stands before a text that an event adds.
const TEXTS: [&str; 4] = ["\"text\":\"", "\"thinking\":\"", "\"partial_json\":\"", "\"delta\":\""];

/// What stands before an event's number.
const NUMBER: &str = "\"sequence_number\":";

/// A text that no container sends, to prove where the text is.
const PROBE: &str = "\u{2063}the text is here\u{2063}";

/// What is known of a stream's events.
#[derive(Debug, Default)]
pub(super) struct RepeatedEvent {
    known: Option<KnownEvent>,
    lessons: u8,
}

#[derive(Debug)]
struct KnownEvent {
    name: Cow<'static, str>,
    /// The event up to its text.
    before: Box<str>,
    /// What comes behind the text, up to the number if there is one.
    behind: Box<str>,
    /// What comes behind the number.
    end: Option<Box<str>>,
}

impl RepeatedEvent {
    /// The reading of an event that repeats the known one.
    pub(super) fn read(&self, event: &[u8]) -> Option<Reading> {
        let KnownEvent { name, before, behind, end } = self.known.as_ref()?;
        let mut rest = event.strip_prefix(before.as_bytes())?;
        let mut reading = Reading::new(name.clone());
        if let Some(end) = end {
            rest = rest.strip_suffix(end.as_bytes())?;
            let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
            let (others, digits) = rest.split_at_checked(rest.len().checked_sub(digits)?)?;
            // JSON has no zeros before a number.
            if digits.len() > 1 && digits.starts_with(b"0") {
                return None;
            }
            rest = others;
            reading.number = Some(std::str::from_utf8(digits).ok()?.parse().ok()?);
        }
        let text = rest.strip_suffix(behind.as_bytes())?;
        // Without these the text stands for itself, and ends where it seems to.
        if text.iter().any(|byte| *byte < b' ' || *byte == b'"' || *byte == b'\\') {
            return None;
        }
        reading.text_bytes = std::str::from_utf8(text).ok()?.len();
        Some(reading)
    }

    /// Learns from an event that `read` has read.
    pub(super) fn learn(
        &mut self,
        event: &str,
        reading: &Reading,
        read: fn(&str, &mut SoFar) -> Result<Reading, Error>,
    ) {
        // Only the events of a text are many.
        if self.lessons >= LESSONS || reading.text_bytes == 0 || event.contains(['\n', '\r']) {
            return;
        }
        self.lessons += 1;
        self.known = TEXTS.iter().find_map(|text| KnownEvent::prove(event, text, reading, read));
    }
}

impl KnownEvent {
    fn prove(
        event: &str,
        text: &str,
        reading: &Reading,
        read: fn(&str, &mut SoFar) -> Result<Reading, Error>,
    ) -> Option<Self> {
        let (before, rest) = event.split_once(text)?;
        let behind = rest.get(reading.text_bytes..).filter(|behind| behind.starts_with('"'))?;
        let before = format!("{before}{text}");
        let mut expected = Reading::new(reading.name.clone());
        expected.text_bytes = PROBE.len();
        let (behind, end) = match reading.number {
            None => (behind, None),
            Some(number) => {
                let (behind, end) = behind.split_once(&format!("{NUMBER}{number}"))?;
                expected.number = Some(number.checked_add(1)?);
                (behind, Some(end))
            }
        };
        let behind = if end.is_some() { format!("{behind}{NUMBER}") } else { behind.to_owned() };
        let number = expected.number.map(|number| number.to_string()).unwrap_or_default();
        // The places may be those of other fields of the same names: then the probe is not read.
        let probe = format!("{before}{PROBE}{behind}{number}{}", end.unwrap_or_default());
        let is_proved = read(&probe, &mut SoFar::default()).is_ok_and(|probed| probed == expected);
        let (name, end) = (expected.name, end.map(Into::into));
        is_proved.then(|| Self { name, before: before.into(), behind: behind.into(), end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::Protocol;

    const EVENTS: [(&str, &str); 5] = [
        ("/v1/messages", r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"TEXT"}}"#),
        (
            "/v1/messages",
            r#"{"delta":{"thinking":"TEXT","type":"thinking_delta"},"index":12,"type":"content_block_delta","new":[1]}"#,
        ),
        (
            "/v1/messages",
            r#"{"type":"content_block_delta","index":1,"delta":{"partial_json":"TEXT","type":"input_json_delta"}}"#,
        ),
        (
            "/v1/responses",
            r#"{"content_index":0,"delta":"TEXT","item_id":"i","logprobs":[],"output_index":0,"sequence_number":NUMBER,"type":"response.output_text.delta"}"#,
        ),
        (
            "/v1/responses",
            r#"{"type":"response.function_call_arguments.delta","output_index":0,"item_id":"i","delta":"TEXT","sequence_number":NUMBER}"#,
        ),
    ];

    fn read(path: &str, event: &str) -> Result<Reading, Error> {
        (Protocol::of(path).unwrap().event)(event, &mut SoFar::default())
    }

    fn learned(path: &str, event: &str) -> RepeatedEvent {
        let mut repeated = RepeatedEvent::default();
        repeated.learn(event, &read(path, event).unwrap(), Protocol::of(path).unwrap().event);
        repeated
    }

    #[test]
    fn what_is_read_is_what_would_have_been_parsed() {
        for (path, form) in EVENTS {
            let event = |text: &str, number: &str| form.replace("TEXT", text).replace("NUMBER", number);
            for first in ["one", "text", "é:{"] {
                let repeated = learned(path, &event(first, "9"));
                for text in ["", " two", "é😀", "}", "text", "\u{7f}\u{2028}"] {
                    for number in ["0", "10", "18446744073709551615"] {
                        let event = event(text, number);
                        assert_eq!(repeated.read(event.as_bytes()), Some(read(path, &event).unwrap()), "{event}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_other_event_is_left_to_the_parser() {
        for (path, form) in EVENTS {
            let event = |text: &str, number: &str| form.replace("TEXT", text).replace("NUMBER", number);
            let repeated = learned(path, &event("one", "9"));
            for text in ["a\\nb", "\\u0041", "tab\tin it", "line\nin it", "a\",\"type\":\"error", "a\\"] {
                assert_eq!(repeated.read(event(text, "1").as_bytes()), None, "{text:?}");
            }
            let (mut broken, whole) = (event("~", "1").into_bytes(), event("x", "1"));
            *broken.iter_mut().find(|byte| **byte == b'~').unwrap() = 0xff;
            let other_name = whole.replace('i', "j");
            let whole = whole.as_bytes();
            let (first, last) = (&whole[1..], &whole[..whole.len() - 1]);
            for other in [&*broken, first, last, b"{}", b"", other_name.as_bytes()] {
                assert_eq!(repeated.read(other), None, "{other:?}");
            }
            if form.contains("NUMBER") {
                for number in ["", "01", "-1", "1.0", "1e3", "18446744073709551616", "\"1\"", "null"] {
                    assert_eq!(repeated.read(event("x", number).as_bytes()), None, "{number}");
                }
            }
        }
    }

    #[test]
    fn fields_of_the_same_names_elsewhere_are_not_taken_for_the_text_or_the_number() {
        for (path, event, is_known) in [
            (
                "/v1/messages",
                r#"{"type":"content_block_delta","index":0,"echo":{"text":"one"},"delta":{"type":"text_delta","text":"one"}}"#,
                false,
            ),
            (
                "/v1/messages",
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"one"},"echo":{"text":"one"}}"#,
                true,
            ),
            (
                "/v1/messages",
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"one","thinking":"x"}}"#,
                false,
            ),
            (
                "/v1/responses",
                r#"{"type":"response.output_text.delta","item_id":"i","output_index":0,"content_index":0,"delta":"one","echo":{"sequence_number":1},"sequence_number":1}"#,
                false,
            ),
            (
                "/v1/responses",
                r#"{"sequence_number":1,"type":"response.output_text.delta","item_id":"i","output_index":0,"content_index":0,"delta":"one"}"#,
                false,
            ),
            (
                "/v1/responses",
                r#"{"type":"response.output_text.delta","item_id":"i","output_index":0,"content_index":0,"delta":"one","sequence_number":1,"sequence_number_2":3}"#,
                true,
            ),
        ] {
            assert_eq!(learned(path, event).known.is_some(), is_known, "{event}");
        }
    }

    #[test]
    fn a_stream_whose_events_all_differ_is_soon_left_alone() {
        let (path, form) = EVENTS[0];
        let mut repeated = RepeatedEvent::default();
        for index in 0..40 {
            let event = form.replace("\"index\":0", &format!("\"index\":{index}"));
            repeated.learn(&event, &read(path, &event).unwrap(), Protocol::of(path).unwrap().event);
        }
        assert_eq!(repeated.lessons, LESSONS);
    }
}
