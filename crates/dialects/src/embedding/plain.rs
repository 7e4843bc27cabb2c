//! Vectors in the shapes that most containers reply: a vector for each input, and nothing beside
//! them.
//!
//! Owns reading these in one pass, as a reply of 32 vectors has hundreds of kilobytes. Every other
//! shape is `vectors`' own.

use bytes::Bytes;
use sagewire_types::NumberList;

/// What stands before the list of vectors.
const OPENINGS: [&[u8]; 4] = [b"{\"embedding\"", b"{\"embeddings\"", b"{\"vectors\"", b"{\"predictions\""];

/// The vectors of a reply that is `[[...], ...]`, or an object with nothing else in it. They share
/// the reply's memory.
pub(super) fn lists(reply: &Bytes) -> Option<Vec<NumberList>> {
    let mut cursor = Cursor { reply, at: 0 };
    let is_object = OPENINGS.iter().any(|opening| cursor.take(opening));
    if is_object {
        cursor.take_after_blanks(b':').then_some(())?;
    }
    cursor.take_after_blanks(b'[').then_some(())?;
    let mut lists = Vec::new();
    loop {
        let list = cursor.take_list()?;
        lists.push(NumberList::from_json(list).ok().filter(|list| !list.is_empty())?);
        if !cursor.take_after_blanks(b',') {
            break;
        }
    }
    let ended = cursor.take_after_blanks(b']') && (!is_object || cursor.take_after_blanks(b'}'));
    (ended && cursor.is_at_end()).then_some(lists)
}

/// A place in a reply.
struct Cursor<'a> {
    reply: &'a Bytes,
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &[u8] {
        self.reply.get(self.at..).unwrap_or_default()
    }

    /// Goes behind these bytes where they are next.
    fn take(&mut self, bytes: &[u8]) -> bool {
        let is_next = self.rest().starts_with(bytes);
        if is_next {
            self.at += bytes.len();
        }
        is_next
    }

    fn take_after_blanks(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        self.take(&[byte])
    }

    fn skip_blanks(&mut self) {
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        self.at += self.rest().iter().take_while(blank).count();
    }

    /// What begins here with `[`, up to the first `]`: a list of numbers holds no other.
    fn take_list(&mut self) -> Option<Bytes> {
        self.skip_blanks();
        let rest = self.rest();
        let length = memchr::memchr(b']', rest).filter(|_| rest.starts_with(b"["))? + 1;
        let list = self.reply.slice(self.at..self.at + length);
        self.at += length;
        Some(list)
    }

    fn is_at_end(&mut self) -> bool {
        self.skip_blanks();
        self.rest().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(reply: &'static str) -> Option<Vec<String>> {
        let lists = lists(&Bytes::from_static(reply.as_bytes()))?;
        Some(lists.iter().map(|list| String::from_utf8(list.as_bytes().to_vec()).unwrap()).collect())
    }

    #[test]
    fn a_vector_for_each_input_is_taken_as_it_stands() {
        for reply in [
            "[[0.1, 2],[-3e-05]]",
            "[ [0.1, 2] , [-3e-05] ]\n",
            r#"{"embedding":[[0.1, 2],[-3e-05]]}"#,
            "{\"vectors\" : [\n[0.1, 2],\r\n\t[-3e-05]\n]\n}\n",
            r#"{"embeddings": [[0.1, 2],[-3e-05]]}"#,
            r#"{"predictions":[[0.1, 2],[-3e-05]]}"#,
        ] {
            assert_eq!(texts(reply).unwrap(), ["[0.1, 2]", "[-3e-05]"], "{reply}");
        }
    }

    #[test]
    fn every_other_shape_is_left_to_who_reads_them_all() {
        for reply in [
            "",
            "[",
            "[]",
            "[[]]",
            "[[1],]",
            "[[1] [2]]",
            "[[1]",
            "[[1]]]",
            "[[1]],",
            "[1]",
            "[[[1]]]",
            "[[1],[null]]",
            "[[1],\"a\"]",
            "[[1.2.3]]",
            "[{\"embedding\":[1]}]",
            r#"{"embedding":[1]}"#,
            r#"{"embedding":[[1]],"model":"m"}"#,
            r#"{"embedding":[[1]]"#,
            r#"{"embedding":[[1]}"#,
            r#"{"embedding":[[1]]}}"#,
            r#"{"embedding"[[1]]}"#,
            r#"{"model":"m","embedding":[[1]]}"#,
            r#"{"data":[[1]]}"#,
        ] {
            assert_eq!(texts(reply), None, "{reply}");
        }
    }
}
