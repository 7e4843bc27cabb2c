//! Reading what nothing depends on: ids, names, counts, indexes, roles and reasons.
//!
//! Owns the one rule for such fields: null, an empty text or another type counts as missing; a
//! whole float and a text of digits are numbers. None of these fields can fail an answer.

use std::{fmt, marker::PhantomData, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny},
};

/// A value that is missing if it is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lenient<T>(pub Option<T>);

/// What can be read from a single JSON value.
pub trait Scalar: Sized {
    /// From a text that is not empty.
    #[must_use]
    fn from_text(text: &str) -> Option<Self>;

    /// From true or false.
    #[must_use]
    fn from_flag(_: bool) -> Option<Self> {
        None
    }

    /// From a whole number of 0 or more.
    #[must_use]
    fn from_count(_: u64) -> Option<Self> {
        None
    }
}

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Lenient<T> {
    /// The value of a field that may not be there at all.
    pub fn of(field: Option<Self>) -> Option<T> {
        field.and_then(|Self(value)| value)
    }
}

impl Scalar for u64 {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().or_else(|| whole(text.parse().ok()?))
    }

    fn from_count(count: u64) -> Option<Self> {
        Some(count)
    }
}

impl Scalar for bool {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn from_flag(flag: bool) -> Option<Self> {
        Some(flag)
    }
}

impl Scalar for u16 {
    fn from_text(text: &str) -> Option<Self> {
        Self::from_count(u64::from_text(text)?)
    }

    fn from_count(count: u64) -> Option<Self> {
        count.try_into().ok()
    }
}

impl Scalar for u32 {
    fn from_text(text: &str) -> Option<Self> {
        Self::from_count(u64::from_text(text)?)
    }

    fn from_count(count: u64) -> Option<Self> {
        count.try_into().ok()
    }
}

impl Scalar for String {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn from_count(count: u64) -> Option<Self> {
        Some(count.to_string())
    }
}

impl Scalar for Arc<str> {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.into())
    }

    fn from_count(count: u64) -> Option<Self> {
        Some(count.to_string().into())
    }
}

/// The number that a float stands for: a whole one, or the whole part of one that has seconds and
/// their parts.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the range is checked"
)]
fn whole(number: f64) -> Option<u64> {
    (number >= 0.0 && number < u64::MAX as f64).then_some(number as u64)
}

impl<'de, T: Scalar> Deserialize<'de> for Lenient<T> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LenientVisitor(PhantomData))
    }
}

struct LenientVisitor<T>(PhantomData<T>);

impl<'de, T: Scalar> de::Visitor<'de> for LenientVisitor<T> {
    type Value = Lenient<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Lenient(Some(text).filter(|text| !text.is_empty()).and_then(T::from_text)))
    }

    fn visit_u64<E: de::Error>(self, count: u64) -> Result<Self::Value, E> {
        Ok(Lenient(T::from_count(count)))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Lenient(u64::try_from(number).ok().and_then(T::from_count)))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Lenient(whole(number).and_then(T::from_count)))
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Lenient(T::from_flag(flag)))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Lenient(None))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Lenient(None))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Lenient(None))
    }
}

/// An object that is missing if the value is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object<T>(pub Option<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(de::value::MapAccessDeserializer::new(map)).map(|object| Object(Some(object)))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Object(None))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Object(None))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Object(None))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Object(None))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Object(None))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Object(None))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Object(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Scalar>(json: &str) -> Option<T> {
        serde_json::from_str::<Lenient<T>>(json).unwrap().0
    }

    #[test]
    fn counts_are_read_from_every_form_of_a_number() {
        for (json, expected) in [
            ("12", Some(12)),
            ("12.0", Some(12)),
            ("1700000000.75", Some(1_700_000_000)),
            ("\"12\"", Some(12)),
            ("\"12.0\"", Some(12)),
            ("-1", None),
            ("-1.5", None),
            ("1e300", None),
            ("\"\"", None),
            ("\"many\"", None),
            ("null", None),
            ("true", None),
            ("[1,{\"a\":[]}]", None),
            ("{\"a\":{\"b\":1}}", None),
        ] {
            assert_eq!(read::<u64>(json), expected, "{json}");
        }
        assert_eq!((read::<u32>("4294967295"), read::<u32>("4294967296")), (Some(u32::MAX), None));
    }

    #[test]
    fn names_are_texts_that_say_something_or_numbers() {
        for (json, expected) in [
            ("\"a\"", Some("a")),
            ("7", Some("7")),
            ("\"\"", None),
            ("null", None),
            ("false", None),
            ("[]", None),
            ("{}", None),
        ] {
            assert_eq!(read::<String>(json).as_deref(), expected, "{json}");
            assert_eq!(read::<Arc<str>>(json).as_deref(), expected, "{json}");
        }
    }
}
