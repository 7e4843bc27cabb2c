//! Whole numbers of requests, which some programs write as `1024.0`.
//!
//! Owns the rule that such a number is the integer, and that every other float is refused.

use std::{any::type_name, fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, de};

/// A whole number.
pub(crate) struct Whole<T>(pub(crate) T);

/// Reads an optional field: a whole number or null.
pub(crate) fn optional<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: TryFrom<u64> + TryFrom<i64>,
    D: Deserializer<'de>,
{
    Ok(Option::<Whole<T>>::deserialize(deserializer)?.map(|Whole(number)| number))
}

impl<'de, T: TryFrom<u64> + TryFrom<i64>> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor(PhantomData))
    }
}

struct WholeVisitor<T>(PhantomData<T>);

impl<T: TryFrom<u64> + TryFrom<i64>> de::Visitor<'_> for WholeVisitor<T> {
    type Value = Whole<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(type_name::<T>())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        let whole = T::try_from(number).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))?;
        Ok(Whole(whole))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        let whole = T::try_from(number).map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))?;
        Ok(Whole(whole))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        // Beyond this a float does not say which integer is meant.
        const LARGEST: f64 = 9_007_199_254_740_992.0;
        if number.fract() != 0.0 || number.abs() > LARGEST {
            return Err(E::invalid_type(de::Unexpected::Float(number), &self));
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
        self.visit_i64(number as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_floats_are_integers_and_all_else_is_refused() {
        let read = |json| serde_json::from_str::<Whole<u64>>(json).map(|Whole(number)| number);
        assert_eq!((read("1024.0").unwrap(), read("1.024e3").unwrap(), read("7").unwrap()), (1024, 1024, 7));
        for (json, reason) in [
            ("1024.5", "floating point `1024.5`, expected u64"),
            ("-1", "integer `-1`, expected u64"),
            ("-1.0", "integer `-1`, expected u64"),
            ("1e300", "expected u64"),
            ("\"1024\"", "string \"1024\", expected u64"),
            ("true", "expected u64"),
            ("[1]", "expected u64"),
        ] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains(reason), "{json}: {error}");
        }
        assert_eq!(serde_json::from_str::<Whole<i64>>("-3.0").map(|Whole(number)| number).unwrap(), -3);
    }
}
