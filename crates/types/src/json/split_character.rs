//! A character that a container cuts between two pieces of a text.
//!
//! Owns the marks of its halves, and joining them. Cuts inside the bytes of a character are the
//! records' to wait out.

/// Joins the halves of characters that were cut between the pieces of one text.
#[derive(Clone, Debug, Default)]
pub struct HalfJoiner {
    /// The first half of a character.
    held: Option<u32>,
}

impl HalfJoiner {
    /// Whether a first half waits for its second one.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.held.is_some()
    }

    /// The next piece without marks: two halves are their character, a half alone is U+FFFD. A
    /// first half at the end waits for the next piece.
    #[must_use]
    pub fn push(&mut self, piece: &str) -> String {
        let mut text = String::with_capacity(piece.len());
        for character in piece.chars() {
            match (self.held, half(character)) {
                (Some(first), Some(second @ 0xDC00..=0xDFFF)) => {
                    self.held = None;
                    let joined = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                    text.push(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                (_, half) => {
                    text.extend(self.finish());
                    match half {
                        Some(first @ 0xD800..=0xDBFF) => self.held = Some(first),
                        Some(_) => text.push(char::REPLACEMENT_CHARACTER),
                        None => text.push(character),
                    }
                }
            }
        }
        text
    }

    /// What is left of a first half that nothing followed.
    #[must_use]
    pub fn finish(&mut self) -> Option<char> {
        self.held.take().map(|_| char::REPLACEMENT_CHARACTER)
    }
}

/// The marks of halves: the last 2,048 characters of Unicode, for private use.
pub(super) const FIRST_MARK: u32 = 0x0010_F800;

/// How their UTF-8 begins, and that of 2,048 others.
pub(super) const MARK_PREFIX: &[u8] = b"\xF4\x8F";

fn half(character: char) -> Option<u32> {
    u32::from(character).checked_sub(FIRST_MARK).map(|place| 0xD800 + place)
}

#[cfg(test)]
mod tests {
    use crate::json::mark_halves;

    use super::*;

    #[test]
    fn halves_in_neighbouring_pieces_are_joined() {
        let joined = |pieces: &[&str]| {
            let mut joiner = HalfJoiner::default();
            let mut text = String::new();
            for piece in pieces {
                let json = format!("\"{piece}\"");
                let marked = mark_halves(json.as_bytes()).unwrap_or_else(|| json.clone().into_bytes());
                text.push_str(&joiner.push(&serde_json::from_slice::<String>(&marked).unwrap()));
            }
            text.extend(joiner.finish());
            text
        };
        assert_eq!(joined(&[r"a\ud83d", r"\ude00b"]), "a😀b");
        assert_eq!(joined(&[r"\ud83d", "", r"\ude00"]), "😀");
        assert_eq!(joined(&[r"\ud83d", "x", r"\ude00"]), "\u{fffd}x\u{fffd}");
        assert_eq!(joined(&[r"\ud83d", r"\ud83d", r"\ude00"]), "\u{fffd}😀");
        assert_eq!(joined(&["a", r"\ud83d"]), "a\u{fffd}");
    }
}
