//! `general_settings`: what holds for the server.

use std::{borrow::Cow, time::Duration};

use sagewire_router::seconds::{self, Seconds};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};

use super::coordination_redis::CoordinationRedis;
use crate::callers::KeyDigest;

/// Settings of the server.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct GeneralSettings {
    /// The key with all rights. `os.environ/NAME` keeps it out of the file; `sha256:<hex>`
    /// is its digest.
    #[serde(deserialize_with = "key")]
    #[schemars(with = "Text")]
    pub master_key: Option<KeyDigest>,
    /// An additional header in which callers may send their key.
    #[serde(rename = "litellm_key_header_name", deserialize_with = "header_name")]
    #[schemars(with = "Text")]
    pub key_header_name: Option<http::HeaderName>,
    /// The model of calls that name none.
    #[schemars(with = "Text")]
    pub completion_model: Option<String>,
    /// The maximum number of requests that the proxy handles at the same time.
    #[serde(rename = "global_max_parallel_requests", alias = "max_parallel_requests")]
    pub max_parallel_requests: Option<usize>,
    /// The largest request body, in megabytes. Default: 25.
    #[serde(rename = "max_request_size_mb", deserialize_with = "megabytes")]
    #[schemars(with = "f64")]
    pub max_request_bytes: Option<usize>,
    /// Whether every stream ends with its token usage, asked for or not. Default: false.
    pub always_include_stream_usage: bool,
    /// Whether every deployment is probed every `health_check_interval` seconds. Probes cost
    /// tokens. Default: false.
    pub background_health_checks: bool,
    /// The time between two such probes. Default: 300.
    #[serde(deserialize_with = "seconds::deserialize")]
    #[schemars(with = "Seconds")]
    pub health_check_interval: Duration,
    /// The Redis or Valkey through which replicas share limits, cooldowns and budgets. `{}` takes
    /// everything from the variables `REDIS_*`.
    #[schemars(with = "CoordinationRedis")]
    pub coordination_redis: Option<CoordinationRedis>,
    /// Whether requests that a limit applies to are refused with 503 while Redis is away. Default:
    /// false: each replica applies its share.
    pub fail_closed_rate_limit_enforcement: bool,
    /// Whether the proxy may listen beyond this machine without any key. Default: false.
    #[serde(rename = "dangerously_permit_weak_or_unset_master_key")]
    pub permit_no_key: bool,
}

impl Default for GeneralSettings {
    fn default() -> Self {
        Self {
            master_key: None,
            key_header_name: None,
            completion_model: None,
            max_parallel_requests: None,
            max_request_bytes: None,
            always_include_stream_usage: false,
            background_health_checks: false,
            health_check_interval: Duration::from_secs(300),
            coordination_redis: None,
            fail_closed_rate_limit_enforcement: false,
            permit_no_key: false,
        }
    }
}

impl GeneralSettings {
    /// How often every deployment is probed, if it is.
    #[must_use]
    pub fn probe_interval(&self) -> Option<Duration> {
        self.background_health_checks.then(|| self.health_check_interval.max(Duration::from_secs(1)))
    }
}

/// A text in the schema. A number is the text that was written.
pub(super) struct Text;

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"] })
    }
}

pub(super) fn key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<KeyDigest>, D::Error> {
    let key = String::deserialize(deserializer)?;
    KeyDigest::of_configured(&key).map(Some).map_err(D::Error::custom)
}

fn header_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<http::HeaderName>, D::Error> {
    let name = String::deserialize(deserializer)?.to_ascii_lowercase();
    name.parse().map(Some).map_err(|_| D::Error::custom("must be the name of a header: letters, digits and `-`"))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is finite and above 0, and the conversion saturates"
)]
fn megabytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let megabytes = f64::deserialize(deserializer)?;
    if megabytes > 0.0 {
        Ok(Some((megabytes * 1024.0 * 1024.0) as usize))
    } else {
        Err(D::Error::custom("must be greater than 0"))
    }
}
