//! Mean pooling of the vectors of tokens, and the first dimensions of a vector.
//!
//! Owns the arithmetic alone. Numbers that need none of it are never parsed.

use serde::{
    Deserializer,
    de::{self, DeserializeSeed, SeqAccess, Visitor},
};

/// The first numbers of a vector, as long again as a vector of length 1.
///
/// That is what models with nested ("Matryoshka") representations are made for, and what OpenAI
/// does with `dimensions`.
pub(super) fn cut(mut floats: Vec<f32>, dimensions: usize) -> Vec<f32> {
    floats.truncate(dimensions);
    let length = floats.iter().map(|float| f64::from(*float) * f64::from(*float)).sum::<f64>().sqrt();
    if length > 0.0 {
        for float in &mut floats {
            *float = narrow(f64::from(*float) / length);
        }
    }
    floats
}

/// The mean of the rows of this JSON list of lists of numbers; `None` where the rows are not of one
/// length.
pub(super) fn mean(json: &str) -> Option<Vec<f32>> {
    let mut mean = Mean::default();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    (&mut mean).deserialize(&mut deserializer).ok()?;
    if mean.rows == 0.0 || mean.sum.is_empty() {
        return None;
    }
    Some(mean.sum.iter().map(|sum| narrow(sum / mean.rows)).collect())
}

#[expect(clippy::cast_possible_truncation, reason = "embeddings are 32-bit floats on the wire")]
fn narrow(number: f64) -> f32 {
    number as f32
}

/// Sums of the rows read so far: numbers go from the text into these sums.
#[derive(Debug, Default)]
struct Mean {
    sum: Vec<f64>,
    rows: f64,
}

impl<'de> DeserializeSeed<'de> for &mut Mean {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut Mean {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of vectors of one length")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while rows.next_element_seed(FloatRow(self))?.is_some() {}
        Ok(())
    }
}

struct FloatRow<'a>(&'a mut Mean);

impl<'de> DeserializeSeed<'de> for FloatRow<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for FloatRow<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of numbers as long as the others")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<(), A::Error> {
        let Self(Mean { sum, rows }) = self;
        let mut place = 0;
        while let Some(number) = numbers.next_element::<f64>()? {
            match sum.get_mut(place) {
                Some(sum) => *sum += number,
                None if *rows == 0.0 => sum.push(number),
                None => return Err(de::Error::invalid_length(place + 1, &"rows of one length")),
            }
            place += 1;
        }
        if place != sum.len() {
            return Err(de::Error::invalid_length(place, &"rows of one length"));
        }
        *rows += 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_that_of_each_place() {
        assert_eq!(mean("[[1,2],[3,4]]").unwrap(), [2.0, 3.0]);
        assert_eq!(mean("[[0.5]]").unwrap(), [0.5]);
        for json in ["[[1,2],[3]]", "[[1],[2,3]]", "[]", "[[]]", "[[null]]", "[1]", "[[[1]]]"] {
            assert_eq!(mean(json), None, "{json}");
        }
    }

    #[test]
    fn a_cut_vector_has_the_length_of_one() {
        assert_eq!(cut(vec![3.0, 4.0, 12.0], 2), [0.6, 0.8]);
        assert_eq!(cut(vec![0.0, 0.0, 1.0], 2), [0.0, 0.0]);
    }
}
