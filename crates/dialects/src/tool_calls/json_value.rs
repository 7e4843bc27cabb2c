//! Where a JSON value ends, in a text that comes in pieces.

/// One value, whose first byte has been read.
#[derive(Debug)]
pub(super) struct JsonValue {
    kind: Kind,
    /// Lists and objects that are open.
    depth: u32,
    in_string: bool,
    is_escaped: bool,
}

/// What kind of value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Container,
    Text,
    /// A number or a word.
    Plain,
}

/// What a byte is to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Within,
    /// The value ends with this byte.
    Last,
    /// The value ended before this byte.
    Behind,
    /// No value has this byte here.
    Broken,
}

impl JsonValue {
    /// The value that begins with this byte.
    pub(super) fn begin(byte: u8) -> Option<Self> {
        let kind = match byte {
            b'{' | b'[' => Kind::Container,
            b'"' => Kind::Text,
            b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => Kind::Plain,
            _ => return None,
        };
        let depth = u32::from(kind == Kind::Container);
        Some(Self { kind, depth, in_string: kind == Kind::Text, is_escaped: false })
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Reads the next byte. What is within strings is not looked at; outside of them, a byte that
    /// JSON does not have breaks the value.
    pub(super) fn read(&mut self, byte: u8) -> Place {
        if self.in_string {
            return self.read_in_string(byte);
        }
        match byte {
            b'"' if self.kind == Kind::Container => {
                self.in_string = true;
                Place::Within
            }
            b'{' | b'[' if self.kind == Kind::Container => {
                self.depth = self.depth.saturating_add(1);
                Place::Within
            }
            b'}' | b']' if self.kind == Kind::Container => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 { Place::Last } else { Place::Within }
            }
            b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n' if self.kind == Kind::Plain => Place::Behind,
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' if self.kind == Kind::Container => Place::Within,
            b'+' | b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => Place::Within,
            _ => Place::Broken,
        }
    }

    fn read_in_string(&mut self, byte: u8) -> Place {
        if self.is_escaped {
            self.is_escaped = false;
            return Place::Within;
        }
        match byte {
            b'\\' => self.is_escaped = true,
            b'"' => {
                self.in_string = false;
                if self.kind == Kind::Text {
                    return Place::Last;
                }
            }
            _ => {}
        }
        Place::Within
    }
}

/// Whether a byte is one of JSON's blanks.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value at the beginning of a text, if it is whole.
    fn value(text: &str) -> Option<&str> {
        let mut value = JsonValue::begin(*text.as_bytes().first()?)?;
        for (at, byte) in text.bytes().enumerate().skip(1) {
            match value.read(byte) {
                Place::Within => {}
                Place::Last => return text.get(..=at),
                Place::Behind => return text.get(..at),
                Place::Broken => return None,
            }
        }
        None
    }

    #[test]
    fn a_value_ends_where_its_brackets_and_quotes_do() {
        assert_eq!(value(r#"{"a": [1, "}\"]"]} x"#), Some(r#"{"a": [1, "}\"]"]}"#));
        assert_eq!(value(r#""a\\" }"#), Some(r#""a\\""#));
        assert_eq!(value("-1.5e+3,"), Some("-1.5e+3"));
        assert_eq!(value("true}"), Some("true"));
        assert_eq!(value(r#"{"a": <b>}"#), None);
        assert_eq!(value("{"), None);
        assert_eq!(value("<"), None);
    }
}
