//! One text or several, as text or as token ids: what completions and embeddings are made of.
//!
//! Owns the reading of these four forms, with an error that says what was expected; and of the
//! lists of objects and of lists of texts that some embedding models take.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::whole::Whole;

/// The four forms of OpenAI's `prompt` and `input`, and any other list.
pub(crate) enum TextsOrTokens {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u32>),
    TokenLists(Vec<Vec<u32>>),
    Others(Vec<Value>),
}

impl<'de> Deserialize<'de> for TextsOrTokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FormVisitor)
    }
}

struct FormVisitor;

impl<'de> de::Visitor<'de> for FormVisitor {
    type Value = TextsOrTokens;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a list of strings, a list of token ids, or a list of such lists")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TextsOrTokens, E> {
        Ok(TextsOrTokens::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<TextsOrTokens, E> {
        Ok(TextsOrTokens::Text(text))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<TextsOrTokens, A::Error> {
        let Some(first) = list.next_element::<Item>()? else { return Ok(TextsOrTokens::Texts(Vec::new())) };
        Ok(match first {
            Item::Text(text) => TextsOrTokens::Texts(rest(text, list)?),
            Item::Token(token) => {
                let tokens = rest(Whole(token), list)?;
                TextsOrTokens::Tokens(tokens.into_iter().map(|Whole(token)| token).collect())
            }
            Item::Other(value) => TextsOrTokens::Others(rest(value, list)?),
            Item::Tokens(tokens) => {
                let lists = rest(tokens.into_iter().map(Whole).collect::<Vec<_>>(), list)?;
                let plain = |list: Vec<Whole<u32>>| list.into_iter().map(|Whole(token)| token).collect();
                TextsOrTokens::TokenLists(lists.into_iter().map(plain).collect())
            }
        })
    }
}

/// The whole list, whose further items are of the first one's type.
fn rest<'de, T: Deserialize<'de>, A: de::SeqAccess<'de>>(first: T, mut list: A) -> Result<Vec<T>, A::Error> {
    let mut items = vec![first];
    while let Some(item) = list.next_element()? {
        items.push(item);
    }
    Ok(items)
}

/// The first item of a list.
enum Item {
    Text(String),
    Token(u32),
    Tokens(Vec<u32>),
    /// An object, or a list of texts.
    Other(Value),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> de::Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a token id, or a list of token ids")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Item, E> {
        Ok(Item::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Item, E> {
        Ok(Item::Text(text))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Item, E> {
        let number = number.try_into().map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))?;
        Ok(Item::Token(number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Item, E> {
        let Whole(token) = Whole::<u32>::deserialize(de::value::F64Deserializer::new(number))?;
        Ok(Item::Token(token))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Item, A::Error> {
        let first = match list.next_element::<TextOrToken>()? {
            None => return Ok(Item::Tokens(Vec::new())),
            Some(TextOrToken::Text(text)) => {
                let texts = rest(text, list)?;
                return Ok(Item::Other(texts.into()));
            }
            Some(TextOrToken::Token(token)) => token,
        };
        let tokens = rest(Whole(first), list)?;
        Ok(Item::Tokens(tokens.into_iter().map(|Whole(token)| token).collect()))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Item, A::Error> {
        serde_json::Map::deserialize(de::value::MapAccessDeserializer::new(map)).map(|map| Item::Other(map.into()))
    }
}

/// The first item of a list in a list.
enum TextOrToken {
    Text(String),
    Token(u32),
}

impl<'de> Deserialize<'de> for TextOrToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Item::deserialize(deserializer)? {
            Item::Text(text) => Ok(Self::Text(text)),
            Item::Token(token) => Ok(Self::Token(token)),
            Item::Tokens(_) | Item::Other(_) => Err(de::Error::custom("expected a text or a token id")),
        }
    }
}

/// Conversions into a type of these four forms. Lists of texts are of any kind that a program has.
macro_rules! inputs {
    ($input:ident) => {
        impl From<String> for $input {
            fn from(text: String) -> Self {
                Self::Text(text)
            }
        }

        impl From<&String> for $input {
            fn from(text: &String) -> Self {
                Self::Text(text.clone())
            }
        }

        impl From<&str> for $input {
            fn from(text: &str) -> Self {
                Self::Text(text.to_owned())
            }
        }

        impl<T: $crate::texts_or_tokens::Text> From<Vec<T>> for $input {
            fn from(texts: Vec<T>) -> Self {
                Self::Texts(texts.into_iter().map(Into::into).collect())
            }
        }

        impl<T: $crate::texts_or_tokens::Text, const N: usize> From<[T; N]> for $input {
            fn from(texts: [T; N]) -> Self {
                Self::Texts(texts.into_iter().map(Into::into).collect())
            }
        }

        impl<T: $crate::texts_or_tokens::Text + Clone> From<&Vec<T>> for $input {
            fn from(texts: &Vec<T>) -> Self {
                Self::from(texts.as_slice())
            }
        }

        impl<T: $crate::texts_or_tokens::Text + Clone> From<&[T]> for $input {
            fn from(texts: &[T]) -> Self {
                Self::Texts(texts.iter().cloned().map(Into::into).collect())
            }
        }

        impl<T: $crate::texts_or_tokens::Text + Clone, const N: usize> From<&[T; N]> for $input {
            fn from(texts: &[T; N]) -> Self {
                Self::from(texts.as_slice())
            }
        }

        impl<T: Into<String>> FromIterator<T> for $input {
            fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
                Self::Texts(texts.into_iter().map(Into::into).collect())
            }
        }

        impl From<Vec<u32>> for $input {
            fn from(tokens: Vec<u32>) -> Self {
                Self::Tokens(tokens)
            }
        }

        impl From<Vec<Vec<u32>>> for $input {
            fn from(lists: Vec<Vec<u32>>) -> Self {
                Self::TokenLists(lists)
            }
        }
    };
}

pub(crate) use inputs;

/// An item of a list of texts.
pub trait Text: Into<String> {}

impl Text for String {}
impl Text for &String {}
impl Text for &str {}
impl Text for std::borrow::Cow<'_, str> {}
impl Text for Box<str> {}

#[cfg(test)]
mod tests {
    use crate::{EmbedInput, Prompt};

    #[test]
    fn each_form_is_read_and_whole_floats_are_token_ids() {
        for (json, input) in [
            (r#""a""#, EmbedInput::Text("a".to_owned())),
            (r#"["a","b"]"#, EmbedInput::from(["a", "b"])),
            ("[]", EmbedInput::Texts(Vec::new())),
            ("[1,2.0]", EmbedInput::Tokens(vec![1, 2])),
            ("[1.0]", EmbedInput::Tokens(vec![1])),
            ("[[1],[2.0,3],[]]", EmbedInput::TokenLists(vec![vec![1], vec![2, 3], vec![]])),
        ] {
            assert_eq!(serde_json::from_str::<EmbedInput>(json).unwrap(), input, "{json}");
        }
        assert_eq!(serde_json::from_str::<Prompt>("[[7.0]]").unwrap(), Prompt::TokenLists(vec![vec![7]]));
        for json in [r#"[["a","b"],["c"]]"#, r#"[{"content":[]},{"text":"a"}]"#] {
            let serde_json::Value::Array(items) = serde_json::from_str(json).unwrap() else { panic!("{json}") };
            assert_eq!(serde_json::from_str::<EmbedInput>(json).unwrap(), EmbedInput::Others(items));
            let error = serde_json::from_str::<Prompt>(json).unwrap_err().to_string();
            assert!(error.contains("expected a string, a list of strings"), "{error}");
        }
    }

    #[test]
    fn an_error_names_what_was_expected() {
        for (json, reason) in [
            (r#"{"a":1}"#, "expected a string, a list of strings"),
            ("7", "expected a string, a list of strings"),
            (r#"["a",1]"#, "expected a string"),
            ("[1,\"a\"]", "expected u32"),
            ("[1.5]", "expected u32"),
            ("[-1]", "expected a string, a token id"),
            ("[[\"a\",1]]", "expected a string"),
            ("[[1,\"a\"]]", "expected u32"),
            ("[[[1]]]", "expected a text or a token id"),
        ] {
            let error = serde_json::from_str::<EmbedInput>(json).unwrap_err().to_string();
            assert!(error.contains(reason), "{json}: {error}");
        }
    }
}
