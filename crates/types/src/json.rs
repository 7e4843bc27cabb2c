//! Text that is nearly JSON, as programs in other languages write it, and numbers that `serde_json`
//! cannot hold.
//!
//! Owns what is made of a text before it is parsed: a lone surrogate becomes U+FFFD, a number that
//! JSON cannot express becomes null, and integers beyond 64 bits are marked so that they [keep
//! their digits](mark_integers). Other text costs nothing, or the search for a long number.
//!
//! Python's `json.dumps` writes lone surrogates for half a character, and `NaN` and `Infinity` for
//! floats: <https://docs.python.org/3/library/json.html#infinite-and-nan-number-values>.

use serde::de::DeserializeOwned;

pub use self::integers::{Exact, exact, mark_arguments, mark_integers, restore_integers, restore_integers_of_text};
pub(crate) use self::integers::{ExactValue, compact, exact_fields, exact_value};
pub use self::split_character::HalfJoiner;
use self::split_character::{FIRST_MARK, MARK_PREFIX};

mod integers;
mod split_character;

/// Parses a reply. What is nearly JSON is repaired first, as by [`repair_reply`].
///
/// # Errors
/// That of the parser for the text as it came, if repairing does not help.
pub fn from_reply<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    let text = without_byte_order_mark(text);
    serde_json::from_slice(text)
        .or_else(|error| repair_reply(text).and_then(|repaired| serde_json::from_slice(&repaired).ok()).ok_or(error))
}

/// The text without the byte order mark that some programs write before UTF-8.
#[must_use]
pub fn without_byte_order_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)
}

/// The same for a reply that is written again for a caller: integers beyond 64 bits are
/// [marked](mark_integers).
///
/// # Errors
/// That of the parser, as for [`from_reply`].
pub fn from_reply_marked<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    match mark_integers(text) {
        Some(marked) => from_reply(&marked),
        None => from_reply(text),
    }
}

/// Parses what a caller wrote: half of a character costs that character, and everything else must
/// be JSON. Integers beyond 64 bits are [marked](mark_integers).
///
/// # Errors
/// That of the parser, for the text with U+FFFD in the place of each half. Places in it are those
/// of the text as it came.
pub fn from_caller<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    // A field that must be a number refuses the mark: it gets the number.
    if let Some(parsed) = mark_integers(text).and_then(|marked| serde_json::from_slice(&marked).ok()) {
        return Ok(parsed);
    }
    // Checked once as a whole, the strings need not be checked one by one.
    let parsed = match std::str::from_utf8(text) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(text),
    };
    parsed.or_else(|error| repair_halves(text).map_or(Err(error), |repaired| serde_json::from_slice(&repaired)))
}

/// The text with each lone surrogate as the escape of U+FFFD; `None` if it has none. Every other
/// byte keeps its place.
#[must_use]
pub fn repair_halves(text: &[u8]) -> Option<Vec<u8>> {
    Mender::new(text, Numbers::Kept, Halves::Replaced).run()
}

/// The same for a reply, in which further `NaN`, `Infinity` and numbers beyond a 64-bit float
/// become null; `None` if there is nothing to repair. Bytes that are not UTF-8 stay: they are
/// damage, and not half of a character.
#[must_use]
pub fn repair_reply(text: &[u8]) -> Option<Vec<u8>> {
    repair_all(text, Halves::Replaced)
}

/// The same, with each lone surrogate as a mark that [`HalfJoiner`] reads. `None` if the text has
/// none, or if it has a character that could be taken for a mark.
#[must_use]
pub fn mark_halves(text: &[u8]) -> Option<Vec<u8>> {
    if memchr::memmem::find(text, MARK_PREFIX).is_some() {
        return None;
    }
    let marked = repair_all(text, Halves::Marked)?;
    memchr::memmem::find(&marked, MARK_PREFIX).is_some().then_some(marked)
}

fn repair_all(text: &[u8], halves: Halves) -> Option<Vec<u8>> {
    Mender::new(text, Numbers::Repaired, halves).run()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    Kept,
    Repaired,
    Marked,
}

#[derive(Clone, Copy)]
enum Halves {
    Replaced,
    Marked,
}

/// Goes through a text once and copies it from the first place that it changes.
struct Mender<'a> {
    text: &'a [u8],
    at: usize,
    numbers: Numbers,
    halves: Halves,
    copied: usize,
    out: Vec<u8>,
}

impl<'a> Mender<'a> {
    fn new(text: &'a [u8], numbers: Numbers, halves: Halves) -> Self {
        Self { text, at: 0, numbers, halves, copied: 0, out: Vec::new() }
    }

    fn run(mut self) -> Option<Vec<u8>> {
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    self.string();
                }
                b'N' | b'I' | b'-' | b'0'..=b'9' if self.numbers != Numbers::Kept => self.number(),
                _ => self.at += 1,
            }
        }
        if self.copied == 0 {
            return None;
        }
        self.out.extend_from_slice(self.text.get(self.copied..).unwrap_or_default());
        Some(self.out)
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn replace(&mut self, length: usize, with: &[u8]) {
        self.out.extend_from_slice(self.text.get(self.copied..self.at).unwrap_or_default());
        self.out.extend_from_slice(with);
        self.at += length;
        self.copied = self.at;
    }

    fn number(&mut self) {
        let rest = self.rest();
        if self.numbers == Numbers::Marked {
            return match integers::beyond_64_bits(rest) {
                Some(integer) => self.replace(integer.len(), &integers::marked(integer)),
                None => self.at += integers::length_of_number(rest).max(1),
            };
        }
        if let Some(name) = [&b"NaN"[..], b"Infinity", b"-Infinity"].iter().find(|name| rest.starts_with(name)) {
            return self.replace(name.len(), b"null");
        }
        let length = integers::length_of_number(rest);
        let is_infinite = std::str::from_utf8(rest.get(..length).unwrap_or_default())
            .is_ok_and(|number| number.parse::<f64>().is_ok_and(f64::is_infinite));
        if is_infinite { self.replace(length, b"null") } else { self.at += length.max(1) }
    }

    /// Goes to the end of a string.
    fn string(&mut self) {
        while let Some(found) = memchr::memchr2(b'"', b'\\', self.rest()) {
            self.at += found;
            if self.rest().first() == Some(&b'"') {
                self.at += 1;
                return;
            }
            match escaped_unit(self.rest()) {
                Some(0xD800..=0xDBFF)
                    if matches!(escaped_unit(self.rest().get(6..).unwrap_or_default()), Some(0xDC00..=0xDFFF)) =>
                {
                    self.at += 12;
                }
                Some(half @ 0xD800..=0xDFFF) => match self.halves {
                    Halves::Replaced => self.replace(6, b"\\ufffd"),
                    Halves::Marked => {
                        let mark = char::from_u32(FIRST_MARK + half - 0xD800).unwrap_or(char::REPLACEMENT_CHARACTER);
                        self.replace(6, mark.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                },
                Some(_) => self.at += 6,
                None => self.at += 2,
            }
        }
        self.at = self.text.len();
    }
}

/// The unit of UTF-16 that an escape `\uXXXX` at the beginning stands for.
fn escaped_unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn half_characters_become_replacements_and_the_rest_keeps_its_place() {
        for (text, expected) in [
            (r#"{"a":"cut \ud83d"}"#, json!({"a": "cut \u{fffd}"})),
            (r#"{"a":"\ude00 tail"}"#, json!({"a": "\u{fffd} tail"})),
            (r#"["\ud83d\ud83d\ude00","\ud83dx"]"#, json!(["\u{fffd}😀", "\u{fffd}x"])),
            (r#"["\ud83d\n","\ud83d\\ude00"]"#, json!(["\u{fffd}\n", "\u{fffd}\\ude00"])),
            (r#"{"\udc00":1}"#, json!({"\u{fffd}": 1})),
        ] {
            let repaired = repair_halves(text.as_bytes()).unwrap();
            assert_eq!(
                (serde_json::from_slice::<Value>(&repaired).unwrap(), repaired.len()),
                (expected, text.len()),
                "{text}"
            );
        }
        for text in [r#"{"a":"\ud83d\ude00 \\ud83d NaN"}"#, "", r#"{"a":1}"#, r#""open \"#, r#""\u12"#] {
            assert_eq!(repair_halves(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn numbers_that_json_cannot_express_are_null_in_replies_alone() {
        let text = br#"{"a":[NaN,-Infinity,Infinity,1e400,-1e400,1.5,1e30],"b":"NaN 1e400"}"#;
        let expected = json!({"a": [null, null, null, null, null, 1.5, 1e30], "b": "NaN 1e400"});
        assert_eq!(from_reply::<Value>(text).unwrap(), expected);
        assert_eq!(repair_halves(text), None);
    }

    #[test]
    fn half_a_character_costs_a_caller_that_character_alone() {
        let text = br#"{"a":"cut \ud83d","b":["\ude00 tail","\ud83d\ude00"],"c":12345678901234567}"#;
        let expected =
            json!({"a": "cut \u{fffd}", "b": ["\u{fffd} tail", "\u{1f600}"], "c": 12_345_678_901_234_567_u64});
        assert_eq!(from_caller::<Value>(text).unwrap(), expected);
        for refused in [&br#"{"a":NaN}"#[..], b"{\"a\":\"\xff\"}", br#"{"a":"\ud83d","b"}"#] {
            assert!(from_caller::<Value>(refused).is_err(), "{}", refused.escape_ascii());
        }
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(from_reply::<Value>("\u{feff}{\"a\":NaN}".as_bytes()).unwrap(), json!({"a": null}));
    }

    #[test]
    fn what_is_no_json_stays_refused() {
        for text in [&b"{\"a\":"[..], b"NaNa", b"plain", b"{\"a\":\"\\ud83d\"", b"{\"a\":\"\xf0\x9f\x98\"}"] {
            assert!(from_reply::<Value>(text).is_err(), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn a_character_that_looks_like_a_mark_is_left_alone() {
        assert_eq!(mark_halves("\"\u{10F83D}\\ud83d\"".as_bytes()), None);
    }
}
