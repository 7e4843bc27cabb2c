//! Vectors as base64 text.
//!
//! Owns OpenAI's second form of a vector: little-endian 32-bit floats in base64.
//!
//! <https://platform.openai.com/docs/api-reference/embeddings/create#embeddings_create-encoding_format>

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::VectorError;

/// A vector in base64, checked when it is made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Base64Floats(String);

impl Base64Floats {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The numbers.
    #[must_use]
    pub fn floats(&self) -> Vec<f32> {
        decode(&self.0).unwrap_or_default()
    }
}

impl From<&[f32]> for Base64Floats {
    fn from(floats: &[f32]) -> Self {
        let bytes: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
        Self(STANDARD.encode(bytes))
    }
}

impl TryFrom<String> for Base64Floats {
    type Error = VectorError;

    /// Takes a text from elsewhere.
    fn try_from(text: String) -> Result<Self, VectorError> {
        match decode(&text) {
            Some(_) => Ok(Self(text)),
            None => Err(VectorError::Base64),
        }
    }
}

impl std::fmt::Debug for Base64Floats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Base64Floats({} bytes)", self.0.len())
    }
}

fn decode(text: &str) -> Option<Vec<f32>> {
    let bytes = STANDARD.decode(text).ok()?;
    let floats = bytes.chunks_exact(size_of::<f32>());
    if !floats.remainder().is_empty() {
        return None;
    }
    floats.map(|bytes| Some(f32::from_le_bytes(bytes.try_into().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_of_little_endian_floats() {
        let floats = [1.0, -2.0];
        let base64 = Base64Floats::from(&floats[..]);
        assert_eq!((base64.as_str(), base64.floats()), ("AACAPwAAAMA=", floats.to_vec()));
        assert_eq!(Base64Floats::try_from("AACAPwAAAMA=".to_owned()).unwrap(), base64);
    }

    #[test]
    fn a_text_that_has_no_whole_count_of_floats_is_refused() {
        for text in ["AACAPwA=", "not base64", "AACAPwAAAMA"] {
            assert!(matches!(Base64Floats::try_from(text.to_owned()), Err(VectorError::Base64)), "{text}");
        }
    }
}
