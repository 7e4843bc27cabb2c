//! Integers beyond 64 bits, which `serde_json` reads as the nearest float.
//!
//! Owns how they keep their digits between a caller and a container: in a parsed value each is a
//! text, a mark before its digits, and in what is written for others each such text is the number
//! again. `serde_json`'s feature `arbitrary_precision` would change how every crate of a user's
//! program reads numbers.

use std::borrow::Cow;

use memchr::memmem;
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::{Map, Value, value::RawValue};

use super::{Halves, Mender, Numbers};

/// Begins the text in an integer's place: a noncharacter, which Unicode has for internal use and
/// not for texts that are exchanged.
const MARK: &str = "\u{1FFFF}";

/// Digits of the shortest integers beyond 64 bits.
const FEWEST_DIGITS: usize = 19;

/// Digits of the largest float. A longer integer is a number for no reader, and is refused as it is
/// without a mark.
const MOST_DIGITS: usize = 309;

/// The JSON text with each integer beyond 64 bits as a text that [`restore_integers`] makes the
/// number again, and each lone surrogate as [`repair_halves`](super::repair_halves) writes it.
/// `None` if there is no such integer.
///
/// ```
/// use sagewire_types::json::{mark_integers, restore_integers};
///
/// let text = br#"{"id": 123456789012345678901234567890}"#;
/// let marked: serde_json::Value = serde_json::from_slice(&mark_integers(text).unwrap())?;
/// let written = restore_integers(marked.to_string().into());
/// assert_eq!(written, br#"{"id":123456789012345678901234567890}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn mark_integers(text: &[u8]) -> Option<Vec<u8>> {
    if !has_long_number(text) {
        return None;
    }
    let marked = Mender::new(text, Numbers::Marked, Halves::Replaced).run()?;
    memmem::find(&marked, MARK.as_bytes()).is_some().then_some(marked)
}

/// The text with the integers that [`mark_integers`] marked as numbers, in JSON as in a text within
/// JSON.
#[must_use]
pub fn restore_integers(text: Vec<u8>) -> Vec<u8> {
    let mut marks = memmem::find_iter(&text, MARK).peekable();
    if marks.peek().is_none() {
        return text;
    }
    let mut restored = Vec::with_capacity(text.len());
    let mut copied = 0;
    for mark in marks {
        let before = text.get(copied..mark).unwrap_or_default();
        let behind = text.get(mark + MARK.len()..).unwrap_or_default();
        let Some(integer) = beyond_64_bits(behind) else { continue };
        let rest = behind.get(integer.len()..).unwrap_or_default();
        let quotes = quotes_around(before, rest);
        restored.extend_from_slice(before.get(..before.len() - quotes).unwrap_or_default());
        restored.extend_from_slice(integer);
        copied = mark + MARK.len() + integer.len() + quotes;
    }
    restored.extend_from_slice(text.get(copied..).unwrap_or_default());
    restored
}

/// The same for a text, such as the prompt that a template made of marked values.
#[must_use]
pub fn restore_integers_of_text(text: String) -> String {
    match String::from_utf8(restore_integers(text.into_bytes())) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

/// Marks the integers in the arguments of a conversation's calls: a template parses these texts.
pub fn mark_arguments(messages: &mut [Value]) {
    let calls = messages.iter_mut().filter_map(|message| message.get_mut("tool_calls")?.as_array_mut()).flatten();
    for arguments in calls.filter_map(|call| call.get_mut("function")?.get_mut("arguments")) {
        let marked = arguments.as_str().and_then(|text| String::from_utf8(mark_integers(text.as_bytes())?).ok());
        if let Some(marked) = marked {
            *arguments = marked.into();
        }
    }
}

/// Writes a field whose value may hold marked integers, with these as numbers: for
/// `#[serde(serialize_with)]`.
///
/// # Errors
/// Those of `serde_json`.
pub fn exact<T: Serialize + ?Sized, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let text = serde_json::to_vec(value).map_err(S::Error::custom)?;
    if memmem::find(&text, MARK.as_bytes()).is_none() {
        return value.serialize(serializer);
    }
    let restored = restore_integers(text);
    serde_json::from_slice::<&RawValue>(&restored).map_err(S::Error::custom)?.serialize(serializer)
}

/// A value that may hold marked integers, which are written as numbers.
#[derive(Clone, Copy, Debug)]
pub struct Exact<'a, T: ?Sized>(pub &'a T);

impl<T: Serialize + ?Sized> Serialize for Exact<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        exact(self.0, serializer)
    }
}

/// Writes the further fields of a reply's object, with marked integers as numbers: for
/// `#[serde(flatten, serialize_with)]`.
pub(crate) fn exact_fields<S: Serializer>(fields: &Map<String, Value>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(fields.iter().map(|(name, value)| (name, ExactValue(value))))
}

/// The same for a field that may be missing.
pub(crate) fn exact_value<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(ExactValue).serialize(serializer)
}

/// A JSON value in which marked integers are written as numbers.
pub(crate) struct ExactValue<'a>(pub(crate) &'a Value);

impl Serialize for ExactValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) => match digits(text) {
                Some(digits) => {
                    serde_json::from_str::<&RawValue>(digits).map_err(S::Error::custom)?.serialize(serializer)
                }
                None => serializer.serialize_str(text),
            },
            Value::Array(items) => serializer.collect_seq(items.iter().map(ExactValue)),
            Value::Object(fields) => exact_fields(fields, serializer),
            other => other.serialize(serializer),
        }
    }
}

/// The digits of a marked integer; `None` for all other texts.
fn digits(text: &str) -> Option<&str> {
    let digits = text.strip_prefix(MARK)?;
    beyond_64_bits(digits.as_bytes()).is_some_and(|integer| integer.len() == digits.len()).then_some(digits)
}

/// The compact text of a JSON value, in which integers beyond 64 bits keep their digits.
pub(crate) fn compact(value: &RawValue) -> Result<String, serde_json::Error> {
    let text = value.get().as_bytes();
    let marked = mark_integers(text).map_or(Cow::Borrowed(text), Cow::Owned);
    let compact = serde_json::to_vec(&serde_json::from_slice::<Value>(&marked)?)?;
    String::from_utf8(restore_integers(compact)).map_err(serde::de::Error::custom)
}

/// What stands for an integer in a JSON text.
pub(super) fn marked(integer: &[u8]) -> Vec<u8> {
    [b"\"", MARK.as_bytes(), integer, b"\""].concat()
}

/// The integer at the beginning of a text, if 64 bits are too few for it.
pub(super) fn beyond_64_bits(text: &[u8]) -> Option<&[u8]> {
    let integer = text.get(..length_of_number(text))?;
    let digits = integer.strip_prefix(b"-").unwrap_or(integer);
    if !(FEWEST_DIGITS..=MOST_DIGITS).contains(&digits.len())
        || digits.starts_with(b"0")
        || !digits.iter().all(u8::is_ascii_digit)
    {
        return None;
    }
    let number = std::str::from_utf8(integer).ok()?;
    let is_beyond = number.parse::<u64>().is_err() && number.parse::<i64>().is_err();
    (is_beyond && number.parse::<f64>().is_ok_and(f64::is_finite)).then_some(integer)
}

/// How many bytes at the beginning of a text belong to a number.
pub(super) fn length_of_number(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')).count()
}

/// Whether as many digits stand side by side as [`FEWEST_DIGITS`] says: of so many bytes in a row
/// one is looked at.
fn has_long_number(text: &[u8]) -> bool {
    let digits = |byte: &&u8| byte.is_ascii_digit();
    let mut looked_at = (FEWEST_DIGITS - 1..text.len()).step_by(FEWEST_DIGITS);
    looked_at.any(|place| {
        let (before, behind) = text.split_at_checked(place).unwrap_or_default();
        behind.first().is_some_and(u8::is_ascii_digit)
            && before.iter().rev().take_while(digits).count() + behind.iter().take_while(digits).count()
                >= FEWEST_DIGITS
    })
}

/// How long the quotes on each side are, with the backslashes before them: 0 if the sides differ.
fn quotes_around(before: &[u8], rest: &[u8]) -> usize {
    let Some((quote @ (b'"' | b'\''), before)) = before.split_last() else { return 0 };
    let slashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
    let same = rest.iter().take_while(|byte| **byte == b'\\').count() == slashes && rest.get(slashes) == Some(quote);
    if same { slashes + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::from_caller, *};

    const LONG: &str = "123456789012345678901234567890";

    fn by_way_of_values(text: &str) -> String {
        let value: Value = from_caller(text.as_bytes()).unwrap();
        String::from_utf8(restore_integers(serde_json::to_vec(&value).unwrap())).unwrap()
    }

    #[test]
    fn integers_beyond_every_float_are_refused() {
        for digits in [309, 310, 1_000_000] {
            let text = format!(r#"{{"x":{}}}"#, "9".repeat(digits));
            assert!(from_caller::<Value>(text.as_bytes()).is_err(), "{digits}");
        }
        let longest = format!("1{}", "0".repeat(308));
        assert_eq!(by_way_of_values(&longest), longest);
    }

    #[test]
    fn integers_beyond_64_bits_keep_their_digits() {
        for text in [
            LONG,
            "-123456789012345678901234567890",
            "18446744073709551616",
            "-9223372036854775809",
            "[18446744073709551615,-9223372036854775808,1234567890123456789]",
            r#"{"a":[{"b":123456789012345678901234567890},1],"text":"123456789012345678901234567890","c":-1}"#,
            r#"{"text":"\"123456789012345678901234567890\"","c":123456789012345678901234567890}"#,
        ] {
            assert_eq!(by_way_of_values(text), text);
        }
        assert_eq!(by_way_of_values(r#"["\ud83d",123456789012345678901234567890]"#), format!("[\"\u{fffd}\",{LONG}]"));
    }

    #[test]
    fn all_else_is_not_marked() {
        for text in [
            "18446744073709551615",
            "-9223372036854775808",
            "0.1234567890123456789012345",
            "1234567890123456789012345e3",
            r#""123456789012345678901234567890""#,
            r#"{"a\"1":"123456789012345678901234567890"}"#,
            "0000000000000000000000",
            "1.0",
            "",
        ] {
            assert_eq!(mark_integers(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_long_number_is_found_at_every_place() {
        for place in 0..60 {
            for length in [FEWEST_DIGITS - 1, FEWEST_DIGITS, 40] {
                let text = format!("{}{}{}", " ".repeat(place), "1".repeat(length), " ".repeat(60 - place));
                assert_eq!(has_long_number(text.as_bytes()), length >= FEWEST_DIGITS, "{length} digits at {place}");
            }
        }
    }

    #[test]
    fn texts_within_texts_have_numbers_again() {
        let arguments = String::from_utf8(mark_integers(format!(r#"{{"id": {LONG}}}"#).as_bytes()).unwrap()).unwrap();
        let body = json!({"inputs": arguments, "messages": [json!({"arguments": arguments}).to_string()]}).to_string();
        let restored: Value = serde_json::from_slice(&restore_integers(body.into())).unwrap();
        assert_eq!(restored["inputs"], format!(r#"{{"id": {LONG}}}"#));
        assert_eq!(restored["messages"][0], format!(r#"{{"arguments":"{{\"id\": {LONG}}}"}}"#));
        // As a template writes Python's dictionaries, and a value alone.
        for (text, expected) in [
            (format!("{{'id': '{MARK}{LONG}'}} {MARK}{LONG}"), format!("{{'id': {LONG}}} {LONG}")),
            (format!("\"{MARK}{LONG}'"), format!("\"{LONG}'")),
            (format!("\"{MARK}7\" {MARK}"), format!("\"{MARK}7\" {MARK}")),
        ] {
            assert_eq!(String::from_utf8(restore_integers(text.into())).unwrap(), expected);
        }
    }

    #[test]
    fn a_field_is_written_with_its_numbers() {
        #[derive(Serialize)]
        struct Answer {
            #[serde(serialize_with = "exact")]
            input: Value,
        }

        for text in [format!(r#"{{"input":{{"id":{LONG}}}}}"#), r#"{"input":{"id":1}}"#.to_owned()] {
            let mut value: Value = from_caller(text.as_bytes()).unwrap();
            assert_eq!(serde_json::to_string(&Answer { input: value["input"].take() }).unwrap(), text);
        }
    }

    #[test]
    fn a_field_that_must_be_a_number_gets_one() {
        let value: (f64, Value) = from_caller(format!("[{LONG},{LONG}]").as_bytes()).unwrap();
        assert_eq!(value, (1.234_567_890_123_456_8e29, json!(1.234_567_890_123_456_8e29)));
    }
}
