//! What is asked of a value in an answer that another program wrote.
//!
//! Owns the values that are only looked at for what they are, and the error of an answer in another
//! form. Fields that nothing here names may have any value: services add some with every version.

use std::{
    fmt,
    marker::PhantomData,
    ops::{Deref, Range},
};

use sagewire_types::{Error, ErrorKind};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

use crate::records::Nesting;

/// How deep an answer may be nested, which is as deep as answers of other containers are read.
/// Clients give up, or end, at some depth beyond it.
const DEEPEST: usize = 128;

/// A text of this many bytes, whatever it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text(pub(super) usize);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl Visitor<'_> for Texts {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.len()))
            }
        }
        deserializer.deserialize_str(Texts)
    }
}

/// A JSON object. serde would take a list of the fields' values for it, too.
#[derive(Debug)]
pub(super) struct ObjectOf<T>(T);

impl<T> Deref for ObjectOf<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ObjectOf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Objects<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Objects<T> {
            type Value = ObjectOf<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ObjectOf<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(ObjectOf)
            }
        }
        deserializer.deserialize_map(Objects(PhantomData))
    }
}

/// How long these texts are together.
pub(super) fn length<'a>(texts: impl IntoIterator<Item = &'a Option<Text>>) -> usize {
    texts.into_iter().flatten().map(|text| text.0).sum()
}

/// Whether a value is an object.
pub(super) fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

/// Where a text has this value of it, which must be a text itself.
///
/// # Errors
/// `Decode` if it is not.
pub(super) fn place(text: &str, value: &RawValue) -> Result<Option<Range<usize>>, Error> {
    let value = value.get();
    demand(value.starts_with('"'))?;
    let start = value.as_ptr().addr().checked_sub(text.as_ptr().addr());
    Ok(start.map(|start| start..start + value.len()))
}

/// Reads what must be there.
///
/// # Errors
/// `Decode` if it is not.
pub(super) fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<ObjectOf<T>, Error> {
    serde_json::from_str(json).map_err(|error| invalid().with_source(error))
}

/// Says that an answer, or an event, is nested too deep.
///
/// # Errors
/// `Decode` if it is.
pub(super) fn check_depth(json: &[u8]) -> Result<(), Error> {
    // Nearly every one has fewer brackets in all.
    if memchr::memchr2_iter(b'{', b'[', json).nth(DEEPEST).is_none() {
        return Ok(());
    }
    let mut nesting = Nesting::default();
    nesting.read(json.trim_ascii_start());
    demand(nesting.deepest <= DEEPEST)
}

/// Says that something is missing.
///
/// # Errors
/// `Decode` unless `is_there`.
pub(super) fn demand(is_there: bool) -> Result<(), Error> {
    if is_there { Ok(()) } else { Err(invalid()) }
}

/// A field that must be there.
///
/// # Errors
/// `Decode` if it is not.
pub(super) fn there<T>(field: &Option<T>) -> Result<&T, Error> {
    field.as_ref().ok_or_else(invalid)
}

/// The error of an answer, or of an event, in another form.
pub(super) fn invalid() -> Error {
    Error::new(ErrorKind::Decode, "the container sent an answer that is not in the form of its API; retry the request")
}

/// The value without each of its fields in turn, however deep, with the place of the missing one.
#[cfg(test)]
pub(super) fn without_each_field(value: &serde_json::Value) -> Vec<(String, serde_json::Value)> {
    use serde_json::Value;

    let mut spoiled = Vec::new();
    let mut within = |name: &str, inner: &Value| {
        for (place, inner) in without_each_field(inner) {
            let mut whole = value.clone();
            if let Some(field) = whole.pointer_mut(&format!("/{name}")) {
                *field = inner;
            }
            spoiled.push((format!("/{name}{place}"), whole));
        }
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, inner)| within(name, inner)),
        Value::Array(items) => items.iter().enumerate().for_each(|(place, inner)| within(&place.to_string(), inner)),
        _ => {}
    }
    for name in value.as_object().into_iter().flatten().map(|(name, _)| name) {
        let mut without = value.clone();
        without.as_object_mut().map(|fields| fields.remove(name));
        spoiled.push((format!("/{name}"), without));
    }
    spoiled
}
