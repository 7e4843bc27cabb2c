//! What a request and a connection may use.
//!
//! Owns the numbers, under the names of `sagewire_settings.limits`. They are enforced where the
//! bytes pass: bodies in `http`, connections in `server`.

use std::time::Duration;

use sagewire_router::seconds::{self, Seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error};

/// Limits for each caller, for each connection and in total. Those of connections are fixed when
/// the server starts; the others change with a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// The largest request body, in bytes; a larger one is refused with 413. Default: 26214400.
    #[serde(rename = "max_body_bytes")]
    pub body_bytes: usize,
    /// The largest request head, in bytes; a larger one is refused with 431. At least 8192.
    /// Default: 65536.
    #[serde(rename = "max_header_bytes", deserialize_with = "header_bytes")]
    pub header_bytes: usize,
    /// The most bytes that the uploads of all requests may have together while they are held; more
    /// are refused with 503. Default: 268435456.
    #[serde(rename = "max_bytes_of_uploads")]
    pub upload_bytes: u64,
    /// How deep lists and objects of a body may be nested, up to 120; a deeper one is refused with
    /// 400. Default: 64.
    #[serde(rename = "max_json_depth", deserialize_with = "json_depth")]
    pub json_depth: usize,
    /// How many values a body may have for each KiB of it, beside 2,800 that any body may have; 20
    /// token ids count as one. A denser one is refused with 400, since it would take many times
    /// its length in memory. Default: 14.
    #[serde(rename = "max_json_values_per_kib")]
    pub json_values_per_kib: usize,
    /// The maximum number of texts that one request may embed, rank or continue. Default: 2048, as
    /// OpenAI's.
    #[serde(rename = "max_inputs")]
    pub inputs: usize,
    /// The maximum number of tools in one request. Default: 1024.
    #[serde(rename = "max_tools")]
    pub tools: usize,
    /// The maximum number of stop texts in one request. Default: 64.
    #[serde(rename = "max_stop_texts")]
    pub stop_texts: usize,
    /// The maximum total size of the stop texts of one request, in bytes. Default: 65536.
    #[serde(rename = "max_stop_bytes")]
    pub stop_bytes: usize,
    /// The maximum number of requests that are handled at the same time; more are refused with 503.
    /// `global_max_parallel_requests` means the same. Default: 10000.
    #[serde(rename = "max_concurrent_requests")]
    pub concurrent: usize,
    /// The maximum number of requests that wait for a free place before any is refused. Default: 0.
    #[serde(rename = "max_queued_requests")]
    pub queued: usize,
    /// How long a request waits for a free place. Default: 10.
    #[serde(deserialize_with = "seconds::deserialize")]
    #[schemars(with = "Seconds")]
    pub queue_timeout: Duration,
    /// The maximum number of open connections; more wait to be accepted. Default:
    /// 20000.
    #[serde(rename = "max_connections", deserialize_with = "connections")]
    pub connections: usize,
    /// How long a request's head may take to arrive; then it is refused with 408. On HTTP/2 the
    /// connection is idle until a head has arrived. Default: 15.
    #[serde(deserialize_with = "seconds::limit")]
    #[schemars(with = "Seconds")]
    pub header_timeout: Duration,
    /// How long a request's body may take to arrive; then it is refused with 408. Default: 60.
    #[serde(deserialize_with = "seconds::limit")]
    #[schemars(with = "Seconds")]
    pub body_timeout: Duration,
    /// How long a caller may take no bytes of its answer; then the connection is closed. Default:
    /// 60.
    #[serde(deserialize_with = "seconds::limit")]
    #[schemars(with = "Seconds")]
    pub write_timeout: Duration,
    /// How long a connection may be open without a request. Default: 90.
    #[serde(deserialize_with = "seconds::limit")]
    #[schemars(with = "Seconds")]
    pub idle_timeout: Duration,
    /// How long a wrong key waits for its refusal if its address has sent more than 10 of them within
    /// a minute; 0: never. Right keys never wait. Default: 1.
    #[serde(deserialize_with = "seconds::deserialize")]
    #[schemars(with = "Seconds")]
    pub wrong_key_delay: Duration,
    /// How long running requests may go on after the proxy was told to stop. Default: 60.
    #[serde(deserialize_with = "seconds::deserialize")]
    #[schemars(with = "Seconds")]
    pub drain_timeout: Duration,
}

impl Limits {
    /// The deepest nesting that can be allowed: the parser itself goes no deeper than 128.
    pub const MAX_JSON_DEPTH: usize = 120;

    /// The smallest limit of a request head.
    const MIN_HEADER_BYTES: usize = 8192;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 25 * 1024 * 1024,
            header_bytes: 64 * 1024,
            upload_bytes: 256 * 1024 * 1024,
            json_depth: 64,
            json_values_per_kib: 14,
            inputs: 2_048,
            tools: 1_024,
            stop_texts: 64,
            stop_bytes: 64 * 1024,
            concurrent: 10_000,
            queued: 0,
            queue_timeout: Duration::from_secs(10),
            connections: 20_000,
            header_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(90),
            wrong_key_delay: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(60),
        }
    }
}

fn header_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    usize::deserialize(deserializer).map(|bytes| bytes.max(Limits::MIN_HEADER_BYTES))
}

fn json_depth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let depth = usize::deserialize(deserializer)?;
    if (1..=Limits::MAX_JSON_DEPTH).contains(&depth) {
        Ok(depth)
    } else {
        Err(D::Error::custom(format!("must be from 1 to {}", Limits::MAX_JSON_DEPTH)))
    }
}

fn connections<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    match usize::deserialize(deserializer)? {
        0 => Err(D::Error::custom("must be at least 1: with 0 no connection would ever be accepted")),
        connections => Ok(connections),
    }
}
