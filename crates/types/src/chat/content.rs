//! What a message says: plain text, or parts of text, images, audio and files.
//!
//! Owns the two forms of OpenAI's `content`; it does not fetch or decode what a part points to.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value, json};

/// The content of a message: one text, or a list of parts.
///
/// <https://platform.openai.com/docs/api-reference/chat/create#chat_create-messages>
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Parts in the order the model sees them.
    Parts(Vec<ContentPart>),
}

impl Content {
    /// The text of all text parts, joined with nothing between them; parts of other types have no
    /// text.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Parts(parts) => match parts.as_slice() {
                [only] => Cow::Borrowed(only.text.as_deref().unwrap_or_default()),
                parts => parts.iter().filter_map(|part| part.text.as_deref()).collect(),
            },
        }
    }

    /// The type of the first part that is no text (`image_url`, `input_audio`, ...), if there is
    /// one.
    #[must_use]
    pub fn first_non_text(&self) -> Option<&str> {
        match self {
            Self::Text(_) => None,
            Self::Parts(parts) => parts.iter().find(|part| part.kind != "text").map(|part| part.kind.as_str()),
        }
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<ContentPart>> for Content {
    fn from(parts: Vec<ContentPart>) -> Self {
        Self::Parts(parts)
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Parts(parts) => parts.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> de::Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of content parts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Content, E> {
        Ok(Content::Text(text))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
        let mut parts = Vec::with_capacity(seq.size_hint().unwrap_or(1).min(64));
        while let Some(part) = seq.next_element()? {
            parts.push(part);
        }
        Ok(Content::Parts(parts))
    }
}

/// One part of a message's content. Its fields beyond `type` and `text` are kept as they came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ContentPart {
    /// `text`, `image_url`, `input_audio`, `file`, or what a container adds.
    #[serde(rename = "type")]
    pub kind: String,
    /// The text of a text part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Everything else, in its order: `image_url`, `input_audio`, ...
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ContentPart {
    /// A part of plain text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { kind: "text".to_owned(), text: Some(text.into()), extra: Map::new() }
    }

    /// An image by its URL, which may be a `data:` URL.
    #[must_use]
    pub fn image_url(url: impl Into<String>) -> Self {
        let mut extra = Map::new();
        extra.insert("image_url".to_owned(), json!({ "url": url.into() }));
        Self { kind: "image_url".to_owned(), text: None, extra }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_survive_a_round_trip() {
        for json in [
            r#""plain""#,
            r#"[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:,x","detail":"low"}}]"#,
            r#"[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]"#,
        ] {
            let content: Content = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&content).unwrap(), json);
        }
    }

    #[test]
    fn text_is_that_of_the_text_parts_alone() {
        let content = Content::from(vec![
            ContentPart::text("one "),
            ContentPart::image_url("https://example.com/x.png"),
            ContentPart::text("two"),
        ]);
        assert_eq!(content.text(), "one two");
        assert_eq!(content.first_non_text(), Some("image_url"));
    }

    #[test]
    fn a_number_is_refused_by_name() {
        let error = serde_json::from_str::<Content>("7").unwrap_err().to_string();
        assert!(error.contains("a string or a list of content parts"), "{error}");
    }
}
