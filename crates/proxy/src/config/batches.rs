//! `sagewire_settings.batches`: where files and batches are kept, and what they may use.

use std::{fmt, time::Duration};

use sagewire_batch::S3Location;
use sagewire_router::seconds::{self, Seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::general_settings::Text;

/// Where files and batches are kept, and what they may use.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct BatchSettings {
    /// A directory, which serves one proxy, or `s3://bucket/prefix`, which several may share. Required.
    #[serde(deserialize_with = "place")]
    #[schemars(with = "String")]
    pub store: BatchPlace,
    /// The most bytes of an uploaded file. Default: 209715200, as OpenAI's.
    pub max_file_bytes: u64,
    /// The most requests of a batch. Default: 50000, as OpenAI's.
    pub max_requests: u64,
    /// The most bytes that a key may have stored, results included. Default: 10737418240.
    pub quota_bytes: u64,
    /// How long files, results and batches are kept. Default: 2592000, 30 days.
    #[serde(deserialize_with = "seconds::limit")]
    #[schemars(with = "Seconds")]
    pub lifetime: Duration,
    /// How many requests of one batch are asked at the same time. Default: 8.
    pub concurrency: u32,
    /// How many batches one proxy runs at the same time. Default: 4.
    pub running: u32,
    /// Which share of a key's limits, and of the requests at work, batches may use: from 0 to 1.
    /// Default: 0.5.
    #[serde(deserialize_with = "share")]
    pub share: f64,
    /// How long a proxy that dies keeps others from going on with its batches. Default: 60.
    #[serde(deserialize_with = "seconds::limit")]
    #[schemars(with = "Seconds")]
    pub lease: Duration,
    /// The region of the bucket. Default: as for every call.
    #[schemars(with = "Text")]
    pub aws_region_name: Option<String>,
    /// The profile whose credentials are used for the bucket. Default: AWS's default chain.
    #[schemars(with = "Text")]
    pub aws_profile_name: Option<String>,
    /// A role to assume for the bucket.
    #[schemars(with = "Text")]
    pub aws_role_name: Option<String>,
    /// The URL of S3. Default: `AWS_ENDPOINT_URL_S3`, else the region's own.
    #[schemars(with = "Text")]
    pub s3_endpoint_url: Option<String>,
}

impl Default for BatchSettings {
    fn default() -> Self {
        Self {
            store: BatchPlace::Unset,
            max_file_bytes: 200 * 1024 * 1024,
            max_requests: 50_000,
            quota_bytes: 10 * 1024 * 1024 * 1024,
            lifetime: Duration::from_secs(30 * 86_400),
            concurrency: 8,
            running: 4,
            share: 0.5,
            lease: Duration::from_secs(60),
            aws_region_name: None,
            aws_profile_name: None,
            aws_role_name: None,
            s3_endpoint_url: None,
        }
    }
}

/// Where files and batches are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatchPlace {
    /// The configuration does not say where.
    Unset,
    /// A directory.
    Directory(std::path::PathBuf),
    /// A bucket.
    S3(S3Location),
}

impl fmt::Display for BatchPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => f.write_str("(unset)"),
            Self::Directory(path) => path.display().fmt(f),
            Self::S3(S3Location { bucket, prefix, .. }) => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// Reads the settings, which must say where files are.
pub(super) fn placed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BatchSettings>, D::Error> {
    let settings = Option::<BatchSettings>::deserialize(deserializer)?;
    match settings {
        Some(BatchSettings { store: BatchPlace::Unset, .. }) => Err(D::Error::missing_field("store")),
        settings => Ok(settings),
    }
}

fn place<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BatchPlace, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.starts_with("s3://") {
        let location = S3Location::parse(&text);
        return location
            .map(BatchPlace::S3)
            .ok_or_else(|| D::Error::custom("must be `s3://bucket` or `s3://bucket/prefix`"));
    }
    match text.split_once("://") {
        Some(_) => Err(D::Error::custom("must be a directory or `s3://bucket/prefix`")),
        None if text.is_empty() => Err(D::Error::custom("is empty: name a directory or `s3://bucket/prefix`")),
        None => Ok(BatchPlace::Directory(text.into())),
    }
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    if share > 0.0 && share <= 1.0 { Ok(share) } else { Err(D::Error::custom("must be above 0 and at most 1")) }
}
