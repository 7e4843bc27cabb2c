//! Lists of numbers that stay the JSON text they came as.
//!
//! Owns telling such a list from everything else. A reply of 32 vectors has hundreds of kilobytes,
//! so that what is looked at byte by byte here is most of what such a reply costs.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::VectorError;

/// The JSON text of a list of numbers, as it came: checked to the last byte, and not parsed.
///
/// Clones share the text; so do the lists of one reply.
#[derive(Clone, PartialEq, Eq)]
pub struct NumberList(Bytes);

impl NumberList {
    /// Takes this text as it is, if it is a [JSON](https://www.rfc-editor.org/rfc/rfc8259) list of numbers and nothing else.
    ///
    /// # Errors
    /// [`VectorError::Json`] where it is not.
    pub fn from_json(text: impl Into<Bytes>) -> Result<Self, VectorError> {
        let text = text.into();
        let inside = text.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
        if !inside.is_some_and(are_usual_numbers) {
            check(&text).map_err(VectorError::Json)?;
        }
        Ok(Self(text))
    }

    /// The text, all of it ASCII: the list, and the blanks that came around it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many numbers it has.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.is_empty() { 0 } else { memchr::memchr_iter(b',', &self.0).count() + 1 }
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.0.iter().any(u8::is_ascii_digit)
    }

    /// Whether no number is too large for a 32-bit float, in which readers would see infinity.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        /// Below it no number with few digits before its exponent is too large.
        const SAFE_EXPONENT: usize = 10;
        let exponent_at = |at: usize| {
            let digits = self.0.get(at + 1..).unwrap_or_default();
            let digits = digits.strip_prefix(b"+").unwrap_or(digits);
            digits
                .iter()
                .take_while(|digit| digit.is_ascii_digit())
                .fold(0_usize, |exponent, digit| exponent.saturating_mul(10).saturating_add(usize::from(digit - b'0')))
        };
        let may_be_large = memchr::memchr2_iter(b'e', b'E', &self.0).any(|at| exponent_at(at) > SAFE_EXPONENT);
        !may_be_large || self.floats().iter().all(|number| number.is_finite())
    }

    /// The numbers. One beyond a 32-bit float's range is infinite.
    #[must_use]
    pub fn floats(&self) -> Vec<f32> {
        let text = std::str::from_utf8(&self.0).unwrap_or_default();
        // Between commas, brackets and blanks there is nothing but numbers.
        text.split(',')
            .filter_map(|item| {
                item.trim_matches(|edge: char| edge.is_ascii_whitespace() || matches!(edge, '[' | ']')).parse().ok()
            })
            .collect()
    }
}

impl fmt::Debug for NumberList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NumberList({} bytes)", self.0.len())
    }
}

/// Reads the text once more, as `serde_json` makes its raw values from nothing else;
/// [`EmbedResponse::to_json`](super::EmbedResponse::to_json) does not.
impl Serialize for NumberList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_slice(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NumberList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(Box::<RawValue>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl TryFrom<Box<RawValue>> for NumberList {
    type Error = VectorError;

    /// As [`from_json`](Self::from_json).
    fn try_from(json: Box<RawValue>) -> Result<Self, VectorError> {
        Self::from_json(String::from(Box::<str>::from(json)))
    }
}

/// Reads the list by JSON's full grammar.
fn check(text: &[u8]) -> Result<(), serde_json::Error> {
    let items: Vec<&RawValue> = serde_json::from_slice(text)?;
    let is_number = |item: &&RawValue| item.get().starts_with(|first: char| first == '-' || first.is_ascii_digit());
    if items.iter().all(is_number) {
        Ok(())
    } else {
        Err(serde::de::Error::custom("the list has values that are not numbers"))
    }
}

/// How many bytes are looked at together.
const BLOCK: usize = 64;

/// How many bytes before a byte decide whether it may stand there.
const BEHIND: usize = 3;

/// Whether this is a list's inside as containers write it: numbers with at most one digit before
/// their point, a comma between them and at most one blank behind it. What is refused here may
/// still be numbers.
fn are_usual_numbers(inside: &[u8]) -> bool {
    // As if the list went on on both sides, with numbers that are right.
    let mut edge = [b'1'; BEHIND + BLOCK];
    let mut seen = Seen::default();
    let (head, _) = inside.split_at(inside.len().min(BLOCK));
    let Some(place) = edge.get_mut(..BEHIND + head.len()) else { return false };
    let (before, copy) = place.split_at_mut(BEHIND);
    before.fill(b',');
    copy.copy_from_slice(head);
    if let Some(end) = edge.get_mut(BEHIND + head.len()) {
        *end = b',';
    }
    seen.look_at(&edge);
    // Each window begins with the last bytes of the one before.
    let mut rest = inside.get(BLOCK - BEHIND..).unwrap_or_default();
    while let Some(window) = rest.first_chunk() {
        seen.look_at(window);
        if seen.wrong {
            return false;
        }
        rest = rest.get(BLOCK..).unwrap_or_default();
    }
    if inside.len() >= BLOCK {
        edge.fill(b'1');
        let (tail, after) = edge.split_at_mut(rest.len());
        tail.copy_from_slice(rest);
        if let Some(end) = after.first_mut() {
            *end = b',';
        }
        seen.look_at(&edge);
    }
    !seen.wrong && (!seen.exponents || have_one_exponent_each(inside))
}

/// What windows of a list showed.
#[derive(Default)]
struct Seen {
    wrong: bool,
    exponents: bool,
}

impl Seen {
    /// Looks at a block behind the bytes before it. Without branches, so that the compiler can take
    /// many bytes at once.
    fn look_at(&mut self, window: &[u8; BEHIND + BLOCK]) {
        let (mut wrong, mut exponents) = (false, false);
        let [_, from_second @ ..] = window;
        let [_, from_before @ ..] = from_second;
        let [_, block @ ..] = from_before;
        for (((third, second), before), byte) in window.iter().zip(from_second).zip(from_before).zip(block) {
            let (third, second, before, byte) = (*third, *second, *before, *byte);
            let first_digit = is_between(second) | ((second == b'-') & is_between(third));
            let (exponent, behind_exponent) = (byte | 0x20 == b'e', before | 0x20 == b'e');
            // No other digit follows a number's first zero.
            let right = (is_digit(byte) & !(first_digit & (before == b'0')))
                | ((byte == b'-') & (is_between(before) | behind_exponent))
                | ((byte == b'.') & is_digit(before) & first_digit)
                | ((exponent | (byte == b',')) & is_digit(before))
                | ((byte == b'+') & behind_exponent)
                | ((byte == b' ') & (before == b','));
            wrong |= !right;
            exponents |= exponent;
        }
        self.wrong |= wrong;
        self.exponents |= exponents;
    }
}

fn is_digit(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10
}

fn is_between(byte: u8) -> bool {
    (byte == b',') | (byte == b' ')
}

/// Whether no number has a second exponent: all else about them has been seen.
fn have_one_exponent_each(inside: &[u8]) -> bool {
    let mut since_last: Option<usize> = None;
    memchr::memchr2_iter(b'e', b'E', inside).all(|at| {
        let from = since_last.replace(at);
        from.is_none_or(|from| inside.get(from..at).is_some_and(|between| memchr::memchr(b',', between).is_some()))
    })
}

#[cfg(test)]
mod tests;
