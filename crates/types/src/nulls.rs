//! The fields that a caller wrote as null.
//!
//! Owns what is remembered of them: a request arrives as it was written, and a chat template may
//! tell a null from a field that is not there.

use serde::{Serialize, ser::SerializeMap};

/// Which of an object's optional fields were null, by their places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nulls(u8);

impl Nulls {
    /// Of the fields, in their order, whether each was null.
    pub(crate) fn of<const N: usize>(are_null: [bool; N]) -> Self {
        Self(are_null.iter().rev().fold(0, |nulls, is_null| nulls << 1 | u8::from(*is_null)))
    }

    /// Writes the field at this place: its value, null if it was null and has got no value since,
    /// or nothing.
    pub(crate) fn write<M: SerializeMap>(
        self,
        map: &mut M,
        place: u8,
        name: &str,
        value: Option<&impl Serialize>,
    ) -> Result<(), M::Error> {
        if value.is_some() || self.0 >> place & 1 == 1 { map.serialize_entry(name, &value) } else { Ok(()) }
    }
}
