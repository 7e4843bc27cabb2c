//! What is asked of a value in an answer that another program wrote.
//!
//! Owns the values that are only looked at for what they are, and the error of an answer in another
//! form. Fields that nothing here names may have any value: services add some with every version.

use std::fmt;

use sagewire_types::{Error, ErrorKind};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

/// A text, whatever it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text;

/// An object, whatever is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Object;

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl Visitor<'_> for Texts {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E>(self, _: &str) -> Result<Text, E> {
                Ok(Text)
            }
        }
        deserializer.deserialize_str(Texts)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Objects;
        impl<'de> Visitor<'de> for Objects {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Object)
            }
        }
        deserializer.deserialize_map(Objects)
    }
}

/// Reads what must be there.
///
/// # Errors
/// `Decode` if it is not.
pub(crate) fn read<'a, T: Deserialize<'a>>(json: &'a [u8], what: &str) -> Result<T, Error> {
    serde_json::from_slice(json).map_err(|error| invalid(what).with_source(error))
}

/// Says that something is missing.
///
/// # Errors
/// `Decode` unless `is_there`.
pub(crate) fn demand(is_there: bool, what: &str) -> Result<(), Error> {
    if is_there { Ok(()) } else { Err(invalid(what)) }
}

fn invalid(what: &str) -> Error {
    Error::new(
        ErrorKind::Decode,
        format!("the container sent {what} that is not in the form of its API; retry the request"),
    )
}
