//! A body with what its request needs beside it.
//!
//! Owns the one serialization of a request: these bytes are signed and sent.

use std::{fmt, io};

use bytes::Bytes;
use sagewire_types::{Error, json};
use serde::Serialize;

/// A body with its types, ready to be signed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Payload {
    /// `Content-Type` of the body.
    pub content_type: &'static str,
    /// `Accept`, or on streams `X-Amzn-SageMaker-Accept`.
    pub accept: Option<&'static str>,
    /// What the container wants in `X-Amzn-SageMaker-Custom-Attributes`, unless the operator sends
    /// something else there.
    pub custom_attributes: Option<&'static str>,
    /// The body.
    pub body: Bytes,
}

impl Payload {
    /// A JSON body, in which integers beyond 64 bits have the digits that the caller wrote.
    ///
    /// # Errors
    /// `InvalidRequest` where a parameter cannot be written as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, Error> {
        let mut begun = Begun { body: Vec::with_capacity(512), length: 0 };
        let written = serde_json::to_writer(&mut begun, value).and_then(|()| {
            if begun.length == begun.body.len() {
                return Ok(begun.body);
            }
            // A long body is written again, now into as many bytes as it has.
            let mut body = Vec::with_capacity(begun.length);
            serde_json::to_writer(&mut body, value).map(|()| body)
        });
        let body = written.map_err(|error| {
            Error::invalid("body", "the request cannot be written as JSON; check its parameters").with_source(error)
        })?;
        Ok(Self::from_json(json::restore_integers(body).into()))
    }

    /// A body that is JSON already.
    #[must_use]
    pub fn from_json(body: Bytes) -> Self {
        Self { content_type: "application/json", accept: Some("application/json"), custom_attributes: None, body }
    }
}

/// The longest body that grows while it is written, in bytes. A vector that grows holds up to three
/// times its length.
const LONGEST_THAT_GROWS: usize = 256 << 10;

/// A body as far as it is short, and its whole length.
struct Begun {
    body: Vec<u8>,
    length: usize,
}

impl io::Write for Begun {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.length == self.body.len() && self.length + bytes.len() <= LONGEST_THAT_GROWS {
            self.body.extend_from_slice(bytes);
        }
        self.length += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("content_type", &self.content_type)
            .field("accept", &self.accept)
            .field("custom_attributes", &self.custom_attributes)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_counted_and_not_printed() {
        let payload = Payload::json(&serde_json::json!({"inputs": "my secret prompt"})).unwrap();
        let text = format!("{payload:?} {payload:#?}");
        assert!(!text.contains("secret") && text.contains("body_bytes: 29"), "{text}");
    }

    #[test]
    fn a_body_of_any_length_is_whole() {
        for length in
            [0, 1, LONGEST_THAT_GROWS - 3, LONGEST_THAT_GROWS - 2, LONGEST_THAT_GROWS - 1, 3 * LONGEST_THAT_GROWS]
        {
            let texts = ["x".repeat(length), "y".to_owned()];
            assert_eq!(Payload::json(&texts).unwrap().body, serde_json::to_vec(&texts).unwrap(), "{length}");
        }
    }
}
