//! Durations as LiteLLM's configuration writes them: numbers of seconds, with or without a
//! fraction.
//!
//! Owns reading them with serde and their JSON schema.

use std::{borrow::Cow, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};

/// A number of seconds, in a JSON schema: `#[schemars(with = "Seconds")]`.
#[derive(Debug)]
pub struct Seconds;

impl JsonSchema for Seconds {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Seconds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "format": "seconds" })
    }
}

/// Reads a duration: `#[serde(deserialize_with = "seconds::deserialize")]`.
///
/// # Errors
/// For what is no number, and for a negative or infinite one.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| D::Error::custom("must be a number of seconds from 0"))
}

/// Reads a duration that may be missing: `#[serde(deserialize_with = "seconds::optional")]`.
///
/// # Errors
/// As [`deserialize`].
pub fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    deserialize(deserializer).map(Some)
}

/// Reads a time limit: a duration above 0.
///
/// # Errors
/// As [`deserialize`], and for 0, with which nothing would ever succeed.
pub fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let limit = deserialize(deserializer)?;
    if limit.is_zero() { Err(D::Error::custom("must be greater than 0")) } else { Ok(limit) }
}

/// Reads a time limit that may be missing.
///
/// # Errors
/// As [`limit`].
pub fn optional_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    limit(deserializer).map(Some)
}
