//! Reading a JSON string into a type made from `&str`, without a copy where the input has none.
//!
//! Owns that one visitor; the types that use it own their names.

use std::{fmt, marker::PhantomData};

use serde::{Deserializer, de};

pub(crate) fn deserialize<'de, D, T, F>(deserializer: D, make: F) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    F: FnOnce(&str) -> T,
{
    deserializer.deserialize_str(TextVisitor { make, made: PhantomData })
}

struct TextVisitor<T, F> {
    make: F,
    made: PhantomData<T>,
}

impl<T, F: FnOnce(&str) -> T> de::Visitor<'_> for TextVisitor<T, F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        Ok((self.make)(text))
    }
}
