//! The XML of STS's answers: texts by the path of their element. This is not a general reader:
//! attributes and namespaces are ignored.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

use crate::secret::Secret;

/// The deepest nesting that is read. STS's answers have less.
const MAX_DEPTH: usize = 16;

/// An answer that is not the expected XML. The text is not quoted, since it may contain keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum XmlError {
    #[error("the answer is not UTF-8")]
    NotUtf8,
    #[error("the answer is not well-formed XML (at byte {0})")]
    Malformed(u64),
    #[error("the answer ends before its XML does")]
    Truncated,
    #[error("missing element `{0}` in the answer")]
    Missing(&'static str),
}

/// The texts of a document's elements, in document order.
#[derive(Debug)]
pub(crate) struct Document(Vec<(String, Secret)>);

impl Document {
    /// Reads a whole document.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, XmlError> {
        let text = std::str::from_utf8(bytes).map_err(|_| XmlError::NotUtf8)?;
        let mut reader = Reader::from_str(text);
        let mut open: Vec<(String, String)> = Vec::new();
        let mut texts = Vec::new();
        let mut elements: usize = 0;
        loop {
            let event = reader.read_event().map_err(|_| XmlError::Malformed(reader.error_position()))?;
            let malformed = || XmlError::Malformed(reader.buffer_position());
            match event {
                Event::Start(start) => {
                    let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
                    if open.len() >= MAX_DEPTH {
                        return Err(malformed());
                    }
                    elements += 1;
                    let path = match open.last() {
                        Some((parent, _)) => format!("{parent}/{name}"),
                        None => name,
                    };
                    open.push((path, String::new()));
                }
                Event::End(_) => {
                    let (path, text) = open.pop().ok_or_else(malformed)?;
                    texts.push((path, Secret::new(text)));
                }
                Event::Text(piece) => append(&mut open, &piece.decode().map_err(|_| malformed())?),
                Event::CData(piece) => append(&mut open, &piece.decode().map_err(|_| malformed())?),
                Event::GeneralRef(reference) => match reference.resolve_char_ref().map_err(|_| malformed())? {
                    Some(character) => append(&mut open, character.encode_utf8(&mut [0; 4])),
                    None => {
                        let name = reference.decode().map_err(|_| malformed())?;
                        append(&mut open, resolve_predefined_entity(&name).ok_or_else(malformed)?);
                    }
                },
                Event::Eof => break,
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                // A document could define entities that grow without end, and STS defines none.
                Event::DocType(_) => return Err(malformed()),
            }
        }
        if open.is_empty() && elements > 0 { Ok(Self(texts)) } else { Err(XmlError::Truncated) }
    }

    /// The trimmed text of the first element whose path ends with `path`, unless it is blank.
    pub(crate) fn find(&self, path: &str) -> Option<&str> {
        let ends_with = |whole: &str| match whole.strip_suffix(path) {
            Some(before) => before.is_empty() || before.ends_with('/'),
            None => false,
        };
        let text = self.0.iter().find(|(whole, _)| ends_with(whole)).map(|(_, text)| text.expose().trim())?;
        (!text.is_empty()).then_some(text)
    }

    /// The same text, whose absence is an error.
    pub(crate) fn require(&self, path: &'static str) -> Result<&str, XmlError> {
        self.find(path).ok_or(XmlError::Missing(path))
    }
}

fn append(open: &mut [(String, String)], piece: &str) {
    if let Some((_, text)) = open.last_mut() {
        text.push_str(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::{Document, XmlError};

    #[test]
    fn finds_texts_by_the_end_of_their_path() {
        let xml = br#"<?xml version="1.0"?><A xmlns="u"><B><C> a&amp;b&#x41;<![CDATA[<c>]]> </C></B><D/><E> </E><!-- x --></A>"#;
        let document = Document::parse(xml).unwrap();
        assert_eq!(document.find("B/C"), Some("a&bA<c>"));
        assert_eq!(document.find("C"), document.find("A/B/C"));
        assert_eq!(document.find("D"), None);
        assert_eq!(document.require("E"), Err(XmlError::Missing("E")));
        assert!(!format!("{document:?}").contains("a&bA"));
    }

    #[test]
    fn a_slash_matters() {
        assert_eq!(Document::parse(b"<XC>1</XC>").unwrap().find("C"), None);
    }

    #[test]
    fn refuses_what_is_not_whole_and_well_formed() {
        let deep = format!("{}{}", "<a>".repeat(17), "</a>".repeat(17));
        for xml in ["", "plain", "<a>", "<a><b></a>", "<a>&unknown;</a>", "<a", "</a>", "<!DOCTYPE a><a></a>", &deep] {
            assert!(Document::parse(xml.as_bytes()).is_err(), "{xml}");
        }
        assert_eq!(Document::parse(b"<a>\xff</a>").unwrap_err(), XmlError::NotUtf8);
    }
}
