//! A frame's headers.
//!
//! Owns where one ends and the next begins, and which bytes are none. What a header means is the
//! reader's.
//!
//! <https://smithy.io/2.0/aws/amazon-eventstream.html>

/// A boolean's two types have no value behind them, the others one of this length.
const TYPE_LENGTHS: [(u8, usize); 8] = [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16)];
/// Bytes and texts begin with their length.
const BYTES: u8 = 6;
const TEXT: u8 = 7;

/// One header, still in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    pub(crate) name: &'a str,
    /// The value's type: 7 is a text.
    pub(crate) kind: u8,
    /// The value's bytes, without their length.
    pub(crate) value: &'a [u8],
}

impl<'a> Header<'a> {
    /// The value, where it is a text.
    pub(crate) fn text(&self) -> Option<&'a str> {
        if self.kind == TEXT { std::str::from_utf8(self.value).ok() } else { None }
    }

    /// The header at the beginning, which is then taken away; `None` where the bytes are no header.
    fn take(bytes: &mut &'a [u8]) -> Option<Self> {
        let name = take_counted(bytes, 1)?;
        let name = std::str::from_utf8(name).ok()?;
        let (&kind, rest) = bytes.split_first()?;
        *bytes = rest;
        let value = match kind {
            BYTES | TEXT => take_counted(bytes, 2)?,
            _ => {
                let length = TYPE_LENGTHS.iter().find(|(known, _)| *known == kind)?.1;
                take(bytes, length)?
            }
        };
        let header = Self { name, kind, value };
        // A text is one.
        (kind != TEXT || header.text().is_some()).then_some(header)
    }
}

/// All headers, in their order; `None` where the bytes are no headers.
pub(super) fn read(mut bytes: &[u8]) -> Option<Vec<Header<'_>>> {
    let mut headers = Vec::new();
    while !bytes.is_empty() {
        headers.push(Header::take(&mut bytes)?);
    }
    Some(headers)
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// As many bytes as the `width` bytes before them say.
fn take_counted<'a>(bytes: &mut &'a [u8], width: usize) -> Option<&'a [u8]> {
    let length = take(bytes, width)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    take(bytes, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_length() {
        let mut bytes = Vec::new();
        let values: [(u8, &[u8]); 10] = [
            (0, b""),
            (1, b""),
            (2, b"1"),
            (3, b"12"),
            (4, b"1234"),
            (5, b"12345678"),
            (6, b"\0\x03abc"),
            (7, b"\0\x02\xc3\xa9"),
            (8, b"12345678"),
            (9, b"1234567890123456"),
        ];
        for (kind, value) in values {
            bytes.extend([1, b'a' + kind, kind]);
            bytes.extend(value);
        }
        let headers = read(&bytes).unwrap();
        assert_eq!(headers.iter().map(|header| header.kind).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        let texts: Vec<_> = headers.iter().filter_map(Header::text).collect();
        assert_eq!((texts, headers[6].value, headers[9].value.len()), (vec!["é"], &b"abc"[..], 16));
        // Cut between two headers it is fewer; cut anywhere else it is none.
        let ends: Vec<usize> = headers
            .iter()
            .map(|header| header.value.as_ptr() as usize + header.value.len() - bytes.as_ptr() as usize)
            .collect();
        for at in 1..bytes.len() {
            assert_eq!(read(&bytes[..at]).is_some(), ends.contains(&at), "cut at {at}");
        }
    }

    #[test]
    fn what_is_no_header_is_none() {
        let none: [&[u8]; 6] = [
            b"\x01",
            b"\x02a\x00",
            // A name that is no text, an unknown type, a text that is none, a length beyond the end.
            b"\x01\xff\x00",
            b"\x01a\x0a",
            b"\x01a\x07\x00\x01\xff",
            b"\x01a\x06\x00\x02b",
        ];
        for bytes in none {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
        assert_eq!(read(b""), Some(Vec::new()));
    }
}
